import type { ExecutionContext } from 'ava';
import { inGuest } from '../machine/machine.ts';
import type { VirtualRig } from '../rig/virtual.ts';
import { type Context, limitMs, type Plan } from './context.ts';
import { boardOf, type Line, openInTime, refusalOf } from './opened.ts';

/** As the kernel calls it: registers in memory, through SMBus only, as mainboards have it. */
const stubName = 'SMBus stub driver';
const chips = { mpu: 0x68, lsm: 0x6a, lm75: 0x48 } as const;
const absent = 0x2a;

const mpu = {
  config: 0x1a,
  accelerometer: 0x1c,
  userControl: 0x6a,
  power1: 0x6b,
  fifoCount: 0x72,
  whoAmI: 0x75,
  reset: 0x80,
  asleep: 0x40,
} as const;
/** Where an LSM6DS3 says what it is, and has x, y and z. */
const lsm = { whoAmI: 0x0f, me: 0x69, output: 0x28 } as const;

interface Stub {
  readonly node: string;
  readonly adapter: number;
  readonly board: string;
}

const far = ({ machine }: VirtualRig, name: string, ...args: readonly unknown[]) =>
  machine.guest.call(inGuest('buses'), name, ...args);

/** Chips on buses of the kernel, and sensors that the kernel itself reads there. */
export function busCases({ inMachine: test }: Plan): void {
  test.serial('a motion sensor is set up and read through an adapter that knows SMBus only', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const { node, board } = await loadStub(rig);
    await far(rig, 'fillStub', node, chips.mpu, { [mpu.whoAmI]: [0x68], [mpu.fifoCount]: [0, 0] });

    const never = await refusalOf(rig, board, 'motion');
    t.is(never.refused, 'CW-DRV-011');
    t.regex(never.message, /MPU-6050 took too long to reset/);

    await far(rig, 'letStubReset', chips.mpu, mpu.power1, mpu.reset, mpu.asleep);
    const device = await openInTime(rig, board, 'motion');
    const { opened } = await device.line('identity', (line) => 'opened' in line);
    t.like(opened, { vendor: 'InvenSense', model: 'MPU-6050', address: `i2c-${stubName}/0x68` });
    const register = async (at: number) => far(rig, 'readStub', node, chips.mpu, at, 1);
    // 44 Hz for 100 samples a second, 2 g, the queue of the accelerometer on, awake by a gyroscope's clock.
    t.deepEqual(await register(mpu.config), [3]);
    t.deepEqual(await register(mpu.config - 1), [9]);
    t.deepEqual(await register(mpu.accelerometer), [0]);
    t.deepEqual(await register(mpu.userControl), [0x40]);
    t.deepEqual(await register(mpu.power1), [1]);

    // One sample from 0x74 on, where 0x75 is also what the chip is: 0x1068, 0xf000 and 0x3c00 of 16384 a g.
    await far(rig, 'fillStub', node, chips.mpu, { 116: [0x10, 0x68, 0xf0, 0x00, 0x3c, 0x00] });
    await far(rig, 'fillStub', node, chips.mpu, { [mpu.fifoCount]: [0, 6] });
    const { accelerationMmS2 } = await device.line('acceleration', ({ kind }) => kind === 'motion');
    t.deepEqual(accelerationMmS2, [2514, -2452, 9194]);
    t.is(await device.end(), '');
    t.true(((await far(rig, 'stopStub')) as number) >= 1, 'resets seen by the chip');
  });

  test.serial('a chip that is missing, another, or held by the kernel is told by its code', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const { adapter, board } = await loadStub(rig);
    const missing = await refusalOf(rig, board, 'missing');
    t.is(missing.refused, 'CW-DRV-013');
    t.regex(missing.message, new RegExp(`no chip answers at 0x2a of /dev/i2c-${adapter}`));
    const another = await refusalOf(rig, board, 'another');
    t.is(another.refused, 'CW-DRV-006');
    t.regex(another.message, /no NAU7802/);
    await takenByKernel(rig, adapter, 'lm75', chips.lm75);
    const held = await refusalOf(rig, board, 'held');
    t.is(held.refused, 'CW-DRV-003');
    t.regex(held.message, /held by a driver of the kernel/);
    await leftByKernel(rig, adapter, chips.lm75);
    const nowhere = await refusalOf(rig, board, 'nowhere');
    t.is(nowhere.refused, 'CW-DRV-004');
  });

  test.serial('an accelerometer that the kernel knows (IIO) is read in its own scale', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const { node, adapter, board } = await loadStub(rig);
    // x 4096, y -4096, z 16384 counts of 61 µg, least significant byte first.
    await far(rig, 'fillStub', node, chips.lsm, {
      [lsm.whoAmI]: [lsm.me],
      [lsm.output]: [0x00, 0x10, 0x00, 0xf0, 0x00, 0x40],
    });
    await takenByKernel(rig, adapter, 'lsm6ds3', chips.lsm);
    // 0.000598205 m/s² a count, as the kernel's driver says.
    await kindIs(t, board, 'tilt', 'accelerationMmS2', [2450, -2450, 9801]);
    const rate = await rig.sh('cat /sys/bus/iio/devices/iio:device*/sampling_frequency');
    t.true(rate.split('\n').includes('52.000000') || rate.split('\n').includes('52'), rate);
    await leftByKernel(rig, adapter, chips.lsm);
    t.is((await refusalOf(rig, board, 'tilt')).refused, 'CW-DRV-004');
  });

  test.serial('a temperature that the kernel knows (hwmon) is read, below zero as well', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const { adapter, board } = await loadStub(rig);
    // A word, its first byte in the low half: 0x1980 and 0xe700 are 256ths of a degree.
    for (const [word, milliCelsius] of [
      ['0x8019', 25_500],
      ['0x00e7', -25_000],
    ] as const) {
      await rig.sh(`i2cset -y ${adapter} ${chips.lm75} 0 ${word} w`);
      await takenByKernel(rig, adapter, 'lm75', chips.lm75);
      await kindIs(t, board, 'warmth', 'milliCelsius', milliCelsius);
      await leftByKernel(rig, adapter, chips.lm75);
    }
    // Chips that another file has open keep the bus in the kernel.
    await far(rig, 'stopStub');
    await rig.sh('modprobe -r i2c_stub');
  });
}

