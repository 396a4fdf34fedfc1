import type { Lot, Part } from './types.ts';

/** Mass of some units, mg and mg². */
export interface Mass {
  readonly meanMg: number;
  readonly varMg2: number;
}

/**
 * What `k` of a lot's `n` units weigh, knowing the measured sum S ± √V of all and the spread s² of a unit of mean u.
 * Each unit is 𝒩(u, s²); conditioned on S, the mean of k is k·u + k·s²/(n·s²+V)·(S − n·u) and the variance
 * k·s² − k²·s⁴/(n·s²+V). The whole lot weighs what was measured.
 */
export function unitsMass(lot: Lot, k: number): Mass {
  if (k >= lot.count) return { meanMg: lot.massMg, varMg2: lot.varMg2 };
  const { unitMeanMg: u, unitVarMg2: s2, count: n } = lot;
  const total = n * s2 + lot.varMg2;
  if (total === 0) return { meanMg: (lot.massMg * k) / n, varMg2: 0 };
  return {
    meanMg: k * u + ((k * s2) / total) * (lot.massMg - n * u),
    varMg2: k * s2 - (k * k * s2 * s2) / total,
  };
}

/** Whether `k` units of the lot can be told from the rest by mass: all of it, or goods of a known unit mass. */
export function divisible(lot: Lot): boolean {
  return lot.product !== undefined && lot.count > 1 && lot.unitVarMg2 > 0;
}

/**
 * Shares the measured sum among parts: each gets its expected mass and its part of the residual, in proportion to its
 * variance (the conditional mean of independent normal masses given their signed sum). The signed shares add up
 * to `massMg` exactly. A part of any plausible mass takes the whole residual. Integers, mg.
 */
export function shareMass(massMg: number, parts: readonly Part[]): number[] {
  const broad = parts.findIndex((part) => part.broad);
  const expected = parts.map((part) => part.sign * Math.round(part.meanMg));
  if (broad >= 0) expected[broad] = 0;
  const residual = massMg - expected.reduce((sum, value) => sum + value, 0);
  const variance = parts.reduce((sum, part) => sum + part.varMg2, 0);
  const taker = broad >= 0 ? broad : 0;
  let left = residual;
  const shares = expected.map((value, i) => {
    const part = parts[i];
    if (i === taker || part === undefined || broad >= 0 || variance === 0) return value;
    const share = Math.round((residual * part.varMg2) / variance);
    left -= share;
    return value + share;
  });
  shares[taker] = (shares[taker] ?? 0) + left;
  return shares.map((share) => share + 0);
}
