import test from 'ava';
import { createRandom } from '#base/random.ts';
import { compilePlate } from '#calibration/cell-scale.ts';
import { PressTest } from '#calibration/diagnosis/press.ts';
import { DiagnosisRun } from '#calibration/diagnosis/run.ts';
import type { DiagnosedCell } from '#calibration/diagnosis/types.ts';
import { judgeTests } from '#calibration/tests/judge.ts';
import { planTests } from '#calibration/tests/plan.ts';
import type { TestName, TestObservation } from '#calibration/tests/types.ts';
import { loadShares } from '#config/statics.ts';
import { cellTraits, defaultHardwareSeed, simulatedCalibration } from '#simulation/hardware.ts';
import { putDown } from '#simulation/physics/handling.ts';
import { World, type WorldAction } from '#simulation/world.ts';
import { loadBoard } from '../simulation/helpers.ts';
import { sampleWeights } from './sample-report.ts';
import { perform } from './synthetic-scale.ts';

const board = await loadBoard('demo-cart');
const calibration = simulatedCalibration(board);
const basket = board.plates.find(({ id }) => id === 'basket');
if (basket?.cells === undefined) throw new Error('the demo cart has no basket');
const { cells: entries } = basket;
const ids = entries.map(({ id }) => id);
const rules = {
  plate: { maxMg: 30_000_000, intervalMg: 5_000, divisionMg: 1_000, cells: ids },
  regime: 'r76-initial',
} as const;

const cells = entries.map(
  ({ id, capacityMg }): DiagnosedCell => ({
    cell: id,
    plate: 'basket',
    capacityMg,
    divisionMg: 1_000,
    milligramsPerCount: calibration.plates.basket?.cells[id]?.milligramsPerCount,
    zeroCounts: calibration.plates.basket?.cells[id]?.zeroCounts,
    samplesPerSecond: 80,
  }),
);

const handle = (atUs: number, massMg: number): WorldAction => ({
  atUs,
  kind: 'handle',
  plate: 'basket',
  massMg,
  at: [0, 0],
  handling: putDown('place', createRandom(1)),
});

/** Mean mass over each window of 2 s, by the calibration, mg. */
function readings(world: World, fromUs: readonly number[], hardwareSeed: number): number[] {
  const { scales } = compilePlate(ids, simulatedCalibration(board, hardwareSeed).plates.basket);
  const sums = fromUs.map(() => new Map(ids.map((id) => [id, { sum: 0, n: 0 }])));
  for (const item of world.run((fromUs.at(-1) ?? 0) + 2_000_000)) {
    if (item.kind !== 'input' || item.input.kind !== 'cell') continue;
    const { atUs, source, counts } = item.input;
    const window = fromUs.findIndex((from) => atUs >= from && atUs < from + 2_000_000);
    const entry = sums[window]?.get(source);
    if (entry === undefined) continue;
    entry.sum += scales.get(source)?.toMg(counts) ?? 0;
    entry.n++;
  }
  return sums.map((window) => [...window.values()].reduce((total, { sum, n }) => total + sum / n, 0));
}

