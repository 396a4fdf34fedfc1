import type { Product } from '#catalogue/products.ts';
import type { ScanObservation } from './observations.ts';
import type { Part } from './types.ts';

/** Hypotheses further than this from the measured mass are left out: each loses less than e^(−18) of its own peak. */
export const gateZ = 6;

/** Things lighter than this are as likely as things of this mass; heavier ones are not expected, mg. */
const unknownFromMg = 20_000;
const unknownToMg = 20_000_000;
const unknownLogNorm = Math.log(Math.log(unknownToMg / unknownFromMg) + 1);

/** Produce sold by weight: between a radish and a sack, mg; around its usual mass it spreads by a factor of e^0.9. */
export const broadFromMg = 4_000;
export const broadToMg = 20_000_000;
const broadLogSd = 0.9;

/** A label's net mass leaves out the packaging: its typical mass and spread, mg. */
const packagingMg = 8_000;
const packagingSdMg = 8_000;
/** Spread of a label's mass itself (drying, drip, rounding). */
const labelRelativeSd = 0.01;

/** A label's price may be reduced to this part at the least; its mass is known so well, and with the packaging. */
const leastReduced = 0.25;
const pricedRelativeSd = 0.03;
/** Of labels that name a price so many are reduced. */
const reducedShare = 0.15;

/** What one unit weighs: a normal distribution, or any plausible mass. */
export interface UnitMass {
  readonly broad: boolean;
  readonly meanMg: number;
  /** Variance of one unit: its own spread and the doubt about the mean. */
  readonly varMg2: number;
  /** The doubt about the mean alone: all units share it. */
  readonly commonMg2: number;
}

/**
 * Variance of what `count` units of a product weigh together, mg². Their own spreads average out; what the catalogue's mean is
 * off by is the same in all of them, and doesn't: N·(σ² − c) + N²·c.
 */
export function unitsVarMg2(
  { varMg2, commonMg2 }: Omit<UnitMass, 'broad' | 'meanMg'>,
  count: number,
): number {
  return count * varMg2 + (count * count - count) * commonMg2;
}

/** So much of the catalogue's variance is taken for doubt about its mean, where nothing was learned. */
const commonShare = 0.5;

/** log 𝒩(x; mean, variance), per mg. */
export function logNormal(x: number, mean: number, variance: number): number {
  const d = x - mean;
  return -0.5 * (Math.log(2 * Math.PI * variance) + (d * d) / variance);
}

/**
 * log density (per mg) of the mass of a thing of which nothing is known: uniform in log mass from 20 g to 20 kg
 * and constant below 20 g, normalized. A uniform density in mass would call a 50 g thing as likely as a 15 kg one.
 */
export function logUnknownDensity(massMg: number): number {
  const m = Math.abs(massMg);
  if (m > unknownToMg) return -Math.log(m) - unknownLogNorm - 10;
  return -Math.log(Math.max(m, unknownFromMg)) - unknownLogNorm;
}

/**
 * log density (per mg) of goods that fit any plausible mass: log-normal around the usual mass where the catalogue
 * has one, else that of a thing of which nothing is known; −∞ for an implausible mass.
 */
export function logBroadDensity(massMg: number, usualMg: number): number {
  if (massMg < broadFromMg || massMg > broadToMg) return Number.NEGATIVE_INFINITY;
  if (usualMg <= 0) return logUnknownDensity(massMg);
  return logNormal(Math.log(massMg), Math.log(usualMg), broadLogSd * broadLogSd) - Math.log(massMg);
}

/**
 * log density (per mg) of the mass of goods whose label names a price: the mass that it was printed for, or where the price
 * is reduced, up to four times as much, evenly in log mass; −∞ beyond.
 *
 * @param fullMg mass at the full price
 */
export function logPricedDensity(massMg: number, fullMg: number): number {
  const expected = fullMg + packagingMg;
  const full = logNormal(massMg, expected, packagingSdMg ** 2 + (pricedRelativeSd * fullMg) ** 2);
  const isWithin = massMg >= expected && massMg <= expected / leastReduced;
  const reduced = isWithin ? -Math.log(massMg) - Math.log(-Math.log(leastReduced)) : Number.NEGATIVE_INFINITY;
  return logSumExp([full + Math.log(1 - reducedShare), reduced + Math.log(reducedShare)]);
}

/** Mass at the full price that the label of loose goods names, mg; undefined where no label names a price. */
export function pricedMg(product: Product, scan: ScanObservation): number | undefined {
  const { priceMinorPerKg = 0, sale } = product;
  if (sale !== 'weight' || scan.massMg !== undefined || priceMinorPerKg <= 0) return undefined;
  return scan.priceMinor === undefined ? undefined : (scan.priceMinor / priceMinorPerKg) * 1_000_000;
}

/**
 * What one unit of a product weighs on the plate, in mg, given the scan that names it (a label may carry the net
 * mass). Goods sold by weight and products that were never weighed fit any plausible mass.
 */
export function unitMass(product: Product, scan?: ScanObservation): UnitMass {
  if (scan?.massMg !== undefined && scan.massMg > 0 && product.sale === 'weight') {
    const sd = Math.hypot(packagingSdMg, scan.massMg * labelRelativeSd);
    return { broad: false, meanMg: scan.massMg + packagingMg, varMg2: sd * sd, commonMg2: 0 };
  }
  const gross = product.grossMg;
  if (product.sale === 'weight' || gross === undefined || gross.mean <= 0) {
    return { broad: true, meanMg: gross?.mean ?? 0, varMg2: 0, commonMg2: 0 };
  }
  const varMg2 = gross.sd * gross.sd;
  return { broad: false, meanMg: gross.mean, varMg2, commonMg2: commonShare * varMg2 };
}

/** log Σ exp(xᵢ) of numbers that come one by one; −∞ for none. */
export class LogSum {
  #largest = Number.NEGATIVE_INFINITY;
  #sum = 0;

  add(value: number): void {
    if (value === Number.NEGATIVE_INFINITY) return;
    if (value <= this.#largest) this.#sum += Math.exp(value - this.#largest);
    else {
      this.#sum = this.#sum * Math.exp(this.#largest - value) + 1;
      this.#largest = value;
    }
  }

  get value(): number {
    return this.#largest + Math.log(this.#sum);
  }
}

/** log Σ exp(xᵢ), safe for very small weights; −∞ for none. */
export function logSumExp(values: readonly number[]): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > largest) largest = value;
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}

/** log density of what loose goods weigh: by their label's price, where all of it is of one scan that names one. */
export function logBroad(parts: readonly Part[], massMg: number, usualMg: number): number {
  const part = parts.find(({ broad }) => broad);
  const [pending, ...more] = part?.scans ?? [];
  const { product } = part ?? {};
  const fullMg =
    product === undefined || pending === undefined || more.length > 0
      ? undefined
      : pricedMg(product, pending.scan);
  return fullMg === undefined ? logBroadDensity(massMg, usualMg) : logPricedDensity(massMg, fullMg);
}
