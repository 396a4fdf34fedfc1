import test from 'ava';
import { type Load, plateOf, Rig, step, sumOf } from './bench-plate.ts';

const goods: Load = () => 3_000_000;

test('a thing put down is one movement of its mass, within 0.9 s of its release', (t) => {
  for (const [hertz, tauS] of [
    [8, 0.08],
    [12, 0.08],
    [20, 0.1],
    [30, 0.05],
  ] as const) {
    for (const mg of [20_000, 412_000, 1_500_000]) {
      const rig = new Rig({ seed: mg + hertz }).run(6, sumOf(goods, step(3_000_000, mg, hertz, tauS)));
      const [movement] = rig.movements;
      t.is(rig.movements.length, 1);
      t.true(Math.abs((movement?.massMg ?? 0) - mg) < 3.5 * (movement?.sigmaMg ?? 0));
      t.true((movement?.sigmaMg ?? 0) < 1_500);
      t.true(Math.abs((movement?.startedAtUs ?? 0) - 3_000_000) < 80_000);
      t.true((movement?.settledAtUs ?? Infinity) < 3_900_000, `${hertz} Hz, ${mg} mg`);
      t.deepEqual(
        rig.activities.map(({ open }) => open),
        [true, false],
      );
      t.deepEqual(rig.faults, []);
    }
  }
});

test('the stated uncertainty is that of the results', (t) => {
  let squares = 0;
  const runs = 60;
  for (let seed = 1; seed <= runs; seed++) {
    const rig = new Rig({ seed }).run(2, step(1_000_000, 250_000 + 5_000 * seed));
    const [movement] = rig.movements;
    t.is(rig.movements.length, 1);
    squares += (((movement?.massMg ?? 0) - 250_000 - 5_000 * seed) / (movement?.sigmaMg ?? 1)) ** 2;
  }
  // Part of sigma stands for what this plate doesn't have (corners, repeatability), so below 1 but not far below.
  const z = Math.sqrt(squares / runs);
  t.true(z > 0.1 && z < 1.2, String(z));
});

test('what is taken away is a negative movement, with the masses before and after net of tare', (t) => {
  const rig = new Rig().run(2, goods);
  t.true(Math.abs(rig.weigher.tare('basket', rig.nowUs) - 3_000_000) < 500);
  rig.run(3, sumOf(goods, step(3_000_000, -700_000)));
  const [movement] = rig.movements;
  t.true(Math.abs((movement?.massMg ?? 0) + 700_000) < 3_000);
  t.true(Math.abs(movement?.beforeMg ?? Infinity) < 1_000);
  t.true(Math.abs((movement?.afterMg ?? 0) + 700_000) < 3_000);
});

test('two additions 0.8 s apart are two movements, two that overlap are one', (t) => {
  const apart = new Rig().run(
    5,
    sumOf(goods, step(2_000_000, 200_000, 20, 0.05), step(2_800_000, 330_000, 20, 0.05)),
  );
  t.deepEqual(
    apart.movements.map(({ massMg }) => Math.round(massMg / 2_000)),
    [100, 165],
  );
  const overlapping = new Rig().run(5, sumOf(goods, step(2_000_000, 200_000), step(2_250_000, 330_000)));
  t.deepEqual(
    overlapping.movements.map(({ massMg }) => Math.round(massMg / 5_000)),
    [106],
  );
});

test('a single cell shelf at ten samples a second sees a 30 g thing', (t) => {
  const plate = plateOf(1, { kind: 'shelf' });
  const rig = new Rig({ plate, samplesPerSecond: 10, noiseMg: 50 });
  rig.run(
    8,
    sumOf(() => 2_000_000, step(4_000_000, -30_000, 25, 0.03)),
  );
  t.is(rig.movements.length, 1);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) + 30_000) < 500);
  t.true((rig.movements[0]?.settledAtUs ?? Infinity) <= 4_900_000);
});

test('one wild sample of a cell is no movement and opens nothing', (t) => {
  const rig = new Rig();
  rig.run(6, goods, {
    tamper: (cell, atUs, counts) =>
      cell === 2 && [2_000_000, 3_500_000, 4_000_000].includes(atUs) ? counts + 1_200_000 : counts,
  });
  t.deepEqual(rig.movements, []);
  t.deepEqual(rig.activities, []);
});

test('a hand that leans on the plate and lets go is a movement of about nothing', (t) => {
  const hand: Load = (atUs) =>
    atUs > 2_000_000 && atUs < 3_500_000 ? 900_000 + 60_000 * Math.sin(atUs / 2e4) : 0;
  const rig = new Rig().run(6, sumOf(goods, hand));
  t.is(rig.movements.length, 1);
  t.true(Math.abs(rig.movements[0]?.massMg ?? Infinity) < 1_500);
  t.false(rig.movements[0]?.moving);
});

