import test from 'ava';
import { compileScenario } from '#simulation/compile.ts';
import { loadCutouts } from '#simulation/pictures/cutouts.ts';
import { FilmMaker, movesWithin, sceneAt } from '#simulation/pictures/film.ts';
import { Studio, viewsOf } from '#simulation/pictures/studio.ts';
import { loadBoard, scenarioOf, smallCatalogue } from './helpers.ts';

const board = await loadBoard('demo-cart');
const catalogue = {
  ...smallCatalogue,
  byKey: new Map(
    [...smallCatalogue.byKey].map(([key, one]) => [
      key,
      key === 'plu:4011' ? { ...one, look: 'Banana' } : one,
    ]),
  ),
};
const scenario = scenarioOf([
  { put: { plu: '4011', massMg: 900_000, at: [0, 0], how: 'lower' }, after: 2 },
  { put: { gtin: '04006381333931', at: [100, 200] }, after: 3 },
  { take: { plu: '4011' }, after: 3 },
]);
const compiled = compileScenario({ scenario, board, catalogue });
const film = new FilmMaker(1).film(compiled);
const [bananas, , takenOut] = compiled.moves;
const at = (us: number) => sceneAt(film, 'basket', us);
const keys = (us: number) => at(us).lying.map(({ key }) => key);

test('A thing is seen in a hand before it is put down, and lies there afterwards until it is taken', (t) => {
  const { startUs = 0, releaseUs = 0 } = bananas ?? {};
  t.deepEqual(keys(startUs - 1_000_000), []);
  const [hand] = at(startUs - 100_000).hands;
  t.true(hand?.holds);
  t.is(hand?.thing.look, 'Banana');
  t.deepEqual(keys(releaseUs + 600_000), ['plu:4011']);
  t.deepEqual(at(releaseUs + 600_000).hands, []);
  t.deepEqual(keys((takenOut?.releaseUs ?? 0) + 600_000), ['gtin:04006381333931']);
});

test('It is known when something moves, so that pictures need only be taken then', (t) => {
  const { startUs = 0, releaseUs = 0 } = bananas ?? {};
  t.false(movesWithin(film, 'basket', 0, startUs - 600_000));
  t.true(movesWithin(film, 'basket', startUs, startUs));
  t.false(movesWithin(film, 'basket', releaseUs + 500_000, releaseUs + 600_000));
  t.false(movesWithin(film, 'rack', startUs, startUs));
});

test('The same moment gives the same picture, another shot other noise, and a thing other pixels where it lies', async (t) => {
  const views = viewsOf(board.plates, 'basket-camera');
  const make = async () =>
    new Studio({ width: 640, height: 480, views, cutouts: await loadCutouts(), seed: 5 });
  const studio = await make();
  const releaseUs = (bananas?.releaseUs ?? 0) + 600_000;
  const picture = studio.picture(film, releaseUs, 1);
  t.deepEqual((await make()).picture(film, releaseUs, 1).data, picture.data);
  const again = studio.picture(film, releaseUs, 2);
  const before = studio.picture(film, 0, 1);
  const differ = (a: Uint8Array, b: Uint8Array, x: number, y: number) => {
    let sum = 0;
    for (let row = y - 10; row < y + 10; row++) {
      for (let column = (row * 640 + x - 10) * 3; column < (row * 640 + x + 10) * 3; column++) {
        sum += Math.abs((a[column] ?? 0) - (b[column] ?? 0));
      }
    }
    return sum / 1200;
  };
  t.notDeepEqual(again.data, picture.data);
  t.true(differ(again.data, picture.data, 320, 240) < 6, 'noise');
  t.true(differ(before.data, picture.data, 320, 240) > 20, 'bananas');
  t.true(differ(before.data, picture.data, 60, 60) < 12, 'the light changes slowly');
});

test('Every look of the demo catalogue has a cut-out', async (t) => {
  const { default: demo } = await import('../../config/catalogues/demo.json', { with: { type: 'json' } });
  const cutouts = await loadCutouts();
  const looks = demo.products.flatMap((product) => ('look' in product ? [product.look] : []));
  t.true(looks.length >= 20);
  t.deepEqual(
    looks.filter((look) => !cutouts.has(String(look))),
    [],
  );
});

test('Cut-outs that are not there are told with their code', async (t) => {
  await t.throwsAsync(loadCutouts('/nowhere/'), { code: 'CW-SIM-009' });
});

test('Between two trips what lay there is seen to be taken away, and what the next one begins with to be put there', (t) => {
  const films = new FilmMaker(1);
  films.film(compiled);
  const [left] = compiled.remaining;
  const stocked = compileScenario({
    scenario: scenarioOf([{ wait: 1 }], { stock: [{ gtin: '00000080019442' }] }),
    board,
    catalogue,
  });
  const [next] = stocked.lying;
  if (left === undefined || next === undefined) return t.fail();
  const take = { kind: 'take' as const, ...left, startUs: 20_000_000, releaseUs: 20_500_000 };
  const put = { kind: 'put' as const, ...next, startUs: 23_000_000, releaseUs: 23_400_000 };
  const both = films.film(stocked, films.between([take], [put]));
  const seen = (us: number) => sceneAt(both, 'basket', us).lying.map(({ key }) => key);
  t.deepEqual(seen(19_000_000), ['gtin:04006381333931']);
  t.deepEqual(seen(22_000_000), []);
  t.deepEqual(seen(24_000_000), ['gtin:00000080019442']);
});