/** A device's first readings are so. */
async function kindIs(
  t: ExecutionContext<Context>,
  board: string,
  id: string,
  key: string,
  value: unknown,
): Promise<void> {
  const device = await openInTime(t.context.machine, board, id);
  const reading = (line: Line) => key in line;
  t.deepEqual((await device.line('reading', reading))[key], value);
  // Registers in memory never change, which is told of an accelerometer.
  const faults = device.lines.filter(({ fault }) => fault !== undefined && fault !== 'stuck');
  t.deepEqual(faults, []);
  t.is(await device.end(), '');
}

/** The bus, where it is not there yet; any test can be run alone. */
async function loadStub(rig: VirtualRig): Promise<Stub> {
  const addresses = Object.values(chips).join(',');
  await rig.sh(`modprobe i2c_stub chip_addr=${addresses}; udevadm settle`);
  const listed = await rig.sh('grep -l "SMBus stub driver" /sys/bus/i2c/devices/i2c-*/name');
  const adapter = Number(/i2c-(\d+)/.exec(listed)?.[1]);
  const on = { adapter: stubName };
  const board = await boardOf(rig, 'stub-bus', [
    { id: 'motion', driver: 'mpu6050', options: { ...on, samplesPerSecond: 100 } },
    { id: 'missing', driver: 'nau7802', options: { ...on, address: absent, cells: ['left'] } },
    { id: 'another', driver: 'nau7802', options: { ...on, address: chips.mpu, cells: ['left'] } },
    { id: 'held', driver: 'mpu6050', options: { ...on, address: chips.lm75 } },
    { id: 'nowhere', driver: 'mpu6050', options: { adapter: 'no such adapter' } },
    {
      id: 'tilt',
      driver: 'iio-accelerometer',
      options: { name: 'lsm6ds3_accel', parent: `${adapter}-006a`, samplesPerSecond: 50 },
    },
    {
      id: 'warmth',
      driver: 'hwmon-temperature',
      options: { name: 'lm75', parent: `${adapter}-0048`, everyMs: 200 },
    },
  ]);
  return { node: `/dev/i2c-${adapter}`, adapter, board };
}

async function takenByKernel(rig: VirtualRig, adapter: number, name: string, address: number) {
  await rig.sh(`echo ${name} ${address} >/sys/bus/i2c/devices/i2c-${adapter}/new_device && udevadm settle`);
}

async function leftByKernel(rig: VirtualRig, adapter: number, address: number) {
  await rig.sh(`echo ${address} >/sys/bus/i2c/devices/i2c-${adapter}/delete_device`);
}