for (const hardwareSeed of [defaultHardwareSeed, 7, 23]) {
  test(`creep of the physical cart of hardware ${hardwareSeed} is reported within 10 % of what its cells do`, (t) => {
    t.timeout(120_000);
    const loadMg = 28_000_000;
    const putUs = 5_000_000;
    const minutes = [0, 5, 10, 15, 20, 25, 30];
    const world = new World({ board, seed: 4, hardwareSeed });
    world.schedule([handle(putUs, loadMg), handle(putUs + 1_830_000_000, -loadMg)]);
    const firstUs = putUs + 3_000_000;
    const windows = [
      2_000_000,
      ...minutes.map((minute) => firstUs + minute * 60_000_000),
      putUs + 1_834_000_000,
    ];
    const read = readings(world, windows, hardwareSeed);
    const observe = (name: TestName, massMg: number, index: number): TestObservation => ({
      test: name,
      massMg,
      at: 'centre',
      direction: 'up',
      indicatedMg: read[index] ?? Number.NaN,
      atUs: windows[index] ?? 0,
      weights: [],
    });
    const observations = [
      observe('zero-return', 0, 0),
      ...minutes.map((_, index) => observe('creep', loadMg, index + 1)),
      observe('zero-return', 0, windows.length - 1),
    ];
    const verdicts = judgeTests(observations, rules);
    const creep = verdicts.find((one) => one.test === 'creep');
    const zeroReturn = verdicts.find((one) => one.test === 'zero-return');
    const shares = loadShares(entries, [0, 0]);
    /** Creep of all cells from `a` to `b` s after the load was put down. */
    const between = (a: number, b: number) =>
      entries.reduce((sum, cell, index) => {
        const { creepFraction, creepSeconds } = cellTraits(cell, hardwareSeed);
        const gone = Math.exp(-a / creepSeconds) - Math.exp(-b / creepSeconds);
        return sum + loadMg * (shares[index] ?? 0) * creepFraction * gone;
      }, 0);
    const expected = between(4, 1_804);
    t.log(`creep ${creep?.figures.creepMg?.toFixed(0)} mg, the cells' is ${expected.toFixed(0)} mg`);
    t.true(Math.abs(expected) > 1_000);
    t.true(Math.abs((creep?.figures.creepMg ?? 0) / expected - 1) < 0.1);
    const late = between(904, 1_804);
    t.true(Math.abs((creep?.figures.lateCreepMg ?? 0) - late) < Math.max(0.1 * Math.abs(late), 60));
    t.deepEqual(creep?.missing, []);
    // What the cells have crept stays on them right after the load is gone.
    const left = between(0, 1_830);
    t.true(
      Math.abs((zeroReturn?.figures.zeroReturnMg ?? 0) / left - 1) < 0.1,
      `${zeroReturn?.figures.zeroReturnMg} of ${left}`,
    );
  });
}

for (const part of [3e-4, 5e-4]) {
  test(`hysteresis of ${part * 1e6} ppm of the physical cart is reported within 10 %`, (t) => {
    t.timeout(60_000);
    const steps = [2, 4, 8, 8, 8].map((load) => load * 1_000_000);
    const moves = [...steps, ...steps.toReversed().map((massMg) => -massMg)];
    const everyUs = 6_000_000;
    const world = new World({ board, seed: 3, hysteresis: part });
    world.schedule(moves.map((massMg, index) => handle((index + 1) * everyUs, massMg)));
    const windows = Array.from({ length: moves.length + 1 }, (_, index) => index * everyUs + 3_500_000);
    const read = readings(world, windows, defaultHardwareSeed);
    let massMg = 0;
    const observations = windows.map((atUs, index): TestObservation => {
      massMg += index === 0 ? 0 : (moves[index - 1] ?? 0);
      const direction = index > steps.length ? 'down' : 'up';
      const indicatedMg = read[index] ?? Number.NaN;
      return { test: 'linearity', massMg, at: 'centre', direction, indicatedMg, atUs, weights: [] };
    });
    const [linearity] = judgeTests(observations, rules);
    // h·Lm in the middle; of the loads, 14 of 30 kg is next to it.
    const x = 14 / 30;
    const expected = 4 * part * 30_000_000 * x * (1 - x);
    const { hysteresisMg = 0, hysteresisAtMg } = linearity?.figures ?? {};
    t.log(`${hysteresisMg.toFixed(0)} mg, the cells' is ${expected.toFixed(0)} mg`);
    t.is(hysteresisAtMg, 14_000_000);
    t.true(Math.abs(hysteresisMg / expected - 1) < 0.1);
    t.is(linearity?.observations.length, 11);
  });
}

for (const [hysteresisMg, creepPart] of [
  [2_000, 0],
  [-3_500, 0],
  [6_000, 3e-4],
] as const) {
  test(`hysteresis of ${hysteresisMg} mg and creep of ${creepPart * 1e6} ppm are reported within 10 %`, (t) => {
    const traits = { maxMg: 30_000_000, hysteresisMg, noiseMg: 20 };
    const { steps } = planTests({ ...rules, weights: sampleWeights, tests: ['linearity'] });
    const [linearity] = judgeTests(perform(steps, traits), rules);
    t.is(linearity?.figures.hysteresisAtMg, 15_000_000);
    t.true(Math.abs((linearity?.figures.hysteresisMg ?? 0) / hysteresisMg - 1) < 0.1);
    if (creepPart === 0) return;
    const { steps: held } = planTests({ ...rules, weights: sampleWeights, tests: ['creep'] });
    const creeping = { maxMg: 30_000_000, creepPart, creepSeconds: 500, noiseMg: 20 };
    const [creep] = judgeTests(perform(held, creeping), rules);
    // The first reading is 20 s after the load was put down.
    const expected = 30_000_000 * creepPart * (Math.exp(-20 / 500) - Math.exp(-1_820 / 500));
    t.true(Math.abs((creep?.figures.creepMg ?? 0) / expected - 1) < 0.1);
    t.is(creep?.verdict, 'failed');
  });
}

