/** Rows of a matrix. */
export type Matrix = readonly (readonly number[])[];

/** A = U·diag(s)·Vᵀ, thin: `u` has as many columns as A, `s` falls, `v` has one column for each of s. */
interface SingularValues {
  readonly u: readonly (readonly number[])[];
  readonly s: readonly number[];
  readonly v: readonly (readonly number[])[];
}

const sweeps = 60;
/** Columns count as orthogonal below this cosine. */
const orthogonal = 1e-15;

/**
 * Singular value decomposition by one-sided Jacobi rotations (Hestenes 1958; Golub & Van Loan, 8.6.3): slow for large
 * matrices, most exact for the few columns of a plate. `a` has m rows of n numbers; m may be below n.
 */
export function decompose(a: Matrix): SingularValues {
  const n = a[0]?.length ?? 0;
  // Columns of A, which become U·diag(s), and of V.
  const columns = range(n).map((j) => a.map((row) => row[j] ?? 0));
  const v = range(n).map((j) => range(n).map((i) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let turned = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) turned = rotate(columns, v, p, q) || turned;
    }
    if (!turned) break;
  }
  const lengths = columns.map(norm);
  const order = range(n).sort((i, j) => (lengths[j] ?? 0) - (lengths[i] ?? 0));
  const s = order.map((j) => lengths[j] ?? 0);
  return {
    u: order.map((j, k) => (columns[j] ?? []).map((x) => ((s[k] ?? 0) === 0 ? 0 : x / (s[k] ?? 1)))),
    s,
    v: order.map((j) => v[j] ?? []),
  };
}

/** Makes columns p and q orthogonal, turning V with them; false where they already are. */
function rotate(columns: number[][], v: number[][], p: number, q: number): boolean {
  const [x = [], y = []] = [columns[p], columns[q]];
  const xx = dot(x, x);
  const yy = dot(y, y);
  const xy = dot(x, y);
  if (Math.abs(xy) <= orthogonal * Math.sqrt(xx * yy) || xy === 0) return false;
  const zeta = (yy - xx) / (2 * xy);
  const tangent = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cosine = 1 / Math.sqrt(1 + tangent * tangent);
  const sine = cosine * tangent;
  for (const list of [columns, v]) {
    const [first = [], second = []] = [list[p], list[q]];
    for (let i = 0; i < first.length; i++) {
      const [a = 0, b = 0] = [first[i], second[i]];
      first[i] = cosine * a - sine * b;
      second[i] = sine * a + cosine * b;
    }
  }
  return true;
}

/**
 * Shortest x with the least ‖A·x − b‖, leaving out what singular values up to `least` (absolute) would bring: directions
 * that A says nothing of stay 0.
 */
export function leastSquares(a: Matrix, b: readonly number[], least = 0): number[] {
  const { u, s, v } = decompose(a);
  const x = new Array<number>(a[0]?.length ?? 0).fill(0);
  s.forEach((value, k) => {
    if (value <= least || value === 0) return;
    const factor = dot(u[k] ?? [], b) / value;
    (v[k] ?? []).forEach((part, i) => {
      x[i] = (x[i] ?? 0) + factor * part;
    });
  });
  return x;
}

/** Σ aᵢ·bᵢ */
export function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function norm(a: readonly number[]): number {
  return Math.sqrt(dot(a, a));
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_one, index) => index);
}
