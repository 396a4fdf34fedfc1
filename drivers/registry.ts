import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import {
  type Device,
  type Driver,
  type DriverContext,
  driverContract,
  type OptionsError,
  type OptionsSchema,
} from './driver.ts';
import { DriverError } from './errors.ts';
import { gpioIndicator } from './indicator/gpio-indicator.ts';
import { firmataHx711 } from './load-cell/firmata-hx711/driver.ts';
import { iioHx711 } from './load-cell/iio-hx711.ts';
import { nau7802 } from './load-cell/nau7802.ts';
import { iioAccelerometer } from './motion/iio-accelerometer.ts';
import { lsm6ds } from './motion/lsm6ds.ts';
import { mpu6050 } from './motion/mpu6050.ts';
import { ina219 } from './power/ina219.ts';
import { linuxPowerSupply } from './power/linux-power-supply.ts';
import { cas } from './scale/cas.ts';
import { hidScale } from './scale/hid-scale.ts';
import { mtSics } from './scale/mt-sics.ts';
import { scp01 } from './scale/scp-01.ts';
import { toledo8217 } from './scale/toledo-8217.ts';
import { evdevKeyboard } from './scanner/evdev-keyboard.ts';
import { hidPosScanner } from './scanner/hid-pos-scanner.ts';
import { serialScanner } from './scanner/serial-scanner.ts';
import { ssiScanner } from './scanner/ssi-scanner.ts';
import { llrpReader } from './tag-reader/llrp/llrp-reader.ts';
import { hwmonTemperature } from './temperature/hwmon-temperature.ts';
import { virtualLoadCells } from './virtual/load-cells.ts';
import { virtualMicrocontroller } from './virtual/microcontroller/driver.ts';
import { virtualMotion } from './virtual/motion.ts';
import { virtualScanner } from './virtual/scanner.ts';
import { virtualWorld } from './virtual/world.ts';

export { type AttachmentSource, systemAttachments } from './ports/attachments.ts';
export { findHolders } from './ports/holders.ts';
export type { Attached, AttachedKind } from './ports/ports.ts';
export { recordPorts } from './ports/raw/record.ts';
export { machineRoot, type SystemRoot } from './ports/root.ts';
export { createSystemPorts } from './ports/system.ts';

/** The drivers that come with the gateway. Options differ by driver; `parseDriverOptions` checks them before use. */
const shipped: readonly Driver[] = [
  virtualWorld,
  virtualLoadCells,
  virtualMicrocontroller,
  virtualScanner,
  virtualMotion,
  firmataHx711,
  hidPosScanner,
  evdevKeyboard,
  serialScanner,
  ssiScanner,
  hidScale,
  toledo8217,
  mtSics,
  scp01,
  cas,
  nau7802,
  iioHx711,
  mpu6050,
  lsm6ds,
  iioAccelerometer,
  linuxPowerSupply,
  ina219,
  hwmonTemperature,
  gpioIndicator,
  llrpReader,
];

const driverShape = z.object({
  contract: z.number(),
  name: z.string().regex(/^[a-z0-9-]+$/),
  kind: z.string(),
  options: z.custom<OptionsSchema>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      'safeParse' in value &&
      typeof value.safeParse === 'function',
    'must be a zod schema, or an object with a method safeParse',
  ),
  open: z.custom<Driver['open']>((value) => typeof value === 'function', 'must be a function'),
});

/**
 * All drivers: those shipped, then a maker's own from the configured JavaScript files. A file exports one driver as
 * `default` or several as `drivers`; each is a driver or a function that makes one, to which the gateway hands its zod.
 * Rejects with CW-DRV-007 (other contract) and CW-DRV-010 (file can't be used).
 */
export async function listDrivers(extraPaths: readonly string[] = []): Promise<Driver[]> {
  const drivers = [...shipped];
  for (const path of extraPaths) {
    for (const driver of await loadDriverFile(path)) {
      if (drivers.some((other) => other.name === driver.name)) {
        throw unusable(path, `the name ${driver.name} is taken by another driver; give it one of its own`);
      }
      drivers.push(driver);
    }
  }
  return drivers;
}

