import type { Product } from '#catalogue/products.ts';
import type { FusionConfig } from '#config/schema.ts';
import type { Learned } from './learned.ts';
import { logBroadDensity, logNormal, logUnknownDensity } from './likelihood.ts';
import { type Obstacle, obstacles, type Posterior, restsOnMassAlone } from './posterior.ts';
import { unsupportedStrictness } from './priors.ts';
import type {
  Change,
  Explanation,
  Hypothesis,
  MeasuredMovement,
  Part,
  PendingScan,
  SeenLook,
  WaitingScan,
} from './types.ts';

/** Most explanations that a judgement lists. */
const mostExplanations = 8;

/** Where the mass that a part is held against comes from. */
export type MassSource =
  /** The thing's own mass, measured when it came. */
  | { readonly from: 'measured' }
  /** A label, or the catalogue. */
  | { readonly from: 'label' | 'catalogue' }
  /** Weighings of ended trips, since when (UTC ms). */
  | { readonly from: 'learned'; readonly weighings: number; readonly sinceMs?: number }
  /** Any plausible mass fits. */
  | { readonly from: 'any' };

export interface JudgedPart {
  readonly sign: 1 | -1;
  readonly name: string;
  readonly count: number;
  readonly meanMg: number;
  readonly sdMg: number;
  readonly mass: MassSource;
  readonly scans: number;
}

/** One explanation with what was multiplied into its probability. */
export interface Judged {
  readonly kind: Explanation['kind'];
  readonly parts: readonly JudgedPart[];
  /** How likely it is before anything is weighed or seen, relative to the others; undefined for a sum of many. */
  readonly prior?: number;
  readonly expectedMg: number;
  readonly z: number;
  /** Density of the mass, per g; undefined for a sum of many. */
  readonly densityPerG?: number;
  /** What sightings multiply it by, how the plate dipped meanwhile, and that it was scanned only afterwards. */
  readonly seen: number;
  readonly dipped: number;
  readonly late: number;
  readonly probability: number;
}

export interface JudgedScan {
  readonly event: string;
  readonly source: string;
  /** Undefined for a code that the catalogue doesn't have. */
  readonly name?: string;
  readonly atUs: number;
  /** Probability that it is about this change, before its mass is looked at. */
  readonly placedPrior: number;
}

/** Everything that was weighed for one decision or question. Plain data. */
export interface Judgement {
  /** The event that was decided. */
  readonly event: string;
  readonly plate: string;
  readonly massMg: number;
  readonly sigmaMg: number;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  readonly whileAway: boolean;
  readonly movements: readonly MeasuredMovement[];
  readonly scans: readonly JudgedScan[];
  readonly looks: readonly SeenLook[];
  /** Best first. */
  readonly explanations: readonly Judged[];
  /** Further explanations that were weighed one by one. */
  readonly further: number;
  /** At most what explanations that are not listed have together. */
  readonly rest: number;
  readonly thresholds: {
    readonly probability: number;
    readonly lead: number;
    readonly maximumZ: number;
    /** Only the mass vouches for some of it. */
    readonly strict: boolean;
  };
  /** The explanation that was decided, by its place in `explanations`; undefined where it was asked. */
  readonly decided?: number;
  /** A person said so. */
  readonly picked: boolean;
  /** What keeps the best explanation from being decided. */
  readonly obstacles: readonly Obstacle[];
}

/** What a judgement is made from. */
export interface Weighed {
  readonly change: Change;
  readonly result: Posterior;
  readonly scans: readonly PendingScan[];
  readonly unlisted: readonly WaitingScan[];
  readonly looks: readonly SeenLook[];
  readonly question: string | undefined;
  readonly shelf: boolean;
  readonly placedPrior: (pending: WaitingScan) => number;
  /** log of what sightings make of an explanation, and of all that is known of it beside its prior and its mass. */
  readonly logSeen: (explanation: Explanation) => number;
  /** The same of how the plate dipped. */
  readonly logDipped: (explanation: Explanation) => number;
  readonly logFactor: (explanation: Explanation) => number;
}

