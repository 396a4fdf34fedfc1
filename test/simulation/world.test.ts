import { readFile } from 'node:fs/promises';
import test from 'ava';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { itemTime, type SimulationItem } from '#simulation/items.ts';
import { playScenario, timeline } from '#simulation/play.ts';
import { loadBoard, scenarioOf, smallCatalogue, weigh } from './helpers.ts';

const board = await loadBoard('demo-cart');
const calibration = simulatedCalibration(board);
const play = (steps: readonly unknown[], more: Record<string, unknown> = {}, seed?: number) => {
  const scenario = scenarioOf(steps, more);
  const options = { scenario, board, catalogue: smallCatalogue, ...(seed === undefined ? {} : { seed }) };
  return { items: [...playScenario(options)], steps: timeline(options) };
};
const show = (items: readonly SimulationItem[]) => JSON.stringify(items);

const trip = [
  { scan: { gtin: '04006381333931' } },
  { put: { gtin: '04006381333931', massMg: 411_300, at: [60, -90] } },
  { push: { seconds: 1.5 } },
  { put: { gtin: '00000080019442', massMg: 171_000, how: 'toss' }, after: 1.5 },
  { lean: { kg: 3, seconds: 1 }, after: 2 },
  { take: { gtin: '04006381333931' }, after: 2 },
];

test('the same seed gives the same items, another seed others', (t) => {
  t.is(show(play(trip).items), show(play(trip).items));
  t.not(show(play(trip).items), show(play(trip, {}, 2).items));
});

test('items come in order of time and finish with one end', (t) => {
  const { items } = play(trip);
  let last = 0;
  for (const item of items) {
    t.true(itemTime(item) >= last);
    last = itemTime(item);
  }
  t.is(items.filter((item) => item.kind === 'end').length, 1);
  t.is(items.at(-1)?.kind, 'end');
});

test('the settled mass is the true one within a gram, through the calibration of these cells', (t) => {
  const { items, steps } = play(trip);
  const settled = (index: number, waitUs: number): number => {
    const from = (steps[index]?.endUs ?? 0) + waitUs;
    return weigh(items, board, calibration, 'basket', [from, from + 300_000]).meanMg;
  };
  t.true(Math.abs(weigh(items, board, calibration, 'basket', [500_000, 1_500_000]).meanMg) < 500);
  t.true(Math.abs(settled(1, 550_000) - 411_300) < 1_000);
  t.true(Math.abs(settled(3, 1_300_000) - 582_300) < 1_000);
  t.true(Math.abs(settled(4, 1_500_000) - 582_300) < 1_000);
  t.true(Math.abs(settled(5, 1_200_000) - 171_000) < 1_000);
});

test('at rest four cells together show the noise of each, added in squares', (t) => {
  const { items } = play([{ wait: 5 }]);
  const { sdMg } = weigh(items, board, calibration, 'basket', [100_000, 5_000_000]);
  t.true(sdMg > 160 && sdMg < 215, `${sdMg} mg`);
});

test('all cells of a bridge are sampled at the same instants, with a constant period and running numbers', (t) => {
  const { items } = play([{ wait: 2 }]);
  const byCell = new Map<string, { atUs: number; sequence: number }[]>();
  for (const item of items) {
    if (item.kind !== 'input' || item.input.kind !== 'cell') continue;
    byCell.set(item.input.source, [...(byCell.get(item.input.source) ?? []), item.input]);
  }
  t.is(byCell.size, 4);
  const times = [...byCell.values()].map((samples) => samples.map((sample) => sample.atUs));
  for (const other of times) t.deepEqual(other, times[0]);
  const periods = new Set((times[0] ?? []).slice(1).map((at, i) => at - (times[0]?.[i] ?? 0)));
  t.is(periods.size, 1);
  const [period] = periods;
  t.true(Math.abs((period ?? 0) - 12_500) < 15);
  const numbers = byCell.get('cell-fl')?.map((sample) => sample.sequence);
  t.deepEqual(
    numbers,
    numbers?.map((_, i) => i),
  );
});

test('something lies where it was put: the nearest cell takes most of it', (t) => {
  const { items, steps } = play([{ put: { plu: '4011', massMg: 1_000_000, at: [220, 330] } }]);
  const from = (steps[0]?.endUs ?? 0) + 1_500_000;
  const mean = (cell: string) => {
    const counts = items.flatMap((item) =>
      item.kind === 'input' &&
      item.input.kind === 'cell' &&
      item.input.source === cell &&
      item.input.atUs > from
        ? [item.input.counts]
        : [],
    );
    const entry = calibration.plates.basket?.cells[cell];
    const zero = entry?.zeroCounts ?? 0;
    const average = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    return (average - zero) * (entry?.milligramsPerCount ?? 0);
  };
  t.true(Math.abs(mean('cell-fr') - 750_000) < 600);
  t.true(Math.abs(mean('cell-rl') + 250_000) < 600);
});

test('truth is told at the moment of release, with what the catalogue does not have marked', (t) => {
  const { items, steps } = play([
    { put: { gtin: '04006381333931', count: 2 } },
    { put: { unlisted: { name: 'toy', grossMg: 100_000 } } },
    { put: { unlisted: { name: 'bag', grossMg: 200_000, goods: false } } },
    { take: { unlisted: 'toy' } },
    { take: { gtin: '04006381333931', count: 1 } },
  ]);
  const truths = items.flatMap((item) => (item.kind === 'truth' ? [item] : []));
  t.deepEqual(
    truths.map((item) => item.truth),
    [
      { kind: 'added', gtin: '04006381333931', count: 2, plate: 'basket' },
      { kind: 'added', listed: false, count: 1, plate: 'basket' },
      { kind: 'removed', listed: false, count: 1, plate: 'basket' },
      { kind: 'removed', gtin: '04006381333931', count: 1, plate: 'basket' },
    ],
  );
  t.deepEqual(
    truths.map((item) => item.atUs),
    [0, 1, 3, 4].map((index) => steps[index]?.releaseUs),
  );
});

