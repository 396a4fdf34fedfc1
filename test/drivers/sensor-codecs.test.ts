import test from 'ava';
import fc from 'fast-check';
import { isCoded } from '#base/errors.ts';
import { attributeNumber } from '#drivers/attributes/numbers.ts';
import { signed16 } from '#drivers/i2c/chip.ts';
import { iioHx711Counts } from '#drivers/load-cell/iio-hx711.ts';
import { mountMatrix, turned } from '#drivers/motion/iio-accelerometer.ts';
import { lsm6dsSample } from '#drivers/motion/lsm6ds-chip.ts';
import { mounted, upwards } from '#drivers/motion/mounting.ts';
import { mpuFilter, mpuSample } from '#drivers/motion/mpu6050-chip.ts';
import { SampleClock } from '#drivers/polled/sample-clock.ts';
import { chargeOf } from '#drivers/power/charge-table.ts';
import { ina219BusMillivolt, ina219ShuntMicrovolt } from '#drivers/power/ina219-chip.ts';
import { fuzzRuns } from './sensor-support.ts';

const seeded = { seed: 20_260_301, numRuns: fuzzRuns };
const word = fc.integer({ min: -32_768, max: 32_767 });
const vector = fc.tuple(word, word, word);

/** A codec may refuse what it is given, but only in the words of a coded error. */
function refusesOrReturns<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isCoded(error)) return undefined;
    throw error;
  }
}

test('two bytes are a number with its sign, whatever they hold', (t) => {
  fc.assert(
    fc.property(word, (value) => signed16((value >> 8) & 0xff, value & 0xff) === value),
    seeded,
  );
  t.is(signed16(0x80, 0x00), -32_768);
  t.is(signed16(0xff, 0xff), -1);
});

test('samples of the MPU-6050 have their high bytes first, those of the LSM6DS their low ones', (t) => {
  t.deepEqual(mpuSample(Uint8Array.of(0x40, 0x00, 0xff, 0xfe, 0x80, 0x00), 0), [16_384, -2, -32_768]);
  t.deepEqual(
    lsm6dsSample(Uint8Array.of(0x00, 0x40, 0xfe, 0xff, 0x00, 0x80), 0, false),
    [16_384, -2, -32_768],
  );
  fc.assert(
    fc.property(vector, fc.nat(40), (own, offset) => {
      const big = new Uint8Array(offset + 6);
      const little = new Uint8Array(offset + 7);
      own.forEach((value, axis) => {
        new DataView(big.buffer).setInt16(offset + 2 * axis, value, false);
        new DataView(little.buffer).setInt16(offset + 1 + 2 * axis, value, true);
      });
      little[offset] = 0x02 << 3;
      const decoded = [
        mpuSample(big, offset),
        lsm6dsSample(little, offset, true),
        lsm6dsSample(little.subarray(1), offset, false),
      ];
      return decoded.every((sample) => sample.every((value, axis) => value === own[axis]));
    }),
    seeded,
  );
});

test('a sample with the tag of another sensor is refused', (t) => {
  for (const tag of [0x00, 0x01, 0x03, 0x04, 0x1f]) {
    t.throws(() => lsm6dsSample(Uint8Array.of(tag << 3, 1, 2, 3, 4, 5, 6), 0, true), { code: 'CW-DRV-006' });
  }
});

test('voltages of the INA219 are those of its data sheet', (t) => {
  // Table 6 and 8.6.3.2: 4 mV above three status bits; 10 µV in two's complement.
  t.is(ina219BusMillivolt(0x7d, 0x00), 16_000);
  t.is(ina219BusMillivolt(0x1f, 0x42), 4_000);
  t.is(ina219ShuntMicrovolt(0x83, 0x00), -320_000);
  t.is(ina219ShuntMicrovolt(0x7d, 0x00), 320_000);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), (high, low) => {
      const millivolt = ina219BusMillivolt(high, low);
      return millivolt >= 0 && millivolt <= 32_764 && millivolt % 4 === 0;
    }),
    seeded,
  );
});

test("the kernel's codes of an HX711 are 2²³ too large, and anything else is refused", (t) => {
  t.is(iioHx711Counts('in_voltage0_raw', '8388608'), 0);
  t.is(iioHx711Counts('in_voltage0_raw', '0'), -8_388_608);
  t.is(iioHx711Counts('in_voltage0_raw', '16777215'), 8_388_607);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String)), (text) => {
      const counts = refusesOrReturns(() => iioHx711Counts('in_voltage0_raw', text));
      return (
        counts === undefined || (Number.isInteger(counts) && counts >= -8_388_608 && counts <= 8_388_607)
      );
    }),
    seeded,
  );
});

test('an attribute that holds no number is refused with what it holds, cut short', (t) => {
  for (const text of ['', ' ', 'NaN', 'Infinity', '0x12', '1 2', '12,5', 'null', '--1', '1e999']) {
    t.throws(() => attributeNumber('temp1_input', text), { code: 'CW-DRV-006' });
  }
  t.is(attributeNumber('x', ' -12.5\n'), -12.5);
  t.is(attributeNumber('x', '0.000002328'), 0.000_002_328);
  const long = t.throws(() => attributeNumber('x', 'y'.repeat(100_000)));
  t.true((long?.message.length ?? 0) < 200);
  fc.assert(
    fc.property(fc.string(), (text) => {
      const value = refusesOrReturns(() => attributeNumber('x', text));
      return value === undefined || Number.isFinite(value);
    }),
    seeded,
  );
});

