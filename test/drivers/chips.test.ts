import test from 'ava';
import { Mpu6050, type Mpu6050Options } from '#drivers/virtual/chips/mpu6050.ts';
import { Nau7802, type Nau7802Options } from '#drivers/virtual/chips/nau7802.ts';

class Time {
  us = 0;
  readonly now = () => this.us;
}

function converter(options: Partial<Nau7802Options> = {}) {
  const time = new Time();
  const chip = new Nau7802({ nowUs: time.now, counts: () => 0x123456, ...options });
  const get = (register: number, count = 1) => [...chip.transfer(Uint8Array.of(register), count)];
  const set = (...bytes: number[]) => chip.write(Uint8Array.from(bytes));
  const result = () => {
    const [high = 0, middle = 0, low = 0] = get(0x12, 3);
    return ((high << 24) >> 8) | (middle << 8) | low;
  };
  const powerUp = (rate = 3) => {
    set(0x00, 0x01);
    set(0x00, 0x02);
    time.us += 300;
    set(0x00, 0x06);
    set(0x02, rate << 4);
    set(0x00, 0x16);
  };
  return { time, chip, get, set, result, powerUp };
}

test('a NAU7802 is ready 200 µs after its digital part was switched on, and converts when told to', (t) => {
  const { time, get, set } = converter();
  t.deepEqual(get(0x1f), [0x0f]);
  t.deepEqual(get(0x06, 4), [0x00, 0x80, 0x00, 0x00], 'a gain of 1 after power-on');
  set(0x00, 0x02);
  t.is((get(0x00)[0] ?? 0) & 0x08, 0);
  time.us += 200;
  t.is((get(0x00)[0] ?? 0) & 0x08, 0x08);
  time.us += 1_000_000;
  t.is((get(0x00)[0] ?? 0) & 0x20, 0, 'no cycle was started');
  set(0x00, 0x16);
  time.us += 100_000;
  t.is((get(0x00)[0] ?? 0) & 0x20, 0x20, 'ten samples a second after power-on');
});

test('a NAU7802 says when a conversion is there, until it is read', (t) => {
  const { time, chip, get, result, powerUp } = converter({ counts: () => -5 });
  powerUp();
  time.us += 100_000;
  t.is((get(0x00)[0] ?? 0) & 0x20, 0x20);
  t.is(result(), -5);
  t.is((get(0x00)[0] ?? 0) & 0x20, 0);
  time.us += 12_500;
  t.is((get(0x00)[0] ?? 0) & 0x20, 0x20);
  t.is(chip.statistics.conversions, 9);
  t.is(chip.statistics.overwritten, 7);
});

test('the first conversions of a NAU7802 after a start or a change of gain have not settled', (t) => {
  const { time, set, result, powerUp } = converter();
  powerUp();
  const settling = () =>
    [1, 2, 3, 4].map(() => {
      time.us += 12_500;
      return result();
    });
  const first = settling();
  t.true(first.slice(0, 3).every((counts) => counts !== 0x123456));
  t.is(first[3], 0x123456);
  set(0x01, 0x07);
  t.not(settling()[0], 0x123456);
});

test('a NAU7802 clears CALS when its calibration has ended, with CAL_ERR where that failed', (t) => {
  const { time, chip, get, set, powerUp } = converter();
  powerUp();
  set(0x02, 0x34);
  time.us += 40_000;
  t.is(get(0x02)[0], 0x34);
  time.us += 10_000;
  t.is(get(0x02)[0], 0x30);
  chip.troubles.calibrationFails = true;
  set(0x02, 0x34);
  time.us += 50_000;
  t.is(get(0x02)[0], 0x38);
});

test('an external offset calibration of a NAU7802 makes what is there the zero', (t) => {
  let counts = -4_321;
  const { time, get, set, result, powerUp } = converter({ counts: () => counts });
  powerUp();
  set(0x02, 0x36);
  time.us += 50_000;
  t.deepEqual(get(0x03, 3), [0x80, 0x10, 0xe1]);
  counts = 1_000;
  time.us += 100_000;
  t.is(result(), 5_321);
});

