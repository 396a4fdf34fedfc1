import type { UnitMass } from './likelihood.ts';

/** A product's mass as the catalogue lists it, mg. */
export interface ListedMass {
  readonly mean: number;
  readonly sd: number;
}

/** Sufficient statistics of weighings of single units: number, mean, sum of squared deviations, mean variance of the weighing itself. */
export interface Weighings {
  readonly n: number;
  readonly meanMg: number;
  readonly ssMg2: number;
  readonly noiseMg2: number;
}

export const emptyWeighings: Weighings = { n: 0, meanMg: 0, ssMg2: 0, noiseMg2: 0 };

/** Older weighings fade once there are so many: packaging changes. */
const mostWeighings = 64;
/** A weighing further than this from what is expected teaches nothing. */
const outlierZ = 3;

/**
 * Prior strength. The catalogue's mean counts as one weighing (κ₀), and half of its variance is taken for the spread of units,
 * half for doubt about the mean; α₀ 3 makes the spread as sure as six weighings would.
 */
const kappa0 = 1;
const alpha0 = 3;

/** First weighings of a product without a mass that have to agree, and the part of all that they must make. */
const fewestAgreeing = 4;
const agreeingPart = 0.75;
/** Agreeing: a robust standard deviation (1.4826 · median absolute deviation) of at most a tenth; within 3.5 of it. */
const mostRelativeSd = 0.1;
const agreeingZ = 3.5;
const sdPerMad = 1.4826;

/** Takes one more weighing in (Welford's recurrence); beyond 64 the oldest fade. */
export function observed(weighings: Weighings, massMg: number, varMg2: number): Weighings {
  const fade = weighings.n >= mostWeighings ? (mostWeighings - 1) / weighings.n : 1;
  const n = weighings.n * fade + 1;
  const deviation = massMg - weighings.meanMg;
  const meanMg = weighings.meanMg + deviation / n;
  return {
    n,
    meanMg,
    ssMg2: weighings.ssMg2 * fade + deviation * (massMg - meanMg),
    noiseMg2: weighings.noiseMg2 + (varMg2 - weighings.noiseMg2) / n,
  };
}

/**
 * What one more unit is expected to weigh: mean and variance of the posterior predictive distribution (Student's t) of the
 * normal-inverse-gamma model, by K. P. Murphy, Conjugate Bayesian analysis of the Gaussian distribution (2007), section 6:
 * κₙ = κ₀ + n, μₙ = (κ₀μ₀ + n·x̄)/κₙ, αₙ = α₀ + n/2, βₙ = β₀ + SS/2 + κ₀n(x̄ − μ₀)²/(2κₙ), variance βₙ(κₙ + 1)/((αₙ − 1)κₙ).
 * Without weighings it is exactly the catalogue's mean and variance. Of SS the weighing's own noise is taken off, (n − 1) times
 * its variance. Without a listed mass the mean is that of the weighings (κ₀ = 0), and the prior spread that of prepackages.
 */
export function predicted(weighings: Weighings, listed: ListedMass | undefined): UnitMass {
  const { n, meanMg } = weighings;
  const kappa = listed === undefined ? 0 : kappa0;
  const centre = listed?.mean ?? meanMg;
  const spread = listed === undefined ? packageSd(meanMg) ** 2 : (listed.sd * listed.sd) / 2;
  const ss = Math.max(0, weighings.ssMg2 - Math.max(0, n - 1) * weighings.noiseMg2);
  const kappaN = kappa + n;
  const alphaN = alpha0 + n / 2;
  const shift = meanMg - centre;
  const betaN = spread * (alpha0 - 1) + ss / 2 + (kappa * n * shift * shift) / (2 * kappaN);
  const varMg2 = (betaN * (kappaN + 1)) / ((alphaN - 1) * kappaN);
  return {
    broad: false,
    meanMg: (kappa * centre + n * meanMg) / kappaN,
    varMg2,
    // That of the mean: βₙ/((αₙ − 1)κₙ).
    commonMg2: varMg2 / (kappaN + 1),
  };
}

/** Whether a weighing is no outlier. */
export function fits(unit: UnitMass, massMg: number, varMg2: number): boolean {
  const d = massMg - unit.meanMg;
  return d * d <= outlierZ * outlierZ * (unit.varMg2 + varMg2);
}

/**
 * Standard deviation of prepackages of a mass, mg: the tolerable deficiency of directive 76/211/EEC, annex I, taken as
 * 1.96 σ. Gross masses spread a little more than contents; weighings soon say how much.
 */
export function packageSd(massMg: number): number {
  const grams = massMg / 1_000;
  let tolerance: number;
  if (grams <= 50) tolerance = 0.09 * grams;
  else if (grams <= 100) tolerance = 4.5;
  else if (grams <= 200) tolerance = 0.045 * grams;
  else if (grams <= 300) tolerance = 9;
  else if (grams <= 500) tolerance = 0.03 * grams;
  else if (grams <= 1_000) tolerance = 15;
  else tolerance = 0.015 * grams;
  return (tolerance * 1_000) / 1.96;
}

/**
 * The weighings that agree, of a few of a product of which nothing was known; undefined where too few do. Median and
 * median absolute deviation bear up to a quarter of strangers here.
 */
export function agreeing(massesMg: readonly number[]): readonly number[] | undefined {
  if (massesMg.length < fewestAgreeing) return undefined;
  const centre = median(massesMg);
  const sd = Math.max(
    sdPerMad * median(massesMg.map((mass) => Math.abs(mass - centre))),
    packageSd(centre) / 2,
  );
  if (centre <= 0 || sd > mostRelativeSd * centre) return undefined;
  const agreed = massesMg.filter((mass) => Math.abs(mass - centre) <= agreeingZ * sd);
  return agreed.length >= Math.max(fewestAgreeing, agreeingPart * massesMg.length) ? agreed : undefined;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