/** The driver of that name. Rejects with CW-DRV-001 and as `listDrivers` does. */
export async function findDriver(name: string, extraPaths: readonly string[] = []): Promise<Driver> {
  const drivers = await listDrivers(extraPaths);
  const found = drivers.find((driver) => driver.name === name);
  if (found !== undefined) return found;
  const own = drivers
    .slice(shipped.length)
    .map((driver) => driver.name)
    .join(', ');
  throw new DriverError(
    'CW-DRV-001',
    `there is no driver ${name}; this release brings: ${shipped.map((driver) => driver.name).join(', ')}${own === '' ? '' : `; the configuration adds: ${own}`}`,
  );
}

/**
 * Options checked and completed by the driver's own schema. Throws CW-DRV-002 naming what is wrong, also where a maker's
 * own `safeParse` fails or answers with something else than a result.
 */
export function parseDriverOptions(driver: Driver, options: unknown, deviceId: string): unknown {
  const refusal = (findings: readonly string[], cause?: unknown) =>
    new DriverError('CW-DRV-002', `device ${deviceId} with driver ${driver.name}: ${findings.join('; ')}`, {
      cause,
      details: { device: deviceId, driver: driver.name, findings },
    });
  let result: ReturnType<OptionsSchema['safeParse']> | undefined;
  try {
    result = driver.options.safeParse(options ?? {});
  } catch (cause) {
    throw refusal([`options: the driver's check of them failed: ${describeError(cause)}`], cause);
  }
  if (result?.success === true) return result.data;
  throw refusal(findingsOf(result?.error));
}

function findingsOf(error: OptionsError | undefined): string[] {
  const issues = Array.isArray(error?.issues) ? (error.issues as NonNullable<OptionsError['issues']>) : [];
  if (issues.length === 0) return [`options: ${error?.message ?? 'not valid; the driver does not say why'}`];
  return issues.map(
    ({ path, message }) => `${['options', ...(path ?? []).map(String)].join('.')}: ${message}`,
  );
}

/** Opens one device of a profile: finds its driver, checks its options. Rejects with coded errors. */
export async function openDevice(
  entry: { readonly id: string; readonly driver: string; readonly options?: unknown },
  context: DriverContext,
  extraPaths: readonly string[] = [],
): Promise<Device> {
  const driver = await findDriver(entry.driver, extraPaths);
  return driver.open(parseDriverOptions(driver, entry.options, entry.id), context);
}

async function loadDriverFile(path: string): Promise<Driver[]> {
  if (/^[a-z][a-z0-9+.-]+:/i.test(path)) throw unusable(path, 'drivers are loaded from files only');
  let module: { default?: unknown; drivers?: unknown };
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    throw unusable(path, describeError(cause), cause);
  }
  const exported = Array.isArray(module.drivers)
    ? module.drivers
    : module.default === undefined
      ? []
      : [module.default];
  if (exported.length === 0) throw unusable(path, 'it exports neither `default` nor `drivers`');
  return Promise.all(exported.map(async (value) => checkDriver(await made(value, path), path)));
}

/** A maker's file lies outside this repository and finds no zod of its own, so a driver may be a function of it. */
async function made(value: unknown, path: string): Promise<unknown> {
  if (typeof value !== 'function') return value;
  try {
    return (await value(z)) as unknown;
  } catch (cause) {
    throw unusable(path, `the function that is to make its driver failed: ${describeError(cause)}`, cause);
  }
}

function checkDriver(value: unknown, path: string): Driver {
  const result = driverShape.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw unusable(path, `it exports no driver: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
  }
  if (result.data.contract !== driverContract) {
    throw new DriverError(
      'CW-DRV-007',
      `${path}: driver ${result.data.name} was built for contract ${result.data.contract}, this gateway has ${driverContract}; get the matching version from its maker`,
    );
  }
  // The shape has been checked; the object itself is kept, so that `this` in its methods stays what it was.
  return value as Driver;
}

function unusable(path: string, why: string, cause?: unknown): DriverError {
  if (isCoded(cause) && cause instanceof DriverError) return cause;
  return new DriverError('CW-DRV-010', `driver file ${path} can not be used: ${why}`, { cause });
}
