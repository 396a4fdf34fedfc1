import test from 'ava';
import { nau7802 } from '#drivers/load-cell/nau7802.ts';
import { mpu6050 } from '#drivers/motion/mpu6050.ts';
import { Mpu6050, mpu6050Address } from '#drivers/virtual/chips/mpu6050.ts';
import { Nau7802, type Nau7802Options, nau7802Address } from '#drivers/virtual/chips/nau7802.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { createNoise } from '#drivers/virtual/peers/noise.ts';
import { SensorTrial } from './sensor-support.ts';

const second = 1_000_000;

function rig(more: Partial<Nau7802Options> = {}) {
  const trial = new SensorTrial();
  const noise = createNoise(7, 30);
  const chip = new Nau7802({ nowUs: () => trial.clock.nowUs(), counts: () => 250_000 + noise(), ...more });
  const ports = new PeerPorts(trial.clock, { i2c: new Map([[nau7802Address, chip]]) });
  const run = (options: object = {}) =>
    trial.running(nau7802, { adapter: 1, cells: ['left'], ...options }, ports);
  return { trial, chip, ports, run };
}

for (const samplesPerSecond of [10, 20, 40, 80, 320] as const) {
  test(`at ${samplesPerSecond} samples a second every conversion is read once, at its time`, async (t) => {
    // The code tells when the conversion ended: 10 µs a count.
    const { trial, chip, run } = rig({ counts: (atUs) => Math.round(atUs / 10) - 4_000_000, skew: 0.008 });
    await run({ samplesPerSecond });
    while (trial.readings.length === 0) await trial.pass(1_000, 500);
    const overwritten = chip.statistics.overwritten;
    await trial.pass(6 * second, 500);
    const cells = trial.of('cell');
    t.true(cells.length >= samplesPerSecond * 6, `${cells.length} readings`);
    t.deepEqual(
      cells.map(({ sequence }) => sequence),
      cells.map((_, index) => index),
    );
    const period = second / samplesPerSecond;
    const pollUs = Math.min(20_000, 0.6 * period);
    for (const { atUs, counts } of cells) {
      const error = atUs - (counts + 4_000_000) * 10;
      t.true(Math.abs(error) <= pollUs + 600, `a time is ${error} µs off`);
    }
    t.true(new Set(cells.map(({ counts }) => counts)).size === cells.length, 'a conversion was read twice');
    t.is(chip.statistics.overwritten, overwritten);
    t.deepEqual(trial.faults, []);
  });
}

test('the chip is powered up, supplied, set and calibrated as its data sheet asks', async (t) => {
  const { trial, chip, run } = rig();
  await run({ gain: 64, samplesPerSecond: 40, supplyVolts: 3.3 });
  t.deepEqual(chip.input, { channel: 1, gain: 64 });
  t.is(chip.samplesPerSecond, 40);
  t.is(chip.statistics.calibrations, 1);
  const register = (address: number) => chip.transfer(Uint8Array.of(address), 1)[0] ?? 0;
  t.is(register(0x00) & ~0x28, 0x96, 'own supply on, converting, analog and digital part on');
  t.is(register(0x01), (4 << 3) | 6, '3.3 V and a gain of 64');
  t.is(register(0x15) & 0x30, 0x30, 'chopper off');
  t.is(register(0x1c) & 0x80, 0x80, 'capacitor on the unused input');
  await trial.device.stop();
});

test('a converter with an outside supply is not given its own', async (t) => {
  const { chip, run } = rig();
  await run({ supplyVolts: 'external' });
  t.is((chip.transfer(Uint8Array.of(0), 1)[0] ?? 0) & 0x80, 0);
});

test('codes that have not settled are not delivered', async (t) => {
  const { trial, run } = rig({ counts: () => 1_000_000 });
  await run();
  await trial.pass(200_000);
  t.true(trial.of('cell').length > 0);
  t.true(trial.of('cell').every(({ counts }) => counts === 1_000_000));
});

test('two cells take turns, each with its own numbers, and never with the other’s codes', async (t) => {
  const noise = createNoise(3, 20);
  const { trial, chip, run } = rig({
    counts: (_atUs, { channel }) => (channel === 1 ? 500_000 : -700_000) + noise(),
  });
  await run({ cells: ['left', 'right'], samplesPerSecond: 320 });
  t.is(chip.statistics.calibrations, 2);
  t.is((chip.transfer(Uint8Array.of(0x1c), 1)[0] ?? 0) & 0x80, 0, 'no capacitor across a cell');
  await trial.pass(3 * second, 500);
  for (const [cell, expected] of [
    ['left', 500_000],
    ['right', -700_000],
  ] as const) {
    const own = trial.of('cell').filter(({ source }) => source === cell);
    t.true(own.length > 150, `${own.length} of ${cell}`);
    t.true(own.every(({ counts }) => Math.abs(counts - expected) < 200));
    t.deepEqual(
      own.map(({ sequence }) => sequence),
      own.map((_, index) => index),
    );
  }
  t.deepEqual(trial.faults, []);
});

test('a calibration that the chip calls failed is refused with what to look for', async (t) => {
  const { chip, run } = rig();
  chip.troubles.calibrationFails = true;
  await t.throwsAsync(run(), {
    code: 'CW-DRV-020',
    message: /input 1 failed; check the supply of the cells/,
  });
});

test('another chip at its address is refused, and the bus is closed', async (t) => {
  const { trial } = rig();
  const stranger = { transfer: (_write: Uint8Array, bytes: number) => new Uint8Array(bytes).fill(0x40) };
  const ports = new PeerPorts(trial.clock, { i2c: new Map([[nau7802Address, stranger]]) });
  await t.throwsAsync(trial.open(nau7802, { adapter: 1, cells: ['left'] }, ports), { code: 'CW-DRV-006' });
  t.is(ports.open, 0);
});

