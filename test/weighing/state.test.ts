import test from 'ava';
import { calibrationOf, type Load, plateOf, Rig, step, sumOf } from './bench-plate.ts';

const goods: Load = () => 2_000_000;
const later = (rig: Rig) => JSON.parse(JSON.stringify(rig.weigher.saveState()));

test('what was put in while the gateway was off is a movement while away', (t) => {
  const before = new Rig().run(3, goods);
  const rig = new Rig({ state: later(before), seed: 2 }).run(2, () => 2_412_000);
  t.is(rig.movements.length, 1);
  t.true(rig.movements[0]?.whileAway);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 412_000) < 2_000);
  t.true((rig.movements[0]?.sigmaMg ?? 0) > 3_000, 'drift of the time away is part of sigma');
  rig.run(
    3,
    sumOf(() => 2_412_000, step(3_000_000, 100_000)),
  );
  t.false(rig.movements[1]?.whileAway);
});

test('drift of a few grams while away is no movement, and is not owed afterwards', (t) => {
  const rig = new Rig({ state: later(new Rig().run(3, goods)), seed: 2 }).run(5, () => 2_005_000);
  t.deepEqual(rig.movements, []);
  rig.run(
    4,
    sumOf(() => 2_005_000, step(6_000_000, 50_000)),
  );
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 50_000) < 2_500);
});

test('after a time away a change must be larger than otherwise to be a movement', (t) => {
  const plate = plateOf(1, { kind: 'shelf' });
  const state = later(new Rig({ plate }).run(3, goods));
  const small = new Rig({ plate, state, seed: 2 }).run(5, () => 2_005_600);
  t.deepEqual(small.movements, []);
  const larger = new Rig({ plate, state, seed: 2 }).run(5, () => 2_008_000);
  t.is(larger.movements.length, 1);
});

test('a tare survives a restart with goods on the plate, and no new one is taken', (t) => {
  const before = new Rig().run(3, goods);
  const tareMg = before.weigher.tare('basket', before.nowUs);
  const rig = new Rig({ state: later(before), seed: 3 }).run(2, goods);
  t.is(rig.weigher.status('basket').tareMg, tareMg);
  t.true(Math.abs((rig.weigher.status('basket').grossMg ?? 0) - 2_000_000) < 1_500);
  t.deepEqual(rig.movements, []);
});

test('what settled just before a crash is not lost: the state of an open plate has its old baseline', (t) => {
  const before = new Rig().run(3.2, sumOf(goods, step(3_000_000, 300_000)));
  t.deepEqual(before.movements, []);
  const rig = new Rig({ state: later(before) }).run(2, () => 2_300_000);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 300_000) < 2_500);
});

test('a baseline made with another calibration is not compared with', (t) => {
  const plate = plateOf(4);
  const before = new Rig({ plate }).run(3, goods);
  const tareMg = before.weigher.tare('basket', before.nowUs);
  const state = later(before);
  const calibration = { ...calibrationOf(plate), revision: 8 };
  const rig = new Rig({ plate, calibration, state }).run(3, () => 3_000_000);
  t.deepEqual(rig.movements, []);
  t.is(rig.weigher.status('basket').tareMg, tareMg, 'a tare is a mass and stays');
});

test('tare is refused with a reason while the plate is unknown, open or not yet seen', (t) => {
  const rig = new Rig();
  t.throws(() => rig.weigher.tare('basket', 0), { code: 'CW-WGH-021' });
  rig.run(2.1, step(2_000_000, 300_000));
  t.throws(() => rig.weigher.tare('basket', rig.nowUs), { code: 'CW-WGH-023' });
  t.throws(() => rig.weigher.tare('attic', rig.nowUs), { code: 'CW-WGH-020', message: /basket/ });
  rig.run(2, step(2_000_000, 300_000));
  t.true(Math.abs(rig.weigher.tare('basket', rig.nowUs) - 300_000) < 1_000);
});