test('a NAU7802 in trouble: absent, stopped, saturated, frozen', (t) => {
  const { time, chip, get, result, powerUp } = converter();
  powerUp();
  time.us += 100_000;
  result();
  chip.absent = true;
  t.throws(() => get(0x00));
  chip.absent = false;
  chip.troubles.stopped = true;
  time.us += 1_000_000;
  t.is((get(0x00)[0] ?? 0) & 0x20, 0);
  chip.troubles.stopped = false;
  chip.troubles.saturated = -1;
  time.us += 100_000;
  t.is(result(), -0x800000);
});

function motionSensor(options: Partial<Mpu6050Options> = {}) {
  const time = new Time();
  const chip = new Mpu6050({ nowUs: time.now, acceleration: () => [0, 0, 9_806.65], ...options });
  const get = (register: number, count = 1) => [...chip.transfer(Uint8Array.of(register), count)];
  const set = (...bytes: number[]) => chip.write(Uint8Array.from(bytes));
  return { time, chip, get, set };
}

test('an MPU-6050 sleeps after power-on and after a reset, and says who it is', (t) => {
  const { time, get, set } = motionSensor();
  t.deepEqual(get(0x75), [0x68]);
  t.deepEqual(get(0x6b), [0x40]);
  time.us += 1_000_000;
  t.deepEqual(get(0x3b, 6), [0, 0, 0, 0, 0, 0]);
  set(0x6b, 0x01);
  time.us += 10_000;
  t.deepEqual(get(0x3b, 6), [0, 0, 0, 0, 0x40, 0x00], '1 g is 16,384 at ±2 g');
  set(0x6b, 0x80);
  set(0x6b, 0x01);
  t.deepEqual(get(0x6b), [0x40], 'writes are lost while it resets');
});

test('an MPU-6050 tells of a new sample once, at the rate that it is set to', (t) => {
  const { time, get, set } = motionSensor();
  set(0x6b, 0x01);
  set(0x1a, 0x03);
  set(0x19, 9);
  const seen = Array.from({ length: 100 }, () => {
    time.us += 1_000;
    return (get(0x3a)[0] ?? 0) & 1;
  });
  t.is(seen.filter((bit) => bit === 1).length, 10);
});

test('an MPU-6050 scales with its range and saturates', (t) => {
  const { time, get, set } = motionSensor({ acceleration: () => [-9_806.65, 50_000, 0] });
  set(0x6b, 0x01);
  set(0x1c, 0x08);
  time.us += 10_000;
  t.deepEqual(get(0x3b, 2), [0xe0, 0x00], '-1 g at ±4 g');
  set(0x1c, 0x00);
  time.us += 10_000;
  t.deepEqual(get(0x3d, 2), [0x7f, 0xff]);
});

test('the queue of an MPU-6050 keeps samples in order, counts its bytes and tells of overflow', (t) => {
  let z = 0;
  const { time, get, set } = motionSensor({ acceleration: () => [0, 0, (z++ * 9_806.65) / 16_384] });
  set(0x6b, 0x01);
  set(0x1a, 0x03);
  set(0x19, 9);
  set(0x23, 0x08);
  set(0x6a, 0x40);
  time.us += 30_000;
  t.deepEqual(get(0x72, 2), [0, 18]);
  const bytes = get(0x74, 18);
  const values = [0, 1, 2].map((sample) => (bytes[6 * sample + 4] ?? 0) * 256 + (bytes[6 * sample + 5] ?? 0));
  t.is((values[1] ?? 0) - (values[0] ?? 0), 1);
  t.is((values[2] ?? 0) - (values[1] ?? 0), 1);
  time.us += 3_000_000;
  t.deepEqual(get(0x72, 2), [4, 0]);
  t.is((get(0x3a)[0] ?? 0) & 0x10, 0x10);
  set(0x6a, 0x44);
  t.deepEqual(get(0x72, 2), [0, 0]);
});
