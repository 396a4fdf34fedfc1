import test from 'ava';
import { type Load, Rig, step, sumOf } from './bench-plate.ts';

const goods: Load = () => 3_000_000;

test('a thing taken out before another is put in shows as a dip of its mass, although it leaves next to nothing in the difference', (t) => {
  for (const [goneUs, hertz] of [
    [400_000, 12],
    [350_000, 20],
    [300_000, 30],
  ] as const) {
    const rig = new Rig().run(
      5,
      sumOf(goods, step(2_000_000, -512_000, hertz, 0.05), step(2_000_000 + goneUs, 509_000, hertz, 0.05)),
    );
    const [movement, ...more] = rig.movements;
    t.is(more.length, 0);
    t.true(Math.abs((movement?.massMg ?? 0) + 3_000) < 1_500);
    t.true(
      Math.abs((movement?.dipMg ?? 0) - 509_000) < 25_000,
      `${goneUs} µs, ${hertz} Hz: ${movement?.dipMg}`,
    );
  }
});

test('what is only put in, or only taken out, does not dip, however the plate rings', (t) => {
  for (const mg of [20_000, 412_000, 1_500_000, -412_000, -1_500_000]) {
    for (const hertz of [8, 12, 20, 30]) {
      const rig = new Rig({ seed: Math.abs(mg) + hertz }).run(
        6,
        sumOf(goods, step(3_000_000, mg, hertz, 0.08)),
      );
      const [movement] = rig.movements;
      t.true(
        (movement?.dipMg ?? 0) <= Math.max(5_000, 0.04 * Math.abs(mg)),
        `${mg} mg at ${hertz} Hz: ${movement?.dipMg}`,
      );
    }
  }
});
