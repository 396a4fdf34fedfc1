import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Ports } from '#drivers/ports/ports.ts';
import { machineRoot } from '#drivers/ports/root.ts';
import { createSystemPorts, findDriver, parseDriverOptions } from '#drivers/registry.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';

/** A folder that looks like /sys, with these attributes of one device. */
async function sysfs(t: ExecutionContext, folder: string, texts: Readonly<Record<string, string>>) {
  const sys = await mkdtemp(join(tmpdir(), 'cartwright-sys-'));
  t.teardown(() => rm(sys, { recursive: true, force: true }));
  const device = join(sys, folder);
  await mkdir(device, { recursive: true });
  for (const [name, text] of Object.entries(texts)) await writeFile(join(device, name), `${text}\n`);
  const root = { ...machineRoot, sys };
  const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses: new Map(), root });
  return { device, ports };
}

/** The first reading of a driver that runs on files, in real time. */
async function firstReading(t: ExecutionContext, name: string, options: object, ports: Ports) {
  const driver = await findDriver(name);
  const parsed = parseDriverOptions(driver, options, 'sensor');
  const device = await driver.open(parsed, {
    id: 'sensor',
    clock: systemClock,
    log: silentLogger,
    buses: new Map(),
    ports,
  });
  t.teardown(() => device.stop());
  const faults: DeviceFault[] = [];
  device.faults.subscribe((fault) => faults.push(fault));
  const reading = await new Promise<Reading>((resolve, reject) => {
    device.start(resolve).catch(reject);
  });
  return { reading, faults, device };
}

test('a temperature is read from the kernel’s files, and a device that goes is told', async (t) => {
  const { device, ports } = await sysfs(t, 'class/hwmon/hwmon3', { name: 'lm75', temp1_input: '23437' });
  const { reading, faults } = await firstReading(
    t,
    'hwmon-temperature',
    { name: 'lm75', everyMs: 100 },
    ports,
  );
  t.like(reading, { kind: 'temperature', source: 'sensor', milliCelsius: 23_437 });
  await rm(device, { recursive: true });
  for (let wait = 0; wait < 100 && faults.length === 0; wait++)
    await new Promise((done) => setTimeout(done, 20));
  t.deepEqual(
    faults.map(({ fault, code }) => [fault, code]),
    [['disconnected', 'CW-DRV-005']],
  );
});

test('a battery is read from the kernel’s files', async (t) => {
  const texts = {
    type: 'Battery',
    status: 'Charging',
    capacity: '61',
    manufacturer: 'ACME',
    model_name: 'B48',
  };
  const { ports } = await sysfs(t, 'class/power_supply/BAT0', texts);
  const { reading, device } = await firstReading(t, 'linux-power-supply', { battery: 'BAT0' }, ports);
  t.like(reading, { kind: 'power', externalPower: true, batteryPpm: 610_000 });
  t.like(device.identity, { vendor: 'ACME', model: 'B48' });
});

test('an HX711 of the kernel is set to its gain and read through its files', async (t) => {
  const { ports, device } = await sysfs(t, 'bus/iio/devices/iio:device0', {
    name: 'hx711',
    in_voltage0_raw: '8389000',
    in_voltage_scale: '0.000002328',
    in_voltage0_scale_available: '0.000002328 0.000004656 ',
  });
  const options = { cellA: 'left', gain: 64, samplesPerSecond: 80 };
  const { reading } = await firstReading(t, 'iio-hx711', options, ports);
  t.like(reading, { kind: 'cell', source: 'left', counts: 392, sequence: 0 });
  t.is((await readFile(join(device, 'in_voltage_scale'), 'utf8')).trimEnd(), '0.000004656');
});

test('an accelerometer of the kernel is read through its files', async (t) => {
  const { ports } = await sysfs(t, 'bus/iio/devices/iio:device1', {
    name: 'adxl345',
    in_accel_x_raw: '0',
    in_accel_y_raw: '-26',
    in_accel_z_raw: '256',
    in_accel_scale: '0.038245',
  });
  const { reading } = await firstReading(t, 'iio-accelerometer', { name: 'adxl345' }, ports);
  t.like(reading, { kind: 'motion', accelerationMmS2: [0, -994, 9_791] });
});

test('what the kernel does not know is refused with what there is', async (t) => {
  const { ports } = await sysfs(t, 'class/hwmon/hwmon0', { name: 'cpu_thermal', temp1_input: '50000' });
  const opening = firstReading(t, 'hwmon-temperature', { name: 'lm75' }, ports);
  await t.throwsAsync(opening, { code: 'CW-DRV-004', message: /cpu_thermal/ });
});
