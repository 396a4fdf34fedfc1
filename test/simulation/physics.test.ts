import test from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { CellModel, type CellTraits, idealCounts } from '#simulation/physics/cell.ts';
import { convert, countsPerVolt, inputNoiseVolts } from '#simulation/physics/converter.ts';
import { liftOff, putDown, puttingWays } from '#simulation/physics/handling.ts';
import { Hysteresis } from '#simulation/physics/hysteresis.ts';
import { PinkNoise, Wander } from '#simulation/physics/noise.ts';
import { naturalFrequency, stepSuspension, suspensionStep } from '#simulation/physics/suspension.ts';
import { rollingShaking } from '#simulation/physics/vibration.ts';
import { PlateModel } from '#simulation/plate.ts';

const seed = 20_261_122;
const positions: [number, number][] = [
  [-220, 330],
  [220, 330],
  [-220, -330],
  [220, -330],
];
const basket = (cells = positions) =>
  new PlateModel({
    id: 'basket',
    kind: 'cart',
    deadLoadMg: 2_600_000,
    cells: cells.map((positionMm, i) => ({ id: `c${i}`, positionMm, capacityMg: 10_000_000 })),
    cameras: [],
    scanners: [],
  });
const traits: CellTraits = {
  voltsPerMg: 0.01 / 10_000_000,
  zeroVolts: 0.0001,
  creepFraction: 0.0004,
  creepSeconds: 600,
  zeroMgPerKelvin: 300,
  nonlinearity: 0,
  capacityMg: 10_000_000,
};

test('a load anywhere on four cells is shared so that forces and moments balance', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: -220, max: 220 }), fc.integer({ min: -330, max: 330 }), (x, y) => {
      const shares = basket().sharesAt([x, y]);
      const sum = (weights: number[]) => weights.reduce((total, weight) => total + weight, 0);
      t.true(Math.abs(sum(shares) - 1) < 1e-12);
      t.true(Math.abs(sum(shares.map((share, i) => share * (positions[i]?.[0] ?? 0))) - x) < 1e-9);
      t.true(Math.abs(sum(shares.map((share, i) => share * (positions[i]?.[1] ?? 0))) - y) < 1e-9);
    }),
    { seed },
  );
});

test('two cells follow the lever law and one carries everything', (t) => {
  const pair: [number, number][] = [
    [-55, 0],
    [55, 0],
  ];
  t.deepEqual(
    basket(pair)
      .sharesAt([27.5, 40])
      .map((share) => Number(share.toFixed(12))),
    [0.25, 0.75],
  );
  t.deepEqual(basket([[10, 20]]).sharesAt([-90, 70]), [1]);
});

test('what is put down and taken away again leaves each cell as it was', (t) => {
  for (const how of puttingWays) {
    const plate = basket();
    const before = positions.map((_, cell) => plate.loadMg(cell, 0));
    const handling = putDown(how, createRandom(seed));
    plate.handle(1_000, 1_500_000, [70, -40], handling);
    plate.settle(1_000 + handling.endUs);
    const loaded = positions.map((_, cell) => plate.loadMg(cell, 60_000_000));
    const gain = loaded.reduce((sum, load, cell) => sum + load - (before[cell] ?? 0), 0);
    t.true(Math.abs(gain - 1_500_000) < 1e-3, `${how}: ${gain}`);
    const lift = liftOff(createRandom(seed));
    plate.handle(60_000_000, -1_500_000, [70, -40], lift);
    plate.settle(60_000_000 + lift.endUs);
    positions.forEach((_, cell) => {
      t.true(Math.abs(plate.loadMg(cell, 120_000_000) - (before[cell] ?? 0)) < 1e-3, how);
    });
  }
});

test('every way of putting down carries the whole thing in the end, whatever the chance', (t) => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(...puttingWays), (chance, how) => {
      const handling = putDown(how, createRandom(chance));
      t.is(handling.part(handling.endUs), 1);
      t.true(handling.releaseUs <= handling.endUs);
      t.is(liftOff(createRandom(chance)).part(1_000_000), 1);
    }),
    { seed },
  );
});

test('the converter gives 429.5 counts per gram for a 10 kg cell of 2 mV/V and saturates at 24 bits', (t) => {
  t.true(Math.abs(idealCounts({ ...traits, zeroVolts: 0 }, 1_000) - 429.4967) < 0.001);
  t.is(convert(0.03), 0x7fffff);
  t.is(convert(-0.03), -0x800000);
  t.is(convert(-1 / countsPerVolt), -1);
});

test('noise is 0.09 g rms at 80 and 0.05 g at 10 samples a second', (t) => {
  for (const [rate, grams] of [
    [80, 0.09],
    [10, 0.05],
  ] as const) {
    t.true(Math.abs(inputNoiseVolts(rate) - grams * 1e-6) < 1e-12);
    const cell = new CellModel({ ...traits, creepFraction: 0 }, 0, rate, createRandom(seed));
    const samples = Array.from({ length: 4_000 }, () => cell.sample(1_000_000, 0) / 429.4967);
    const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
    const rms = Math.sqrt(samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / samples.length);
    t.true(rms > grams * 0.95 && rms < grams * 1.12, `${rms} g at ${rate}/s`);
  }
});

