import { median, robustDeviation, weightedMedian } from './statistics.ts';

/** An empty plate's reading from the zero of its calibration, mg, before zero-setting and tare. */
interface ZeroReturn {
  readonly mg: number;
}

/** A thing whose mass the catalogue knows, weighed. */
export interface KnownItem {
  /** GTIN or PLU: things of one product are wrong together. */
  readonly product: string;
  readonly expectedMg: number;
  readonly measuredMg: number;
}

export interface ZeroDrift {
  readonly mg: number;
  readonly returns: number;
}

export interface SpanDrift {
  /** How much more things weigh than the catalogue says, millionths. */
  readonly ppm: number;
  /** Standard error of that. */
  readonly sigmaPpm: number;
  readonly products: number;
  readonly items: number;
}

/** Of the newest returns to zero so many count; fewer tell nothing. */
const newestReturns = 9;
const fewestReturns = 3;
/** Standard error of a median over that of a mean, for normal scatter: √(π/2). */
const medianFactor = 1.2533;

/** Where zero is now, by the median of the newest returns: a thing that was left lying doesn't move it. */
export function zeroDrift(returns: readonly ZeroReturn[]): ZeroDrift | undefined {
  if (returns.length < fewestReturns) return undefined;
  const newest = returns.slice(-newestReturns);
  return { mg: median(newest.map(({ mg }) => mg)), returns: newest.length };
}

/**
 * Slope of measured over expected mass, less one: each product counts by the median of its things (its catalogue mass may
 * be wrong, once), products by their mass (the weighted median minimizes Σ |measured − (1 + s)·expected|, the line through
 * zero of least absolute deviations). Half of the products may be wrong without moving it far.
 */
export function spanDrift(items: readonly KnownItem[]): SpanDrift | undefined {
  const products = new Map<string, KnownItem[]>();
  for (const item of items) {
    if (item.expectedMg > 0) products.set(item.product, [...(products.get(item.product) ?? []), item]);
  }
  if (products.size < 2) return undefined;
  const ratios = [...products.values()].map((own) => {
    const ratio = median(own.map(({ measuredMg, expectedMg }) => measuredMg / expectedMg - 1));
    return [ratio, own[0]?.expectedMg ?? 0] as const;
  });
  const slope = weightedMedian(ratios);
  const scatter = robustDeviation(ratios.map(([ratio]) => ratio));
  return {
    ppm: slope * 1e6,
    sigmaPpm: ((medianFactor * scatter) / Math.sqrt(ratios.length)) * 1e6,
    products: products.size,
    items: items.length,
  };
}