test('a chip that is not there is refused as such', async (t) => {
  const { trial } = rig();
  const ports = new PeerPorts(trial.clock, { i2c: new Map() });
  await t.throwsAsync(trial.open(nau7802, { adapter: 1, cells: ['left'] }, ports), { code: 'CW-DRV-013' });
  t.is(ports.open, 0);
});

test('a chip that is pulled and put back on the bus is set up anew, and goes on counting', async (t) => {
  const { trial, chip, run } = rig();
  await run();
  await trial.pass(second);
  const before = trial.of('cell').at(-1)?.sequence ?? 0;
  chip.absent = true;
  await trial.pass(2 * second);
  t.deepEqual(trial.said(), ['missing CW-DRV-013']);
  t.true((trial.faults[0]?.atUs ?? 0) <= 4_000_000);
  chip.powerOn();
  chip.absent = false;
  await trial.pass(2 * second);
  t.deepEqual(trial.said(), ['missing CW-DRV-013', 'missing CW-DRV-013 over']);
  t.is(trial.of('cell').find(({ atUs }) => atUs > (trial.faults[1]?.atUs ?? 0))?.sequence, before + 2);
});

test('a single transfer that fails is no fault', async (t) => {
  const { trial, chip, run } = rig();
  await run();
  for (let time = 0; time < 5; time++) {
    await trial.pass(600_000);
    chip.absent = true;
    await trial.pass(12_000);
    chip.absent = false;
  }
  await trial.pass(200_000);
  t.deepEqual(trial.faults, []);
});

test('a supply that fails for a moment is noticed, though the chip acknowledges', async (t) => {
  const { trial, chip, run } = rig();
  await run();
  await trial.pass(second);
  chip.powerOn();
  await trial.pass(second);
  t.deepEqual(trial.said(), ['missing CW-DRV-018', 'missing CW-DRV-018 over']);
  t.is(chip.statistics.calibrations, 2);
});

test('a bus that is too slow for the rate is told, with how much is lost', async (t) => {
  const { trial, ports } = rig();
  const transfer = { busy: true };
  const slow = Object.assign(Object.create(ports) as PeerPorts, {
    i2c: async (request: Parameters<PeerPorts['i2c']>[0]) => {
      const port = await ports.i2c(request);
      return {
        ...port,
        transfer: async (...args: Parameters<typeof port.transfer>) => {
          if (transfer.busy) await new Promise<void>((done) => trial.clock.after(4_000, done));
          return port.transfer(...args);
        },
      };
    },
  });
  await trial.running(nau7802, { adapter: 1, cells: ['left'], samplesPerSecond: 320 }, slow);
  await trial.pass(1_200_000, 500);
  t.deepEqual(trial.said(), ['timing CW-DRV-017']);
  t.regex(trial.faults[0]?.message ?? '', /\d+ of \d+ samples were lost because the bus was too slow/);
  const { sequence, atUs } = trial.of('cell').at(-1) ?? { sequence: 0, atUs: 0 };
  const first = trial.of('cell')[0]?.atUs ?? 0;
  t.true(Math.abs(sequence - ((atUs - first) * 320) / 1e6) < 12, 'numbers count what was lost');
  transfer.busy = false;
  await trial.pass(1_200_000, 500);
  t.deepEqual(trial.said(), ['timing CW-DRV-017', 'timing CW-DRV-017 over']);
});

test('a converter and a motion sensor share a bus, and one that fails leaves the other alone', async (t) => {
  const { trial, chip } = rig();
  const motion = new Mpu6050({ nowUs: () => trial.clock.nowUs(), acceleration: () => [30, -20, 9_800] });
  const ports = new PeerPorts(trial.clock, {
    i2c: new Map<number, Nau7802 | Mpu6050>([
      [nau7802Address, chip],
      [mpu6050Address, motion],
    ]),
  });
  const imu = new SensorTrial(trial.clock);
  await trial.running(nau7802, { bus: 'bridge', cells: ['left'] }, ports);
  await imu.running(mpu6050, { bus: 'bridge' }, ports, 'imu');
  await trial.pass(2 * second);
  motion.absent = true;
  await trial.pass(2 * second);
  t.deepEqual(imu.said().slice(0, 1), ['stuck CW-DRV-015'], 'values without any noise');
  t.true(imu.said().includes('missing CW-DRV-013'));
  t.deepEqual(trial.faults, []);
  const last = trial.of('cell').at(-1);
  t.true(trial.clock.nowUs() - (last?.atUs ?? 0) < 30_000);
  await trial.device.stop();
  await imu.device.stop();
  t.is(ports.open, 0);
});

test('options that can not be are refused', (t) => {
  const refused = (options: object) => !nau7802.options.safeParse({ cells: ['left'], ...options }).success;
  t.true(refused({}), 'neither bus nor adapter');
  t.true(refused({ bus: 'bridge', adapter: 1 }));
  t.true(refused({ adapter: 1, samplesPerSecond: 100 }));
  t.true(refused({ adapter: 1, gain: 3 }));
  t.true(refused({ adapter: 1, supplyVolts: 5 }));
  t.true(refused({ adapter: 1, cells: [] }));
  t.true(refused({ adapter: 1, cells: ['a', 'b', 'c'] }));
  t.false(refused({ adapter: 'i2c-bcm2835', samplesPerSecond: 320, gain: 1, supplyVolts: 2.4 }));
});
