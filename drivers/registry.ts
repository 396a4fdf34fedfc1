import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import { didYouMean } from '#base/suggest.ts';
import {
  type Device,
  type Driver,
  type DriverContext,
  deviceKinds,
  driverContract,
  type OptionsSchema,
} from './driver.ts';
import { DriverError } from './errors.ts';
import { findingLines, type OptionFinding, optionFindings } from './options-findings.ts';
import { shippedDrivers } from './shipped.ts';

export { type AttachmentSource, systemAttachments } from './ports/attachments.ts';
export { findHolders } from './ports/holders.ts';
export type { Attached, AttachedKind } from './ports/ports.ts';
export { recordPorts } from './ports/raw/record.ts';
export { machineRoot, type SystemRoot } from './ports/root.ts';
export { createSystemPorts } from './ports/system.ts';

const driverShape = z.object({
  contract: z.number(),
  name: z.string().regex(/^[a-z0-9-]+$/),
  kind: z.enum(deviceKinds),
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
  const shipped = await Promise.all(Object.values(shippedDrivers).map((load) => load()));
  return [...shipped, ...(await makersDrivers(extraPaths))];
}

/** The driver of that name; only it and a maker's own are loaded. Rejects with CW-DRV-001 and as `listDrivers` does. */
export async function findDriver(name: string, extraPaths: readonly string[] = []): Promise<Driver> {
  const makers = await makersDrivers(extraPaths);
  const load = Object.hasOwn(shippedDrivers, name) ? shippedDrivers[name] : undefined;
  const found = load === undefined ? makers.find((driver) => driver.name === name) : await load();
  if (found !== undefined) return found;
  const shipped = Object.keys(shippedDrivers);
  const own = makers.map((driver) => driver.name);
  const guess = didYouMean(name, [...shipped, ...own]);
  const added = own.length === 0 ? '' : `; the configuration adds: ${own.join(', ')}`;
  throw new DriverError(
    'CW-DRV-001',
    `there is no driver ${name}${guess === '' ? '; this' : `${guess} This`} release brings: ${shipped.join(', ')}${added}`,
  );
}

async function makersDrivers(paths: readonly string[]): Promise<Driver[]> {
  const drivers: Driver[] = [];
  for (const path of paths) {
    for (const driver of await loadDriverFile(path)) {
      const taken = drivers.some((other) => other.name === driver.name);
      if (taken || Object.hasOwn(shippedDrivers, driver.name)) {
        throw unusable(path, `the name ${driver.name} is taken by another driver; give it one of its own`);
      }
      drivers.push(driver);
    }
  }
  return drivers;
}

/**
 * Options checked and completed by the driver's own schema. Throws CW-DRV-002 naming what is wrong, also where a maker's
 * own `safeParse` fails or answers with something else than a result.
 */
export function parseDriverOptions(driver: Driver, options: unknown, deviceId: string): unknown {
  const refusal = (findings: readonly OptionFinding[], cause?: unknown) =>
    new DriverError(
      'CW-DRV-002',
      `device ${deviceId} with driver ${driver.name}: ${findingLines(findings).join('; ')}`,
      { cause, details: { device: deviceId, driver: driver.name, findings } },
    );
  let result: ReturnType<OptionsSchema['safeParse']> | undefined;
  try {
    result = driver.options.safeParse(options ?? {});
  } catch (cause) {
    throw refusal(
      [{ path: [], message: `the driver's check of them failed: ${describeError(cause)}` }],
      cause,
    );
  }
  if (result?.success === true) return result.data;
  throw refusal(optionFindings(result?.error, options ?? {}, driver.options));
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
