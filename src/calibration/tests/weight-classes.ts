import type { Weight, WeightClass } from '../types.ts';

/**
 * OIML R 111-1:2004, table 1: maximum permissible errors of weights, ± mg. Up to 200 g checked against a maker's reprint;
 * above, the pattern of the table (1.6, 3, 8 · 10ⁿ) goes on, and 50 kg has rows of its own.
 */
const classErrors: Readonly<Record<WeightClass, readonly number[]>> = {
  E2: [0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.16, 0.3, 0.8, 1.6, 3, 8, 16, 30, 80],
  F1: [0.1, 0.12, 0.16, 0.2, 0.25, 0.3, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250],
  F2: [0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.6, 3, 8, 16, 30, 80, 160, 300, 800],
  M1: [1, 1.2, 1.6, 2, 2.5, 3, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500],
  M2: [3, 4, 5, 6, 8, 10, 16, 30, 80, 160, 300, 800, 1_600, 3_000, 8_000],
  M3: [10, 12, 16, 20, 25, 30, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000],
};
const nominalGrams = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];
/** A weight's certified mass may differ from its nominal value by this part. */
const nominalPart = 0.001;

/** How wrong a weight of its class may be, mg; undefined where class or nominal value are not in the table. */
export function weightErrorMg(weight: Weight): number | undefined {
  if (weight.class === undefined) return undefined;
  const index = nominalGrams.findIndex(
    (grams) => Math.abs(weight.massMg - grams * 1_000) <= nominalPart * grams * 1_000,
  );
  return classErrors[weight.class][index];
}