test('which of two equal things is taken decides the mass that goes', (t) => {
  const masses = (which: string) => {
    const { items, steps } = play([
      { put: { gtin: '04006381333931', massMg: 405_000 } },
      { put: { gtin: '04006381333931', massMg: 419_000 }, after: 2 },
      { take: { gtin: '04006381333931', which }, after: 2 },
    ]);
    const from = (steps[2]?.endUs ?? 0) + 1_200_000;
    return weigh(items, board, calibration, 'basket', [from, from + 800_000]).meanMg;
  };
  t.true(Math.abs(masses('first') - 419_000) < 800);
  t.true(Math.abs(masses('last') - 405_000) < 800);
});

test('a cell can drop out, stick and saturate for a while', (t) => {
  const { items } = play([
    { fault: { cell: 'cell-fl', kind: 'dropout', seconds: 1 }, after: 0 },
    { fault: { cell: 'cell-fr', kind: 'stuck', seconds: 1 }, after: 0 },
    { fault: { cell: 'cell-rl', kind: 'saturated', seconds: 1 }, after: 0 },
    { wait: 2 },
  ]);
  const during = (cell: string, from: number, until: number) =>
    items.flatMap((item) =>
      item.kind === 'input' &&
      item.input.kind === 'cell' &&
      item.input.source === cell &&
      item.input.atUs > from &&
      item.input.atUs < until
        ? [item.input.counts]
        : [],
    );
  t.is(during('cell-fl', 2_020_000, 2_980_000).length, 0);
  t.is(new Set(during('cell-fr', 2_020_000, 2_980_000)).size, 1);
  t.deepEqual([...new Set(during('cell-rl', 2_020_000, 2_980_000))], [0x7fffff]);
  for (const cell of ['cell-fl', 'cell-fr', 'cell-rl']) {
    t.true(new Set(during(cell, 3_020_000, 3_500_000)).size > 10, cell);
  }
});

test('in a gap nothing is read, and what happens in it is there afterwards', (t) => {
  const { items } = play([
    { gap: { seconds: 2 }, after: 0 },
    { put: { gtin: '04006381333931', massMg: 400_000 }, after: 0.5 },
    { wait: 3 },
  ]);
  const readings = items.filter(
    (item) => item.kind === 'input' && itemTime(item) > 2_000_000 && itemTime(item) < 4_000_000,
  );
  t.is(readings.length, 0);
  const { meanMg } = weigh(items, board, calibration, 'basket', [4_000_000, 4_500_000]);
  t.true(Math.abs(meanMg - 400_000) < 1_000);
});

test('a ramp takes its cosine from the mass and turns gravity', (t) => {
  const { items } = play([
    { put: { plu: '4011', massMg: 5_000_000 } },
    { tilt: { milliradians: 100, seconds: 1 } },
    { wait: 4 },
  ]);
  const { meanMg } = weigh(items, board, calibration, 'basket', [8_000_000, 9_000_000]);
  const expected = 7_600_000 * Math.cos(0.1) - 2_600_000;
  t.true(Math.abs(meanMg - expected) < 3_000, `${meanMg} for ${expected}`);
  const forward = items.flatMap((item) =>
    item.kind === 'input' && item.input.kind === 'motion' && item.input.atUs > 8_000_000
      ? [item.input.accelerationMmS2[1]]
      : [],
  );
  const mean = forward.reduce((sum, value) => sum + value, 0) / forward.length;
  t.true(Math.abs(mean - 9_806.65 * Math.sin(0.1)) < 400, String(mean));
});

test('rolling shows in the motion sensor and in the mass', (t) => {
  const { items } = play([{ push: { seconds: 3, speed: 0.8 }, after: 0 }, { wait: 2 }]);
  const moving = weigh(items, board, calibration, 'basket', [2_500_000, 4_500_000]);
  const resting = weigh(items, board, calibration, 'basket', [6_000_000, 6_900_000]);
  t.true(moving.sdMg > 50_000);
  t.true(resting.sdMg < 300);
  t.true(Math.abs(resting.meanMg) < 500);
});

test('a warming cart drifts while nothing is on it', (t) => {
  const scenario = { climate: { startKelvin: 0, kelvinPerHour: 720 } };
  const { items } = play([{ wait: 60 }], scenario);
  const early = weigh(items, board, calibration, 'basket', [0, 1_000_000]).meanMg;
  const late = weigh(items, board, calibration, 'basket', [60_000_000, 61_000_000]).meanMg;
  t.true(Math.abs(late - early) > 300, `${late - early} mg`);
});

test('the shipped calibration is that of the demo cart', async (t) => {
  const file = new URL('../../config/calibrations/demo-cart.json', import.meta.url);
  t.deepEqual(JSON.parse(await readFile(file, 'utf8')), calibration);
});

test('a minute of a cart is simulated in well under a second', (t) => {
  const before = process.cpuUsage();
  const { items } = play([...trip, { wait: 45 }]);
  const { user, system } = process.cpuUsage(before);
  t.true(items.length > 20_000);
  t.true(user + system < 1_500_000, `${user + system} µs`);
});
