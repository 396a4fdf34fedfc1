import test from 'ava';
import fc from 'fast-check';
import { boxMean, posed, slopes } from '#vision/change/planes.ts';

const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) / 10;

const picture = fc
  .record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) })
  .chain(({ width, height }) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      values: fc.array(fc.integer({ min: 0, max: 255 }), {
        minLength: width * height,
        maxLength: width * height,
      }),
    }),
  );

test('A window mean is the mean of what of the window lies in the picture, however large either is', (t) => {
  fc.assert(
    fc.property(picture, fc.integer({ min: 0, max: 15 }), ({ width, height, values }, radius) => {
      const plane = Float32Array.from(values);
      boxMean(plane, { width, height }, radius, new Float32Array(plane.length), plane);
      return values.every((_, at) => {
        const [column, line] = [at % width, Math.floor(at / width)];
        const inside = values.filter(
          (__, other) =>
            Math.abs((other % width) - column) <= radius &&
            Math.abs(Math.floor(other / width) - line) <= radius,
        );
        const mean = inside.reduce((sum, value) => sum + value, 0) / inside.length;
        return Math.abs((plane[at] ?? Number.NaN) - mean) < 1e-3;
      });
    }),
    { seed: 4711, numRuns: runs },
  );
  t.pass();
});

test('Slopes are half the difference of both neighbours, and none at the edges', (t) => {
  fc.assert(
    fc.property(picture, ({ width, height, values }) => {
      const [alongX, alongY] = [
        new Float32Array(values.length).fill(9),
        new Float32Array(values.length).fill(9),
      ];
      slopes(Float32Array.from(values), { width, height }, alongX, alongY);
      return values.every((_, at) => {
        const [column, line] = [at % width, Math.floor(at / width)];
        const half = (before: number, after: number) => ((values[after] ?? 0) - (values[before] ?? 0)) / 2;
        const x = column === 0 || column === width - 1 ? 0 : half(at - 1, at + 1);
        const y = line === 0 || line === height - 1 ? 0 : half(at - width, at + width);
        return alongX[at] === x && alongY[at] === y;
      });
    }),
    { seed: 4711, numRuns: runs },
  );
  t.pass();
});

test('A picture that is posed nowhere else is the picture', (t) => {
  const from = Float32Array.from({ length: 35 }, (_, at) => at * at);
  const [still, hardly] = [new Float32Array(35), new Float32Array(35)];
  posed(from, { width: 7, height: 5 }, { dx: 0, dy: 0, turn: 0 }, still);
  posed(from, { width: 7, height: 5 }, { dx: 0, dy: 0, turn: 1e-12 }, hardly);
  t.deepEqual(still, from);
  t.true(hardly.every((value, at) => Math.abs(value - (from[at] ?? 0)) < 1e-3));
});