test('pink noise has an rms of one and more power at low frequencies', (t) => {
  const noise = new PinkNoise(createRandom(seed));
  const values = Array.from({ length: 65_536 }, () => noise.next());
  const power = (series: number[]) => series.reduce((sum, value) => sum + value * value, 0) / series.length;
  t.true(Math.abs(Math.sqrt(power(values)) - 1) < 0.15);
  const means = Array.from({ length: 1_024 }, (_, i) => {
    const part = values.slice(i * 64, i * 64 + 64);
    return part.reduce((sum, value) => sum + value, 0) / 64;
  });
  // The mean of 64 white samples would keep 1/64 of the power.
  t.true(power(means) > 0.25, String(power(means)));
});

test('a cell creeps by its fraction of a new load and back', (t) => {
  const cell = new CellModel(traits, 0, 80, createRandom(seed));
  const grams = (seconds: number, loadMg: number) => {
    let sum = 0;
    for (let i = 0; i < seconds * 80; i++) {
      const counts = cell.sample(loadMg, 0);
      if (i >= seconds * 80 - 800) sum += counts;
    }
    return (sum / 800 - 0.0001 * countsPerVolt) / 429.4967;
  };
  t.true(Math.abs(grams(11, 5_000_000) - 5_000) < 0.1);
  t.true(Math.abs(grams(1_800, 5_000_000) - 5_001.9) < 0.15);
  t.true(Math.abs(grams(3_600, 0)) < 0.1);
});

test('a warmer cell shows a shifted zero', (t) => {
  const cell = new CellModel({ ...traits, creepFraction: 0 }, 0, 80, createRandom(seed));
  const mean = (kelvin: number) =>
    Array.from({ length: 800 }, () => cell.sample(0, kelvin)).reduce((sum, c) => sum + c, 0) / 800;
  t.true(Math.abs((mean(10) - mean(0)) / 429.4967 - 3) < 0.1);
});

test('a plate rings at its natural frequency, falls with load and comes to rest', (t) => {
  t.true(naturalFrequency(20, 2e6, 6e6) === naturalFrequency(20, 2e6, 0) / 2);
  const omega = naturalFrequency(20, 2e6, 0);
  const state = { loadMg: 0, rateMgPerS: 0 };
  const step = suspensionStep(omega, 0.09, 0.001);
  let highest = 0;
  let peakAt = 0;
  for (let ms = 1; ms <= 1_500; ms++) {
    stepSuspension(state, step, 1_000);
    if (state.loadMg > highest) [highest, peakAt] = [state.loadMg, ms];
  }
  // Overshoot of a second-order system: exp(−πζ/√(1−ζ²)), at half a period.
  t.true(Math.abs(highest - 1_000 * (1 + Math.exp((-Math.PI * 0.09) / Math.sqrt(1 - 0.0081)))) < 3);
  t.is(peakAt, 25);
  t.true(Math.abs(state.loadMg - 1_000) < 0.01);
});

test('rolling shakes the frame more the faster it goes, and not before or after', (t) => {
  const rms = (speed: number) => {
    const shaking = rollingShaking(1_000_000, 4, speed, createRandom(seed));
    let sum = 0;
    for (let i = 0; i < 400; i++) {
      const acceleration: [number, number, number] = [0, 0, 0];
      shaking.add(1_000_000 + i * 10_000, acceleration);
      sum += acceleration[2] ** 2;
    }
    t.is(shaking.untilUs, 5_000_000);
    return Math.sqrt(sum / 400);
  };
  t.true(rms(800) > 350);
  t.true(rms(800) > 1.7 * rms(400));
});

test('a wandering hand has the spread and the time constant it was given', (t) => {
  const wander = new Wander(createRandom(seed), 0.6, 0);
  const values = Array.from({ length: 20_000 }, (_, i) => wander.at(i * 100_000));
  const product = (lag: number) =>
    values.slice(lag).reduce((sum, value, i) => sum + value * (values[i] ?? 0), 0) / (values.length - lag);
  t.true(Math.abs(product(0) - 1) < 0.1);
  t.true(Math.abs(product(6) - Math.exp(-1)) < 0.1);
});

test('a cell with hysteresis shows most in the middle of the way down, and never jumps', (t) => {
  const hysteresis = new Hysteresis(4e-4);
  const up = Array.from({ length: 101 }, (_, index) => hysteresis.at(index * 100_000));
  t.true(up.every((excess) => excess === 0));
  const down = Array.from({ length: 101 }, (_, index) => hysteresis.at((100 - index) * 100_000));
  t.is(Math.round(down[50] ?? 0), 4_000);
  t.is(Math.round(down[75] ?? 0), 3_000);
  t.is(down[100], 0);
  let before = 0;
  for (const load of [
    ...path(0, 10, 1),
    ...path(10, 4, -1),
    ...path(4, 8, 1),
    ...path(8, 6, -1),
    ...path(6, 12, 1),
  ]) {
    const excess = hysteresis.at(load);
    t.true(excess >= 0 && Math.abs(excess - before) < 300, `${load}: ${before} → ${excess}`);
    before = excess;
  }
  t.is(before, 0);
});

/** Loads in steps of 50 g from one to another, given in kg. */
function path(from: number, to: number, sign: 1 | -1): number[] {
  return Array.from(
    { length: Math.abs(to - from) * 20 },
    (_, index) => (from * 20 + sign * (index + 1)) * 50_000,
  );
}
