import test from 'ava';
import { DriverError } from '#drivers/errors.ts';
import { iioHx711 } from '#drivers/load-cell/iio-hx711.ts';
import { iioAccelerometer } from '#drivers/motion/iio-accelerometer.ts';
import type { AttributePort, Ports } from '#drivers/ports/ports.ts';
import { linuxPowerSupply } from '#drivers/power/linux-power-supply.ts';
import { hwmonTemperature } from '#drivers/temperature/hwmon-temperature.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { LivingAttributes } from '#drivers/virtual/peers/attributes.ts';
import { IioHx711Attributes } from '#drivers/virtual/peers/iio-hx711.ts';
import { createNoise } from '#drivers/virtual/peers/noise.ts';
import { SensorTrial } from './sensor-support.ts';

const second = 1_000_000;

function fixed(texts: Readonly<Record<string, string>>): LivingAttributes {
  const attributes = new LivingAttributes();
  for (const [name, text] of Object.entries(texts)) attributes.set(name, text);
  return attributes;
}

const portsOf = (trial: SensorTrial, attributes: LivingAttributes) =>
  new PeerPorts(trial.clock, { attributes });

/** Ports whose attributes take their time, as those of a kernel driver that waits for its chip. */
function slowly(trial: SensorTrial, ports: PeerPorts, waitUs: () => number) {
  const pending = { now: 0, most: 0, totalUs: 0 };
  const attributes: Ports['attributes'] = async (request) => {
    const port = await ports.attributes(request);
    const read: AttributePort['read'] = async (name) => {
      pending.now += 1;
      pending.most = Math.max(pending.most, pending.now);
      const us = waitUs();
      pending.totalUs += us;
      await new Promise<void>((done) => trial.clock.after(us, done));
      pending.now -= 1;
      return port.read(name);
    };
    return { ...port, read };
  };
  return { ports: Object.assign(Object.create(ports) as PeerPorts, { attributes }), pending };
}

test("the kernel's HX711 gives signed codes, ten a second where it waits for each", async (t) => {
  const trial = new SensorTrial();
  const codes: number[] = [];
  const noise = createNoise(1, 40);
  const attributes = new IioHx711Attributes(() => {
    codes.push(-1_234_567 + noise());
    return codes.at(-1) ?? 0;
  });
  // Conversions end every 97 ms; the kernel looks at once, then every 10 ms.
  let readOne = 0;
  const untilReadyUs = () => {
    const nowUs = trial.clock.nowUs();
    if (Math.floor(nowUs / 97_000) > readOne) {
      readOne = Math.floor(nowUs / 97_000);
      return 50;
    }
    readOne += 1;
    return Math.ceil((readOne * 97_000 - nowUs) / 10_000) * 10_000;
  };
  const { ports, pending } = slowly(trial, portsOf(trial, attributes), untilReadyUs);
  await trial.running(iioHx711, { cellA: 'left' }, ports);
  await trial.pass(3 * second);
  const cells = trial.of('cell');
  t.true(cells.length >= 28 && cells.length <= 31, `${cells.length}`);
  t.deepEqual(
    cells.map(({ counts }) => counts),
    codes.slice(4, 4 + cells.length),
    'the first four have not settled',
  );
  t.deepEqual(
    cells.map(({ sequence }) => sequence),
    cells.map((_, index) => index),
  );
  t.is(pending.most, 1, 'one read at a time');
  t.true(pending.totalUs < 0.25 * 3.5 * second, `reads held a thread for ${pending.totalUs} µs`);
  await trial.device.stop();
});

test('the gain is chosen by the scale that belongs to it', async (t) => {
  for (const gain of [128, 64] as const) {
    const trial = new SensorTrial();
    const attributes = new IioHx711Attributes(({ gain: set }) => set * 1_000);
    attributes.set('in_voltage_scale', gain === 128 ? '0.000004656' : '0.000002328');
    await trial.running(iioHx711, { cellA: 'left', gain }, portsOf(trial, attributes));
    await trial.pass(200_000);
    t.is(attributes.gainA, gain);
    t.true(trial.of('cell').every(({ counts }) => counts === gain * 1_000));
  }
});

test('a kernel without a choice of gain is refused where another than 128 is wanted', async (t) => {
  const trial = new SensorTrial();
  const ports = portsOf(trial, fixed({ in_voltage0_raw: '8388608' }));
  await t.throwsAsync(trial.running(iioHx711, { cellA: 'left', gain: 64 }, ports), { code: 'CW-DRV-020' });
  await t.notThrowsAsync(new SensorTrial(trial.clock).running(iioHx711, { cellA: 'left' }, ports));
});

