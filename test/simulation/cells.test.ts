import test from 'ava';
import { type Board, boardSchema, type Calibration } from '#config/board.ts';
import { weighingSchema } from '#config/schema.ts';
import { loadShares } from '#config/statics.ts';
import { cellTraits } from '#simulation/hardware.ts';
import { idealCounts } from '#simulation/physics/cell.ts';
import { World, type WorldOptions } from '#simulation/world.ts';
import { Weigher } from '#weighing/weigher.ts';

const ids = ['fl', 'fr', 'rl', 'rr'];
const board = (temperature?: string): Board =>
  boardSchema.parse({
    profile: 1,
    name: 'bench',
    devices: [],
    plates: [
      {
        id: 'plate',
        kind: 'shelf',
        maxMg: 30_000_000,
        intervalMg: 5_000,
        ...(temperature === undefined ? {} : { temperature }),
        cells: ids.map((id, i) => ({
          id,
          positionMm: [i % 2 ? 200 : -200, i < 2 ? 300 : -300],
          capacityMg: 10_000_000,
        })),
      },
    ],
  });

const seconds = (s: number) => Math.round(1e6 * s);
const straight = { nonlinearity: 0, creepFraction: 0, zeroMgPerKelvin: 0 };
const all = (traits: NonNullable<WorldOptions['traits']>[string]) =>
  Object.fromEntries(ids.map((id) => [id, traits]));

/** A calibration from the true traits of the cells, with what is told more. */
function ideal(traits: WorldOptions['traits'] = {}, more: object = {}): Calibration {
  const [plate] = board().plates;
  const cells = (plate?.cells ?? []).map((cell) => {
    const known = { ...cellTraits(cell, 1), ...traits[cell.id], nonlinearity: 0 };
    const zero = idealCounts(known, 0);
    const milligramsPerCount = 1_000_000 / (idealCounts(known, 1_000_000) - zero);
    return [cell.id, { zeroCounts: zero, milligramsPerCount, ...more }] as const;
  });
  return { calibration: 1, revision: 1, plates: { plate: { cells: Object.fromEntries(cells) } } };
}

/** What the plate weighs of a load that lies at `at`, mg. */
function weighed(
  options: Partial<WorldOptions>,
  calibration: Calibration,
  loadMg: number,
  lasts = 3,
  at: readonly [number, number] = [0, 0],
) {
  const world = new World({
    board: board(),
    seed: 3,
    stock: loadMg === 0 ? [] : [{ plate: 'plate', massMg: loadMg, at }],
    ...options,
  });
  const movements: number[] = [];
  const weigher = new Weigher({
    plates: (options.board ?? board()).plates,
    calibration,
    config: weighingSchema.parse({ zeroTrackingDivisionsPerS: 0 }),
    sink: (output) => {
      if (output.kind === 'movement') movements.push(output.massMg);
    },
  });
  for (const item of world.run(seconds(lasts))) {
    if (item.kind !== 'input') continue;
    if (item.input.kind === 'cell')
      weigher.cell(item.input.source, item.input.atUs, item.input.counts, item.input.sequence);
    else if (item.input.kind === 'temperature') weigher.temperature(item.input);
  }
  return { grossMg: weigher.status('plate').grossMg ?? Number.NaN, movements };
}
const near = (value: number, expected: number, within = 400) => Math.abs(value - expected) < within;

test('traits of single cells can be told: a corner that is off, a cell that is bent', (t) => {
  const plain = all(straight);
  t.true(near(weighed({ traits: plain }, ideal(plain), 8_000_000).grossMg, 8_000_000));
  const [plate] = board().plates;
  const fl = plate?.cells?.[0];
  if (fl === undefined) throw new Error('it has a first cell');
  // 2 % off at one corner: nothing in the calibration knows of it.
  const { voltsPerMg } = cellTraits(fl, 1);
  const corner = { ...plain, fl: { ...straight, voltsPerMg: 1.02 * voltsPerMg } };
  for (const at of [[-200, 300] as const, [200, -300] as const]) {
    const [share = 0] = loadShares(plate?.cells ?? [], at);
    const expected = 4_000_000 * (1 + 0.02 * share);
    const { grossMg } = weighed({ traits: corner }, ideal(plain), 4_000_000, 3, at);
    t.true(near(grossMg, expected, 800), `${grossMg}, ${expected} expected`);
    t.true(Math.abs(expected - 4_000_000) > 15_000);
  }
  // Bowed by 0.05 % of capacity in the middle: 5 g a cell.
  const bent = all({ ...straight, nonlinearity: 5e-4 });
  t.true(near(weighed({ traits: bent }, ideal(plain), 20_000_000).grossMg, 20_020_000, 1_000));
  const quadratic = ideal(plain, {
    // y = x + 4·b·x·(1 − x/C): back again by x ≈ y − 4·b·y + 4·b·y²/C, of which the slope takes its part.
    quadraticPpmPerKg: (4 * 5e-4 * 1e6) / 10,
  });
  for (const cell of Object.values(quadratic.plates.plate?.cells ?? {}))
    cell.milligramsPerCount *= 1 - 4 * 5e-4;
  t.true(near(weighed({ traits: bent }, quadratic, 20_000_000).grossMg, 20_000_000, 1_500));
  t.true(near(weighed({ traits: bent }, quadratic, 8_000_000).grossMg, 8_000_000, 1_500));
});

test('a sensor at the plate tells its temperature once a second, and what cells drift by it can be taken out', (t) => {
  const warm = board('warm');
  const traits = all({ ...straight, zeroMgPerKelvin: 300, spanPpmPerKelvin: 30 });
  const drifting = { board: warm, traits, startKelvin: 12 };
  // 4 · 300 mg/K · 12 K, and 30 ppm/K of 20 kg.
  const raw = weighed(drifting, ideal(traits), 20_000_000).grossMg;
  t.true(near(raw, 20_000_000 + 14_400 + 7_200, 800), String(raw));
  const known = ideal(traits, {
    milligramsPerKelvin: 300,
    spanPpmPerKelvin: -30,
    referenceMilliCelsius: 20_000,
  });
  const taken = weighed(drifting, known, 20_000_000);
  t.true(near(taken.grossMg, 20_000_000, 800), String(taken.grossMg));
  const rising = weighed({ ...drifting, kelvinPerHour: 6 }, known, 20_000_000, 600);
  t.true(near(rising.grossMg, 20_000_000, 1_200), String(rising.grossMg));
  t.deepEqual(rising.movements, []);
  const world = new World({ board: warm, seed: 3, startKelvin: 12 });
  const told = [...world.run(seconds(2.5))].flatMap((item) =>
    item.kind === 'input' && item.input.kind === 'temperature' ? [item.input] : [],
  );
  t.deepEqual(
    told.map(({ atUs }) => atUs),
    [0, 1_000_000, 2_000_000],
  );
  t.true(told.every(({ source, milliCelsius }) => source === 'warm' && near(milliCelsius, 32_000, 250)));
});

test('a board without a sensor is as it was: the same seed gives the same counts', (t) => {
  const counts = (options: Partial<WorldOptions>) =>
    [...new World({ board: board(), seed: 9, ...options }).run(seconds(1))].map((item) =>
      JSON.stringify(item),
    );
  t.deepEqual(counts({ traits: {} }), counts({}));
  t.notDeepEqual(counts({ traits: { fl: { zeroVolts: 0.001 } } }), counts({}));
});