test('bursts below the smallest movement are nothing', (t) => {
  const burst: Load = (atUs) => (atUs > 2_000_000 && atUs < 2_300_000 ? 1_600 * Math.sin(atUs / 1e4) : 0);
  const rig = new Rig().run(5, sumOf(goods, burst));
  t.deepEqual(rig.movements, []);
});

test('ten minutes of noise move nothing', (t) => {
  const rig = new Rig({ seed: 99 }).run(600, goods);
  t.deepEqual(rig.outputs, []);
});

test('in a place that never gets quiet movements are still found, with a wider uncertainty', (t) => {
  const hum: Load = (atUs) => 9_000 * Math.sin((2 * Math.PI * 11.3 * atUs) / 1e6);
  const rig = new Rig({ plate: plateOf(4, { kind: 'shelf' }) });
  rig.run(30, sumOf(goods, hum, step(12_000_000, 500_000)));
  t.is(rig.movements.length, 1);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 500_000) < 5_000);
  t.true((rig.movements[0]?.sigmaMg ?? 0) > 1_000);
});

test('lost samples, rates that differ and phases that drift change nothing', (t) => {
  const load = sumOf(goods, step(4_000_000, 412_000));
  const dropping = new Rig({ seed: 5 });
  dropping.run(8, load, {
    tamper: (cell, atUs, counts) => ((atUs / 12_500) % 17 === cell * 3 ? undefined : counts),
  });
  t.is(dropping.movements.length, 1);
  t.true(Math.abs((dropping.movements[0]?.massMg ?? 0) - 412_000) < 2_500);

  const plate = plateOf(4);
  const mixed = new Rig({ plate });
  const periods = [12_500, 12_510, 11_800, 100_000];
  const events = periods.flatMap((period, cell) =>
    Array.from({ length: Math.floor(8_000_000 / period) }, (_, n) => ({
      at: period * (n + 1) + ((n * 7_919) % 900),
      cell,
      n,
    })),
  );
  events.sort((a, b) => a.at - b.at || a.cell - b.cell);
  for (const { at, cell, n } of events) {
    const mg = load(at) / 4 + 90 * Math.sin(n * 12.9898 + cell);
    mixed.weigher.cell(`cell-${cell}`, at, Math.round(80_000 + 1_000 * cell + (mg * 429.5) / 1_000), n);
  }
  t.is(mixed.movements.length, 1);
  t.true(Math.abs((mixed.movements[0]?.massMg ?? 0) - 412_000) < 2_500);
  t.deepEqual(mixed.faults, []);
});

test('a heavy load that creeps afterwards makes one movement only', (t) => {
  const creep: Load = (atUs) =>
    atUs < 3_000_000 ? 0 : 20_000_000 * 5e-4 * (1 - Math.exp(-(atUs - 3_000_000) / 60e6));
  const rig = new Rig({ plate: plateOf(4, { maxMg: 30_000_000 }) });
  rig.run(600, sumOf(step(3_000_000, 20_000_000, 6, 0.1), creep));
  t.is(rig.movements.length, 1);
});

test('a thing that sinks slowly after it was put down is weighed when it has nearly stopped', (t) => {
  const sinking: Load = (atUs) => (atUs < 2_000_000 ? 0 : 20_000 * (1 - Math.exp(-(atUs - 2_000_000) / 1e6)));
  const rig = new Rig().run(15, sumOf(goods, step(2_000_000, 300_000), sinking));
  t.is(rig.movements.length, 1);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 320_000) < 2_800);
});

test('a sway at half the rate of the cells is no row of glitches', (t) => {
  const rig = new Rig().run(2, goods);
  rig.run(1, goods, { tamper: (_cell, atUs, counts) => counts + ((atUs / 12_500) % 2 === 0 ? 20_000 : 0) });
  t.true(rig.activities[0]?.open);
});

test('a fast cell beside a slow one is averaged, so that its hum does not alias', (t) => {
  const rig = new Rig({ plate: plateOf(2, { kind: 'shelf', intervalMg: 5_000 }) });
  for (let n = 1; n <= 800; n++) {
    const at = n * 12_500;
    const hum = 8_000 * Math.sin(2 * Math.PI * 26.3 * (at / 1e6));
    rig.weigher.cell('cell-0', at, Math.round(80_000 + (1_000_000 + hum) * 0.4295), n);
    if (n % 8 === 0) rig.weigher.cell('cell-1', at, 500_000 + ((n * 7) % 13), n / 8);
  }
  t.true(rig.weigher.status('basket').stable);
  t.deepEqual(rig.outputs, []);
});