test('a mounting matrix is nine numbers, as the kernel writes them', (t) => {
  const matrix = mountMatrix('mount_matrix', '0, 1, 0; -1, 0, 0; 0, 0, 1');
  t.deepEqual(turned(matrix, [10, 20, 30]), [20, -10, 30]);
  t.throws(() => mountMatrix('mount_matrix', '1, 0, 0; 0, 1, 0'), { code: 'CW-DRV-006' });
  t.throws(() => mountMatrix('mount_matrix', '1, 0, 0; 0, 1, 0; 0, 0, up'), { code: 'CW-DRV-006' });
});

test('any mounting keeps the length of what is felt, and the axis that is up is found again', (t) => {
  const axes = fc
    .tuple(
      fc.shuffledSubarray(['x', 'y', 'z'] as const, { minLength: 3 }),
      fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    )
    .map(([order, minus]) => order.map((axis, index) => (minus[index] ? (`-${axis}` as const) : axis)));
  fc.assert(
    fc.property(axes, vector, ([right = 'x', forward = 'y', up = 'z'], own) => {
      const turnedBy = mounted([right, forward, up], own);
      t.is(Math.round(Math.hypot(...turnedBy)), Math.round(Math.hypot(...own)));
      // Gravity alone: the chip's axis `up` feels it.
      const gravity = [0, 0, 0] as [number, number, number];
      gravity[{ x: 0, y: 1, z: 2 }[up.slice(-1) as 'x' | 'y' | 'z']] = up.startsWith('-') ? -1000 : 1000;
      t.is(upwards(gravity), up);
      t.deepEqual(mounted([right, forward, up], gravity).map(Math.abs), [0, 0, 1000]);
      t.is(mounted([right, forward, up], gravity)[2], 1000);
    }),
    { ...seeded, numRuns: Math.min(2_000, fuzzRuns) },
  );
});

test("the MPU-6050's filter is never wider than half the rate", (t) => {
  t.is(mpuFilter(100), 3, '44 Hz');
  t.is(mpuFilter(250), 2, '94 Hz');
  t.is(mpuFilter(20), 5, '10 Hz');
  t.is(mpuFilter(1), 6, 'the narrowest there is');
});

test('times of samples are whole, rise, and never lie after they were counted', (t) => {
  const step = fc.record({
    count: fc.integer({ min: 1, max: 170 }),
    late: fc.integer({ min: 0, max: 40_000 }),
    anew: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.constantFrom(3_125, 9_615.4, 10_000, 100_000),
      fc.array(step, { maxLength: 30 }),
      (period, steps) => {
        const clock = new SampleClock(period);
        let nowUs = 50_000_000;
        let last = Number.NEGATIVE_INFINITY;
        for (const { count, late, anew } of steps) {
          if (anew) clock.restart();
          nowUs += Math.round(count * period) + late;
          const times = clock.take(count, nowUs - period, nowUs);
          if (times.length !== count) return false;
          for (const time of times) {
            if (!Number.isSafeInteger(time) || time <= last || time > nowUs + 1) return false;
            last = time;
          }
        }
        return true;
      },
    ),
    { ...seeded, numRuns: Math.ceil(fuzzRuns / 10) },
  );
  t.pass();
});

test("times follow a chip whose oscillator is off, and bursts don't show in them", (t) => {
  for (const skew of [-0.05, -0.01, 0, 0.02, 0.05]) {
    const truePeriod = 10_000 / (1 + skew);
    const clock = new SampleClock(10_000);
    let taken = 0;
    let worst = 0;
    for (let nowUs = 20_000; nowUs < 30_000_000; nowUs += 20_000) {
      const due = Math.floor(nowUs / truePeriod);
      const times = clock.take(due - taken, nowUs - clock.periodUs, nowUs);
      times.forEach((time, index) => {
        if (nowUs > 5_000_000) worst = Math.max(worst, Math.abs(time - (taken + index + 1) * truePeriod));
      });
      taken = due;
    }
    t.true(worst <= 10_600, `${worst} µs at ${skew}`);
    t.true(Math.abs(clock.periodUs - truePeriod) < 100, `${clock.periodUs} µs at ${skew}`);
  }
});

test('the state of charge is read between the points of the curve and ends with it', (t) => {
  const table = [
    { millivolt: 3_000, ppm: 0 },
    { millivolt: 3_600, ppm: 200_000 },
    { millivolt: 4_200, ppm: 1_000_000 },
  ];
  t.is(chargeOf(2_500, table), 0);
  t.is(chargeOf(3_300, table), 100_000);
  t.is(chargeOf(3_900, table), 600_000);
  t.is(chargeOf(4_200, table), 1_000_000);
  t.is(chargeOf(9_000, table), 1_000_000);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_000 }), fc.integer({ min: 0, max: 500 }), (millivolt, more) => {
      return chargeOf(millivolt + more, table) >= chargeOf(millivolt, table);
    }),
    seeded,
  );
});
