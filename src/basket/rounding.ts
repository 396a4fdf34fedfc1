/**
 * `amount · numerator / denominator`, rounded once, half away from zero. All are integers and `denominator` is above 0;
 * exact however large they are.
 */
export function portion(amount: number, numerator: number, denominator: number): number {
  const product = amount * numerator;
  const magnitude = Math.abs(product);
  if (magnitude <= Number.MAX_SAFE_INTEGER / 2) {
    // Twice the remainder against the denominator: no quotient is rounded before it is decided on.
    const rest = magnitude % denominator;
    const whole = (magnitude - rest) / denominator;
    return Math.sign(product) * (rest * 2 >= denominator ? whole + 1 : whole) + 0;
  }
  const exact = BigInt(amount) * BigInt(numerator);
  const [size, divisor] = [exact < 0n ? -exact : exact, BigInt(denominator)];
  const rounded = Number((size * 2n + divisor) / (divisor * 2n));
  return exact < 0n ? -rounded : rounded;
}

/**
 * Shares `total` (0 or more, at most the sum of `weights`) in proportion to `weights`, exactly: each share is rounded
 * down, and what is left goes one by one to the largest remainders, of equal ones to the first. No share exceeds its
 * weight.
 */
export function allocate(total: number, weights: readonly number[]): number[] {
  const sum = BigInt(weights.reduce((whole, weight) => whole + weight, 0));
  if (sum === 0n) return weights.map(() => 0);
  const exact = weights.map((weight) => BigInt(total) * BigInt(weight));
  const shares = exact.map((one) => Number(one / sum));
  const order = exact
    .map((one, index) => ({ index, rest: one % sum }))
    .sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1));
  let left = total - shares.reduce((whole, share) => whole + share, 0);
  for (const { index } of order) {
    if (left === 0) break;
    shares[index] = (shares[index] ?? 0) + 1;
    left -= 1;
  }
  return shares;
}
