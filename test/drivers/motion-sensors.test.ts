import test from 'ava';
import { standardGravityMmS2 } from '#base/units.ts';
import { loadBoard } from '#config/load.ts';
import { lsm6ds } from '#drivers/motion/lsm6ds.ts';
import { lsm6dsModels } from '#drivers/motion/lsm6ds-chip.ts';
import { mpu6050 } from '#drivers/motion/mpu6050.ts';
import { mpuModels } from '#drivers/motion/mpu6050-chip.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { Lsm6ds, type Lsm6dsOptions, lsm6dsAddress } from '#drivers/virtual/chips/lsm6ds.ts';
import { Mpu6050, type Mpu6050Options, mpu6050Address } from '#drivers/virtual/chips/mpu6050.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { createNoise } from '#drivers/virtual/peers/noise.ts';
import { SensorTrial } from './sensor-support.ts';

const second = 1_000_000;

/** Transfers as the driver asked for them. */
class CountedPeer {
  longestRead = 0;
  transfers = 0;
  readonly #chip: Mpu6050 | Lsm6ds;

  constructor(chip: Mpu6050 | Lsm6ds) {
    this.#chip = chip;
  }

  transfer(write: Uint8Array, readBytes: number): Uint8Array {
    this.transfers += 1;
    this.longestRead = Math.max(this.longestRead, readBytes);
    return this.#chip.transfer(write, readBytes);
  }
}

function resting(seed = 5) {
  const noise = createNoise(seed, 20);
  return () => [noise(), noise(), standardGravityMmS2 + noise()] as const;
}

function mpuRig(more: Partial<Mpu6050Options> = {}) {
  const trial = new SensorTrial();
  const chip = new Mpu6050({ nowUs: () => trial.clock.nowUs(), acceleration: resting(), ...more });
  const peer = new CountedPeer(chip);
  const ports = new PeerPorts(trial.clock, { i2c: new Map([[mpu6050Address, peer]]) });
  const run = (options: object = { adapter: 1 }) => trial.running(mpu6050, options, ports, 'imu');
  return { trial, chip, peer, ports, run };
}

function lsmRig(more: Partial<Lsm6dsOptions> = {}) {
  const trial = new SensorTrial();
  const chip = new Lsm6ds({ nowUs: () => trial.clock.nowUs(), acceleration: resting(), ...more });
  const peer = new CountedPeer(chip);
  const ports = new PeerPorts(trial.clock, { i2c: new Map([[lsm6dsAddress, peer]]) });
  const run = (options: object = { adapter: 1 }) => trial.running(lsm6ds, options, ports, 'imu');
  return { trial, chip, peer, ports, run };
}

/** Acceleration by which the time of a sample can be told: 1 mm/s² up is a ms (of the last 4 s) on top of gravity less 2 s. */
const dated = (atUs: number) => [0, 0, standardGravityMmS2 - 2_000 + ((atUs / 1000) % 4_000)] as const;
const datedMs = (up: number) => up - standardGravityMmS2 + 2_000;

/** How far a time stamp is from when its sample was taken, µs, of a clock of 4 s. */
function timeError(atUs: number, up: number): number {
  const difference = (atUs / 1000 - datedMs(up)) % 4_000;
  return (
    (difference > 2_000 ? difference - 4_000 : difference < -2_000 ? difference + 4_000 : difference) * 1000
  );
}