/** Puts down what was weighed. Pure. */
export function judgementOf(
  event: string,
  weighed: Weighed,
  chosen: Hypothesis | undefined,
  shop: {
    readonly learned: Learned;
    readonly byKey: ReadonlyMap<string, Product>;
    readonly config: FusionConfig;
  },
): Judgement {
  const { change, result, scans } = weighed;
  const { config } = shop;
  const [best] = result.ranked;
  const strict = !weighed.shelf && restsOnMassAlone(change, best?.parts ?? [], weighed.question);
  const strictness = strict ? unsupportedStrictness : 1;
  const listed = result.ranked.slice(0, mostExplanations);
  const at = listed.findIndex((one) => one === chosen || (chosen !== undefined && sameParts(one, chosen)));
  return {
    event,
    plate: change.plate,
    massMg: change.massMg,
    sigmaMg: Math.sqrt(change.varMg2),
    startedAtUs: change.startedAtUs,
    settledAtUs: change.settledAtUs,
    whileAway: change.whileAway,
    movements: change.movements,
    scans: [...scans, ...weighed.unlisted].map((pending) => {
      const { event: read, source, atUs, product: key } = pending.scan;
      const name = key === undefined ? undefined : (shop.byKey.get(key)?.name ?? key);
      return {
        event: read,
        source,
        atUs,
        ...(name === undefined ? {} : { name }),
        placedPrior: weighed.placedPrior(pending),
      };
    }),
    looks: weighed.looks,
    explanations: listed.map((one) => judged(one, weighed, shop.learned)),
    further: result.ranked.length - listed.length,
    rest: result.rest,
    thresholds: {
      probability: 1 - (1 - config.decideProbabilityPpm / 1e6) / strictness,
      lead: 1 - (1 - config.marginPpm / 1e6) / strictness,
      maximumZ: config.maximumZ,
      strict,
    },
    ...(at >= 0 ? { decided: at } : {}),
    picked: chosen?.parts.some((part) => part.entry === 'manual') ?? false,
    obstacles: obstacles(result, config, strictness),
  };
}

function sameParts(one: Hypothesis, other: Hypothesis): boolean {
  return (
    one.kind === other.kind &&
    one.parts.length === other.parts.length &&
    one.parts.every(({ product, count, sign }, i) => {
      const part = other.parts[i];
      return part?.product === product && part?.count === count && part.sign === sign;
    })
  );
}

function judged(
  one: Hypothesis & { readonly probability: number },
  { change, logSeen, logDipped, logFactor }: Weighed,
  learned: Learned,
): Judged {
  const { kind, parts, expectedMg, z, probability, logWeight } = one;
  const factor = logFactor({ kind, parts });
  const seen = logSeen({ kind, parts });
  const dipped = logDipped({ kind, parts });
  const density = logDensity(one, change);
  return {
    kind,
    parts: parts.map((part) => judgedPart(part, learned)),
    expectedMg,
    z,
    ...(density === undefined
      ? {}
      : { prior: Math.exp(logWeight - factor - density), densityPerG: Math.exp(density) * 1_000 }),
    seen: Math.exp(seen),
    dipped: Math.exp(dipped),
    late: Math.exp(factor - seen - dipped),
    probability,
  };
}

/** log density of the measured mass under an explanation, per mg; undefined for a sum of many. */
function logDensity({ kind, parts, expectedMg, z }: Hypothesis, change: Change): number | undefined {
  if (kind === 'mixed') return undefined;
  if (kind === 'unknown') return logUnknownDensity(change.massMg);
  if (kind === 'nothing') {
    const variance = z === 0 ? change.varMg2 : (change.massMg / z) ** 2;
    return logNormal(change.massMg, 0, variance);
  }
  const broad = parts.find((part) => part.broad);
  if (broad === undefined) {
    const variance = parts.reduce((sum, part) => sum + part.varMg2, Math.max(1, change.varMg2));
    return logNormal(change.massMg, expectedMg, variance);
  }
  const others = parts.reduce((sum, part) => sum + (part === broad ? 0 : part.sign * part.meanMg), 0);
  return logBroadDensity(broad.sign * (change.massMg - others), broad.meanMg);
}

function judgedPart(part: Part, learned: Learned): JudgedPart {
  return {
    sign: part.sign,
    name: part.product?.name ?? '',
    count: part.count,
    meanMg: Math.round(part.meanMg),
    sdMg: Math.round(Math.sqrt(part.varMg2)),
    mass: massSource(part, learned),
    scans: part.scans.length,
  };
}

function massSource({ broad, lot, scans, product }: Part, learned: Learned): MassSource {
  if (broad) return { from: 'any' };
  if (lot !== undefined) return { from: 'measured' };
  if (product?.sale === 'weight' && scans[0]?.scan.massMg !== undefined) return { from: 'label' };
  const mass = learned.massOf(product?.key ?? '');
  if (mass === undefined || mass.n === 0) return { from: 'catalogue' };
  return {
    from: 'learned',
    weighings: mass.total,
    ...(mass.sinceMs === undefined ? {} : { sinceMs: mass.sinceMs }),
  };
}
