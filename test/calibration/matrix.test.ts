import test from 'ava';
import fc from 'fast-check';
import { decompose, dot, leastSquares } from '#calibration/fit/matrix.ts';

const seed = 20_261_123;
const entry = fc.double({ min: -10, max: 10, noNaN: true });
const matrix = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 8 }))
  .chain(([m, n]) =>
    fc.array(fc.array(entry, { minLength: n, maxLength: n }), { minLength: m, maxLength: m }),
  );

test('a decomposition gives the matrix back from orthonormal vectors and falling values', (t) => {
  fc.assert(
    fc.property(matrix, (a) => {
      const { u, s, v } = decompose(a);
      a.forEach((row, i) => {
        row.forEach((value, j) => {
          const back = s.reduce((sum, one, k) => sum + one * (u[k]?.[i] ?? 0) * (v[k]?.[j] ?? 0), 0);
          t.true(Math.abs(back - value) < 1e-9, `${back} for ${value}`);
        });
      });
      v.forEach((x, i) => {
        v.forEach((y, j) => {
          t.true(Math.abs(dot(x, y) - (i === j ? 1 : 0)) < 1e-9);
        });
      });
      s.forEach((value, k) => {
        t.true(value >= 0 && value <= (s[k - 1] ?? Number.POSITIVE_INFINITY));
      });
    }),
    { seed, numRuns: 300 },
  );
});

test('least squares leave a residual at right angles to every column', (t) => {
  fc.assert(
    fc.property(matrix, fc.infiniteStream(entry), (a, stream) => {
      const b = a.map(() => stream.next().value as number);
      const x = leastSquares(a, b, 1e-9);
      const residual = a.map((row, i) => (b[i] ?? 0) - dot(row, x));
      const scale = Math.max(1, ...a.flat().map(Math.abs)) ** 2 * 100;
      (a[0] ?? []).forEach((_one, j) => {
        t.true(
          Math.abs(a.reduce((sum, row, i) => sum + (row[j] ?? 0) * (residual[i] ?? 0), 0)) < 1e-7 * scale,
        );
      });
    }),
    { seed, numRuns: 300 },
  );
});

test('a known system is solved, and what it leaves open stays 0', (t) => {
  const near = (x: readonly number[], expected: readonly number[]) =>
    t.true(
      x.every((value, i) => Math.abs(value - (expected[i] ?? 0)) < 1e-12),
      JSON.stringify(x),
    );
  near(
    leastSquares(
      [
        [2, 0],
        [0, 4],
        [0, 0],
      ],
      [2, 8, 5],
    ),
    [1, 2],
  );
  // Rank 1: the shortest solution, both parts alike.
  near(
    leastSquares(
      [
        [1, 1],
        [2, 2],
      ],
      [2, 4],
      1e-9,
    ),
    [1, 1],
  );
  near(leastSquares([[0, 0]], [3]), [0, 0]);
});