for (const [name, makeRig, periodUs] of [
  ['MPU-6050', () => mpuRig({ acceleration: dated }), 10_000],
  ['LSM6DS3', () => lsmRig({ acceleration: dated, whoAmI: 0x69, skew: 0.03 }), 9_615],
  ['LSM6DSO', () => lsmRig({ acceleration: dated, whoAmI: 0x6c, skew: -0.04 }), 9_615],
] as const) {
  test(`every sample of the ${name} comes once, within a period of its time, in few transfers`, async (t) => {
    const { trial, peer, run, chip } = makeRig();
    await run();
    const before = { samples: chip.statistics.samples, transfers: peer.transfers };
    await trial.pass(10 * second);
    const motion = trial.of('motion');
    const taken = chip.statistics.samples - before.samples;
    t.true(Math.abs(motion.length - taken) <= 3, `${motion.length} of ${taken}`);
    t.is(
      new Set(motion.slice(-380).map(({ accelerationMmS2 }) => accelerationMmS2[2])).size,
      380,
      'none twice',
    );
    for (const { atUs, accelerationMmS2 } of motion.slice(100)) {
      const error = timeError(atUs, accelerationMmS2[2]);
      t.true(Math.abs(error) <= periodUs + 1_600, `a time is ${error} µs off`);
    }
    for (const [index, { atUs }] of motion.entries()) {
      t.true(atUs > (motion[index - 1]?.atUs ?? 0), 'times rise');
    }
    t.true(
      peer.transfers - before.transfers < taken * 1.35,
      `${peer.transfers - before.transfers} transfers`,
    );
  });
}

for (const rangeG of [2, 4, 8, 16] as const) {
  test(`at ±${rangeG} g both kinds of chip give the same acceleration, in mm/s²`, async (t) => {
    const felt = [-1_500, 3_200, 9_100] as const;
    for (const { trial, run, chip } of [
      mpuRig({ acceleration: () => felt }),
      lsmRig({ acceleration: () => felt, whoAmI: 0x6b }),
      lsmRig({ acceleration: () => felt, whoAmI: 0x6a }),
    ]) {
      await run({ adapter: 1, rangeG });
      await trial.pass(200_000);
      t.is(chip.rangeG, rangeG);
      const [reading] = trial.of('motion');
      felt.forEach((expected, axis) => {
        const got = reading?.accelerationMmS2[axis] ?? Number.NaN;
        t.true(Math.abs(got - expected) <= 0.35 * rangeG + 1, `${got} for ${expected}`);
      });
    }
  });
}

test('the mounting turns what the chip feels into right, forward and up', async (t) => {
  const { trial, run } = mpuRig({ acceleration: () => [-9_800, 120, 40] });
  await run({ adapter: 1, axes: ['-z', 'y', '-x'] });
  await trial.pass(100_000);
  const [right = 0, forward = 0, up = 0] = trial.of('motion')[0]?.accelerationMmS2 ?? [];
  t.true(Math.abs(right + 40) <= 1 && Math.abs(forward - 120) <= 1 && Math.abs(up - 9_800) <= 1);
  t.false(mpu6050.options.safeParse({ adapter: 1, axes: ['x', 'y', 'y'] }).success);
  t.false(mpu6050.options.safeParse({ adapter: 1, axes: ['x', '-x', 'z'] }).success);
  t.true(mpu6050.options.safeParse({ adapter: 1, axes: ['x', '-y', 'z'] }).success);
});

test('a mounting other than said is told with the axis that is up, and not a cart that leans', async (t) => {
  const noise = createNoise(9, 20);
  let felt: readonly [number, number, number] = [0, -9_800, 0];
  const { trial, run } = mpuRig({
    acceleration: () => [felt[0] + noise(), felt[1] + noise(), felt[2] + noise()],
  });
  await run();
  await trial.pass(second);
  t.deepEqual(trial.said(), ['configuration CW-DRV-015']);
  t.regex(trial.faults[0]?.message ?? '', /its axis -y points up, not z/);
  felt = [4_000, 3_000, 8_400];
  await trial.pass(1_200_000);
  t.deepEqual(trial.said(), ['configuration CW-DRV-015', 'configuration CW-DRV-015 over']);
});

test('bumps are no fault', async (t) => {
  const noise = createNoise(11, 3_000);
  const { trial, run } = mpuRig({
    acceleration: (atUs) => {
      const isBump = Math.floor(atUs / 100_000) % 6 === 0;
      return [noise(), isBump ? 60_000 : noise(), standardGravityMmS2 + noise()];
    },
  });
  await run();
  await trial.pass(5 * second);
  t.deepEqual(trial.faults, []);
});