test('both inputs are read in turn, after what settles', async (t) => {
  const trial = new SensorTrial();
  const noise = createNoise(2, 30);
  let last: string | undefined;
  let since = 0;
  const attributes = new IioHx711Attributes(({ input }) => {
    since = input === last ? since + 1 : 0;
    last = input;
    // What has just been switched still shows some of the other input.
    return (input === 'A' ? 300_000 : -500_000) + (since < 4 ? 40_000 : noise());
  });
  const { ports } = slowly(trial, portsOf(trial, attributes), () => 100);
  await trial.running(iioHx711, { cellA: 'left', cellB: 'right', samplesPerSecond: 80 }, ports);
  await trial.pass(2 * second);
  const of = (cell: string) => trial.of('cell').filter(({ source }) => source === cell);
  t.true(of('left').length > 12 && Math.abs(of('left').length - of('right').length) <= 1);
  t.true(of('left').every(({ counts }) => Math.abs(counts - 300_000) < 300));
  t.true(of('right').every(({ counts }) => Math.abs(counts + 500_000) < 300));
});

test('a read that the kernel does not answer is told within a second, and asked only once', async (t) => {
  const trial = new SensorTrial();
  let waitUs = 50_000;
  const noise = createNoise(4, 30);
  const { ports, pending } = slowly(trial, portsOf(trial, new IioHx711Attributes(noise)), () => waitUs);
  await trial.running(iioHx711, { cellA: 'left' }, ports);
  await trial.pass(second);
  waitUs = 20 * second;
  const fromUs = trial.clock.nowUs();
  await trial.pass(3 * second);
  t.deepEqual(trial.said(), ['missing CW-DRV-008']);
  t.true((trial.faults[0]?.atUs ?? 0) - fromUs <= second);
  t.is(pending.most, 1);
  const before = trial.readings.length;
  await trial.device.stop();
  await trial.pass(20 * second, 100_000);
  t.is(trial.readings.length, before, 'what comes after the stop is not delivered');
  t.is(trial.clock.nextDueUs, undefined);
});

test('an attribute that vanishes with its device ends it once, as disconnected', async (t) => {
  const trial = new SensorTrial();
  const ports = portsOf(trial, new IioHx711Attributes(createNoise(4, 30)));
  await trial.running(iioHx711, { cellA: 'left' }, ports);
  await trial.pass(second);
  ports.unplug();
  await trial.pass(2 * second);
  t.deepEqual(trial.said(), ['disconnected CW-DRV-005']);
  await trial.device.stop();
  t.is(trial.clock.nextDueUs, undefined);
});

const accelerometer = {
  in_accel_x_raw: '100',
  in_accel_y_raw: '-50',
  in_accel_z_raw: '1000',
  in_accel_scale: '0.009806650',
};

test("an accelerometer of the kernel is read with its scale, offset, matrix and the cart's axes", async (t) => {
  const trial = new SensorTrial();
  const attributes = fixed({
    ...accelerometer,
    in_accel_x_offset: '20',
    in_accel_z_scale: '0.004903325',
    in_accel_mount_matrix: '0, 1, 0; 1, 0, 0; 0, 0, 2',
  });
  await trial.running(
    iioAccelerometer,
    { name: 'lis3dh', axes: ['-x', 'y', 'z'] },
    portsOf(trial, attributes),
  );
  await trial.pass(100_000);
  t.deepEqual(trial.of('motion')[0]?.accelerationMmS2, [490, 1177, 9807]);
});

test('its own rate is set to the slowest that is no slower than it is asked', async (t) => {
  for (const [samplesPerSecond, expected] of [
    [10, '12.5'],
    [50, '50'],
    [60, '100'],
    [100, '100'],
  ] as const) {
    const trial = new SensorTrial();
    const attributes = fixed({
      ...accelerometer,
      sampling_frequency: '1',
      sampling_frequency_available: '1 12.5 50 100 400',
    });
    await trial.running(iioAccelerometer, { name: 'x', samplesPerSecond }, portsOf(trial, attributes));
    t.is(attributes.get('sampling_frequency'), expected);
    await trial.pass(second);
    t.true(Math.abs(trial.readings.length - samplesPerSecond) <= 2, `${trial.readings.length}`);
  }
});

