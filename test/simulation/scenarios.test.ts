import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { loadScenarioFiles } from '#simulation/files.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { itemTime, type Truth } from '#simulation/items.ts';
import { playScenario, timeline } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';
import { loadBoard, scenarioOf, smallCatalogue, weigh } from './helpers.ts';

const folder = fileURLToPath(new URL('../../config/scenarios', import.meta.url));
const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
const board = await loadBoard('demo-cart');

test('more than twenty scenarios are shipped, for cart and shelf', (t) => {
  t.true(files.length >= 22);
  t.true(files.includes('demo-trip.yaml'));
  t.true(files.filter((name) => name.startsWith('shelf-')).length >= 6);
});

/** Plates as the truths say: how many of what lie there. Throws on a removal of what isn't in. */
function follow(truths: readonly Truth[], stock: Map<string, number>): Map<string, number> {
  const count = new Map(stock);
  for (const truth of truths) {
    const key = `${truth.plate} ${truth.gtin ?? truth.plu ?? 'unlisted'}`;
    const sign = truth.kind === 'removed' || truth.kind === 'taken' ? -1 : 1;
    const left = (count.get(key) ?? 0) + sign * truth.count;
    if (left < 0) throw new Error(`${truth.kind} ${key}, but it is not there`);
    count.set(key, left);
  }
  return count;
}

for (const name of files) {
  test(`${name} plays, and its truths and masses agree`, async (t) => {
    const scenario = await loadScenario(join(folder, name));
    t.is(scenario.name, basename(name, '.yaml'));
    const with_ = await loadScenarioFiles(scenario);
    const options = { scenario, ...with_ };
    const items = [...playScenario(options)];
    const truths = items.flatMap((item) => (item.kind === 'truth' ? [item.truth] : []));
    t.true(truths.length > 0);
    const stock = new Map(
      scenario.stock.map((entry) => [`${entry.plate} ${entry.gtin ?? entry.plu}`, entry.count]),
    );
    const left = follow(truths, stock);
    t.deepEqual(
      truths,
      timeline(options).flatMap((step) => step.truths.map((entry) => entry.truth)),
    );
    for (const truth of truths) {
      const listed =
        with_.catalogue.byGtin.has(truth.gtin ?? '') || with_.catalogue.byPlu.has(truth.plu ?? '');
      t.is(listed, truth.listed !== false);
    }
    // What should lie on a plate in the end, at the catalogue's mean masses, is what its cells show, roughly.
    const calibration = simulatedCalibration(with_.board);
    const endUs = itemTime(items.at(-1) ?? { kind: 'end', atUs: 0 });
    for (const plate of with_.board.plates.filter((entry) => entry.cells !== undefined)) {
      const { meanMg } = weigh(items, with_.board, calibration, plate.id, [endUs - 800_000, endUs]);
      const expected = [...left].reduce((sum, [key, count]) => {
        const [where, id] = key.split(' ');
        const product = with_.catalogue.byGtin.get(id ?? '') ?? with_.catalogue.byPlu.get(id ?? '');
        return where === plate.id ? sum + count * (product?.grossMg?.mean ?? 0) : sum;
      }, 0);
      const loose = truths.some((truth) => truth.plu !== undefined) ? 450_000 : 0;
      const other = scenario.steps.some((step) => step.put?.unlisted !== undefined) ? 250_000 : 0;
      const tolerance = 40_000 + 0.02 * expected + loose + other;
      t.true(Math.abs(meanMg - expected) < tolerance, `${plate.id}: ${meanMg} for ${expected}`);
    }
  });
}

const playAll = (steps: readonly unknown[], more: Record<string, unknown> = {}) => [
  ...playScenario({ scenario: scenarioOf(steps, more), board, catalogue: smallCatalogue }),
];

test('a mistake in a scenario is told with its place', (t) => {
  const cases: [unknown[], RegExp][] = [
    [[{ scann: { gtin: '04006381333931' } }], /: step 1 \(scann\): /],
    [[{ scan: { gtin: '4006381333931' } }], /: step 1 \(scan\): scan\.gtin: must be a GTIN of 14 digits/],
    [[{ put: { gtin: '04006381333931', plu: '4011' } }], /: step 1 \(put\): put: needs exactly one of/],
    [[{ wait: 1 }, { put: { gtin: '04006381333931' }, wait: 1 }], /: step 2 \(put\): needs exactly one of/],
    [[], /steps/],
  ];
  for (const [steps, message] of cases) {
    t.throws(() => scenarioOf(steps), { code: 'CW-SIM-003', message });
  }
});

test('a scenario that cannot happen is refused with what is there', (t) => {
  t.throws(() => playAll([{ wait: 1 }, { take: { gtin: '04006381333931' } }]), {
    code: 'CW-SIM-006',
    message: /^step 2 \(take\): .*plates hold nothing/,
  });
  t.throws(() => playAll([{ put: { gtin: '00012345678905' } }]), { code: 'CW-SIM-004' });
  t.throws(() => playAll([{ put: { plu: '4011', plate: 'rack' } }]), {
    code: 'CW-SIM-005',
    message: /has basket/,
  });
  t.throws(() => playAll([{ fault: { cell: 'cell-x', kind: 'stuck', seconds: 1 } }]), { code: 'CW-SIM-005' });
  t.throws(() => playAll([{ scan: { session: 'QR-1', scanner: 'x' } }]), { code: 'CW-SIM-005' });
  t.throws(() => playAll([{ lean: { seconds: 1 } }]), { code: 'CW-SIM-008' });
});

test('a file that is missing or no YAML is refused', async (t) => {
  await t.throwsAsync(loadScenario('/nowhere/at-all.yaml'), { code: 'CW-SIM-001' });
  await t.throwsAsync(loadScenario(join(folder, '..', '..', 'LICENSE-none')), { code: 'CW-SIM-001' });
});

test('pauses are human: they differ between steps and seeds, and stay within their bounds', (t) => {
  const steps = Array.from({ length: 30 }, () => ({ scan: { gtin: '04006381333931' } }));
  const starts = (seed: number) =>
    timeline({ scenario: scenarioOf(steps), board, catalogue: smallCatalogue, seed }).map(
      (step) => step.startUs,
    );
  const gaps = starts(1).map((at, i, all) => at - (all[i - 1] ?? 2_000_000));
  t.true(new Set(gaps).size > 25);
  t.true(Math.min(...gaps) > 700_000 && Math.max(...gaps) < 2_200_000);
  t.notDeepEqual(starts(1), starts(2));
});

test('a step in the background lets the next one begin beside it', (t) => {
  const [push, put] = timeline({
    scenario: scenarioOf([
      { push: { seconds: 4 }, background: true },
      { put: { gtin: '04006381333931' }, after: 1 },
    ]),
    board,
    catalogue: smallCatalogue,
  });
  t.is((put?.startUs ?? 0) - (push?.startUs ?? 0), 1_000_000);
  t.true((push?.endUs ?? 0) > (put?.endUs ?? 0));
});