test('through a board no transfer asks for more than it can answer, even after a pause', async (t) => {
  for (const rig of [mpuRig(), lsmRig({ whoAmI: 0x6c }), lsmRig({ whoAmI: 0x69 })]) {
    await rig.run({ bus: 'bridge' });
    await rig.trial.pass(200_000);
    rig.trial.clock.advance(second);
    await rig.trial.pass(200_000);
    t.true(rig.peer.longestRead <= 30, `${rig.peer.longestRead} bytes`);
    t.true(rig.trial.of('motion').length > 100, 'what waited in the queue was read');
  }
});

test('a queue that ran over is told, emptied and read on', async (t) => {
  const { trial, run, chip } = mpuRig();
  await run();
  await trial.pass(200_000);
  trial.clock.advance(3 * second);
  await trial.pass(300_000);
  t.true(chip.statistics.overflows > 0);
  t.true(trial.said().includes('timing CW-DRV-017'));
  t.true(trial.said().includes('timing CW-DRV-017 over'));
  const motion = trial.of('motion').slice(-20);
  t.true(
    motion.every(({ accelerationMmS2 }) => Math.abs(accelerationMmS2[2] - 9_807) < 200),
    'still in step',
  );
});

for (const id of Object.keys(mpuModels).map(Number)) {
  test(`WHO_AM_I 0x${id.toString(16)} is read as ${mpuModels[id]?.name}`, async (t) => {
    const { trial, run } = mpuRig({ whoAmI: id });
    await run();
    await trial.pass(300_000);
    t.is(trial.device.identity.model, mpuModels[id]?.name);
    t.true(trial.of('motion').length > 25);
  });
}

for (const id of Object.keys(lsm6dsModels).map(Number)) {
  test(`WHO_AM_I 0x${id.toString(16)} is read as ${lsm6dsModels[id]?.name}`, async (t) => {
    const { trial, run } = lsmRig({ whoAmI: id });
    await run({ bus: 'bridge' });
    await trial.pass(300_000);
    t.is(trial.device.identity.model, lsm6dsModels[id]?.name);
    t.is(trial.device.identity.address, 'bridge/0x6a');
    t.true(trial.of('motion').length > 25);
  });
}

test('the motion sensor of the cart’s board profile is read through its bridge', async (t) => {
  const board = await loadBoard('cart-pi5');
  const entry = board.devices.find(({ driver }) => driver === 'mpu6050');
  t.is(entry?.id, 'imu');
  const options = parseDriverOptions(mpu6050, entry?.options, 'imu');
  t.like(options, { bus: 'bridge', address: 0x68, rangeG: 2, samplesPerSecond: 100, axes: ['x', 'y', 'z'] });
});

test('another chip is refused by what it says it is', async (t) => {
  await t.throwsAsync(mpuRig({ whoAmI: 0x19 }).run(), { code: 'CW-DRV-006', message: /WHO_AM_I 0x19/ });
  await t.throwsAsync(lsmRig({ whoAmI: 0x33 }).run(), { code: 'CW-DRV-006', message: /WHO_AM_I 0x33/ });
});

test('a supply that fails for a moment is noticed by the settings that are gone', async (t) => {
  for (const { trial, run, chip } of [mpuRig(), lsmRig()]) {
    await run();
    await trial.pass(second);
    chip.powerOn();
    await trial.pass(second);
    t.deepEqual(trial.said(), ['missing CW-DRV-018', 'missing CW-DRV-018 over']);
    t.true(trial.clock.nowUs() - (trial.of('motion').at(-1)?.atUs ?? 0) < 40_000);
  }
});

test('stopping in the midst of setting up leaves no port and no timer', async (t) => {
  const { trial, ports } = mpuRig();
  const device = await trial.open(mpu6050, { adapter: 1 }, ports);
  const starting = device.start(() => t.fail('it was stopped'));
  await trial.pass(10_000);
  await device.stop();
  await starting;
  t.is(ports.open, 0);
  t.is(trial.clock.nextDueUs, undefined);
});