test('what is no accelerometer of three axes is refused', async (t) => {
  const { in_accel_z_raw: _, ...flat } = accelerometer;
  const { in_accel_scale: __, ...unscaled } = accelerometer;
  for (const texts of [flat, unscaled]) {
    const trial = new SensorTrial();
    const running = trial.running(iioAccelerometer, { name: 'x' }, portsOf(trial, fixed(texts)));
    await t.throwsAsync(running, { code: 'CW-DRV-020' });
  }
});

test('a battery tells its charge as finely as it can, and external power by its status', async (t) => {
  const cases: readonly [
    texts: Readonly<Record<string, string>>,
    batteryPpm: number | undefined,
    external: boolean,
  ][] = [
    [{ status: 'Discharging', capacity: '83' }, 830_000, false],
    [{ status: 'Charging', capacity: '83', energy_now: '30125000', energy_full: '48200000' }, 625_000, true],
    [{ status: 'Full', charge_now: '2010000', charge_full: '2000000', capacity: '99' }, 1_000_000, true],
    [{ status: 'Not charging', charge_now: '1', charge_full: '0', capacity: '60' }, 600_000, true],
    [{ status: 'Unknown' }, undefined, false],
  ];
  for (const [texts, batteryPpm, externalPower] of cases) {
    const trial = new SensorTrial();
    await trial.running(linuxPowerSupply, { battery: 'BAT0' }, portsOf(trial, fixed(texts)));
    await trial.pass(10_000);
    const [reading] = trial.of('power');
    t.is(reading?.externalPower, externalPower);
    t.is(reading?.batteryPpm, batteryPpm);
  }
});

test('mains alone tells only whether there is power', async (t) => {
  const trial = new SensorTrial();
  const attributes = fixed({ online: '1' });
  await trial.running(linuxPowerSupply, { external: 'AC', everyMs: 100 }, portsOf(trial, attributes));
  await trial.pass(50_000);
  attributes.set('online', '0');
  await trial.pass(200_000);
  t.deepEqual(
    trial
      .of('power')
      .map(({ externalPower, batteryPpm }) => [externalPower, batteryPpm])
      .slice(0, 2),
    [
      [true, undefined],
      [false, undefined],
    ],
  );
  t.false(linuxPowerSupply.options.safeParse({}).success, 'neither battery nor external');
});

test('when the second supply is not there, the first is closed again', async (t) => {
  const trial = new SensorTrial();
  const ports = portsOf(trial, fixed({ status: 'Full' }));
  const attributes: Ports['attributes'] = async (request) => {
    if (request.name === 'AC') throw new DriverError('CW-DRV-004', 'there is no AC');
    return ports.attributes(request);
  };
  const without = Object.assign(Object.create(ports) as PeerPorts, { attributes });
  const opening = trial.open(linuxPowerSupply, { battery: 'BAT0', external: 'AC' }, without);
  await t.throwsAsync(opening, { code: 'CW-DRV-004' });
  t.is(ports.open, 0);
});

test('a temperature is found by number or by label', async (t) => {
  const attributes = fixed({
    temp1_input: '48312',
    temp1_label: 'Composite',
    temp2_input: '-4000',
    temp2_label: 'Sensor 1',
  });
  for (const [options, expected] of [
    [{}, 48_312],
    [{ channel: 2 }, -4_000],
    [{ label: 'Sensor 1' }, -4_000],
  ] as const) {
    const trial = new SensorTrial();
    await trial.running(hwmonTemperature, { name: 'nvme', ...options }, portsOf(trial, attributes));
    await trial.pass(10_000);
    t.is(trial.of('temperature')[0]?.milliCelsius, expected);
  }
  for (const options of [{ channel: 3 }, { label: 'Sensor 9' }]) {
    const trial = new SensorTrial();
    const ports = portsOf(trial, attributes);
    await t.throwsAsync(trial.open(hwmonTemperature, { name: 'nvme', ...options }, ports), {
      code: 'CW-DRV-020',
    });
    t.is(ports.open, 0);
  }
});

test('text where a number should be is told as what it is, and cleared when it is one again', async (t) => {
  const trial = new SensorTrial();
  const attributes = fixed({ temp1_input: '20000' });
  await trial.running(hwmonTemperature, { name: 'lm75', everyMs: 200 }, portsOf(trial, attributes));
  await trial.pass(second);
  attributes.set('temp1_input', 'ERR');
  await trial.pass(second);
  attributes.set('temp1_input', '20100');
  await trial.pass(second);
  t.deepEqual(trial.said(), ['missing CW-DRV-006', 'missing CW-DRV-006 over']);
  t.regex(trial.faults[0]?.message ?? '', /temp1_input holds "ERR", not a number/);
});