/** Lets the world run for `seconds` and diagnoses its cells. */
function diagnose(actions: readonly WorldAction[], seconds = 10) {
  const world = new World({ board, seed: 11 });
  world.schedule(actions);
  const run = new DiagnosisRun({ cells, empty: true });
  for (const item of world.run(seconds * 1e6)) {
    if (item.kind !== 'input' || item.input.kind !== 'cell') continue;
    const { source, atUs, counts, sequence } = item.input;
    run.sample(source, atUs, counts, sequence);
  }
  return run.result();
}

test('the cells of the physical cart are good at rest, with the noise of their converter', (t) => {
  const { verdict, cells: found } = diagnose([]);
  t.is(
    verdict,
    'good',
    JSON.stringify(found.flatMap(({ findings }) => findings.map(({ message }) => message))),
  );
  for (const { noiseMg, ratePerS } of found) {
    t.true(noiseMg !== undefined && noiseMg > 60 && noiseMg < 140, `${noiseMg}`);
    t.true(Math.abs(ratePerS - 80) < 1);
  }
});

for (const [fault, code] of [
  ['dropout', 'CW-CAL-150'],
  ['stuck', 'CW-CAL-154'],
  ['saturated', 'CW-CAL-153'],
] as const) {
  test(`a cell of the physical cart that is ${fault} is told`, (t) => {
    const { verdict, cells: found } = diagnose([
      { kind: 'fail', atUs: 0, cell: 'cell-rl', fault, untilUs: Number.MAX_SAFE_INTEGER },
    ]);
    t.is(verdict, 'fault');
    const faulty = found.filter(({ findings }) => findings.length > 0);
    t.deepEqual(
      faulty.map(({ cell, findings }) => [cell, findings.map((one) => one.code)]),
      [['cell-rl', [code]]],
    );
  });
}

test('a hand on the physical cart, and a thing left on it, are not taken for faults of cells', (t) => {
  const leaning = diagnose([
    { kind: 'lean', atUs: 3_000_000, untilUs: 5_000_000, plate: 'basket', massMg: 1_500_000, at: [0, 0] },
  ]);
  t.is(leaning.verdict, 'doubt');
  const codes = new Set(leaning.cells.flatMap(({ findings }) => findings.map(({ code }) => code)));
  t.true(codes.has('CW-CAL-161'), [...codes].join());
  t.false(codes.has('CW-CAL-156'));
});

/** Leans over each cell in turn while the press test waits for it. */
function pressAll(rename: (cell: string) => string) {
  const press = new PressTest(cells);
  const everyUs = 6_000_000;
  const world = new World({ board, seed: 5 });
  world.schedule(
    entries.map(({ positionMm }, index) => ({
      kind: 'lean',
      plate: 'basket',
      atUs: index * everyUs + 2_000_000,
      untilUs: index * everyUs + 4_500_000,
      massMg: 3_000_000,
      at: positionMm,
    })),
  );
  entries.forEach(({ id }, index) => {
    for (const untilUs of [index * everyUs + 1_500_000, index * everyUs + 5_500_000]) {
      for (const item of world.run(untilUs)) {
        if (item.kind === 'input' && item.input.kind === 'cell') {
          press.sample(rename(item.input.source), item.input.counts);
        }
      }
      if (untilUs === index * everyUs + 1_500_000) press.expect(id);
    }
  });
  return press.result();
}

test('pressing over each corner of the physical cart tells which cell is there', (t) => {
  const { mapping, findings } = pressAll((cell) => cell);
  t.deepEqual(mapping, Object.fromEntries(ids.map((id) => [id, id])));
  t.deepEqual(findings, {});
});

test('plugs that were swapped on the physical cart are found', (t) => {
  const swap = new Map([
    ['cell-fl', 'cell-fr'],
    ['cell-fr', 'cell-fl'],
  ]);
  const { mapping, findings } = pressAll((cell) => swap.get(cell) ?? cell);
  t.is(mapping['cell-fl'], 'cell-fr');
  t.is(mapping['cell-fr'], 'cell-fl');
  t.deepEqual(Object.keys(findings).sort(), ['cell-fl', 'cell-fr']);
});
