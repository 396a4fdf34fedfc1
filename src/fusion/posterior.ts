import { ppm } from '#base/units.ts';
import type { FusionConfig } from '#config/schema.ts';
import { weighedApart } from './dip.ts';
import { LogSum, logSumExp } from './likelihood.ts';
import type { Change, Hypothesis, Part, PendingScan, Ranked, WaitingScan } from './types.ts';

/** What a hypothesis would report, in words that sort. */
function outcomeName(hypothesis: Hypothesis): string {
  if (hypothesis.kind !== 'items') return hypothesis.kind;
  const counts = new Map<string, number>();
  for (const part of hypothesis.parts) {
    const name = partName(part);
    counts.set(name, (counts.get(name) ?? 0) + part.count);
  }
  return [...counts]
    .map(([name, count]) => `${name}×${count}`)
    .sort()
    .join(' ');
}

function partName(part: Part): string {
  return `${part.sign > 0 ? '+' : '-'}${part.product?.key ?? `?${part.lot?.id ?? ''}`}`;
}

/** Parts and counts below these go together into one exact number; what doesn't fit gets a key of text. */
const countRange = 1024;
const partRange = 2 ** 26;

/**
 * Keys of what hypotheses would report; those that report the same have the same key. Hypotheses of one or two parts
 * come by the thousand, so theirs are numbers. HOT PATH.
 */
class OutcomeKeys {
  readonly #ids = new Map<string, number>();

  of(hypothesis: Hypothesis): number | string {
    if (hypothesis.kind !== 'items') return hypothesis.kind;
    const [first, second, third] = hypothesis.parts;
    if (first === undefined || third !== undefined) return this.#ofMany(hypothesis.parts);
    const one = this.#who(first);
    if (second === undefined) return keyOf(one, first.count, 0, 0);
    const two = this.#who(second);
    if (one === two) return keyOf(one, first.count + second.count, 0, 0);
    return keyOf(one, first.count, two, second.count);
  }

  #ofMany(parts: readonly Part[]): number | string {
    const counts = new Map<number, number>();
    for (const part of parts) {
      const who = this.#who(part);
      counts.set(who, (counts.get(who) ?? 0) + part.count);
    }
    const all = [...counts].sort((a, b) => a[0] - b[0]);
    if (all.length > 2) return all.map(([who, count]) => `${who}×${count}`).join(' ');
    const [one = [0, 0], two = [0, 0]] = all;
    return keyOf(one[0], one[1], two[0], two[1]);
  }

  /** Number of who a part is and which way it goes, from 2. */
  #who(part: Part): number {
    const { product } = part;
    const name = product === undefined ? `?${part.lot?.id ?? ''}` : product.key;
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#ids.size + 1;
      this.#ids.set(name, id);
    }
    return 2 * id + (part.sign > 0 ? 1 : 0);
  }
}

/** The same whichever of the two comes first. */
function keyOf(who: number, count: number, other: number, otherCount: number): number | string {
  const swapped = who < other;
  const high = swapped ? other : who;
  const highCount = swapped ? otherCount : count;
  const low = swapped ? who : other;
  const lowCount = swapped ? count : otherCount;
  const part = high * countRange + highCount;
  if (part >= partRange || highCount >= countRange || lowCount >= countRange) {
    return `${low}×${lowCount} ${high}×${highCount}`;
  }
  return (low * countRange + lowCount) * partRange + part;
}

interface Group {
  best: Hypothesis;
  readonly first: number;
  /** All weights, where there is more than one. */
  weights: number[] | undefined;
  log: number;
}

/** Hypotheses e^(−22) below the best are not listed, but summed up. */
const negligible = 22;

/** Explanations of one change, best first, and how far each is to be believed. */
export interface Posterior {
  readonly ranked: readonly Ranked[];
  /** Something that nobody can name, alone or beside things that are known. */
  readonly unknown: number;
  readonly nothing: number;
  /**
   * At most what all other explanations have together. It counts against every one that is ranked, so that no probability is
   * too large for what was left out, nor too small by more than this.
   */
  readonly rest: number;
}

/** A posterior with what it was weighed with. */
export interface Judging extends Posterior {
  readonly scans: readonly PendingScan[];
  /** Scans of codes that the catalogue doesn't have. */
  readonly unlisted: readonly WaitingScan[];
  /** The question that would be answered. */
  readonly question: string | undefined;
}

/**
 * Normalizes weights to posterior probabilities. Hypotheses with the same outcome (which of two equal things was
 * taken out, which of two equal scans was placed) add up, represented by the likeliest.
 */
export function posterior(hypotheses: readonly Hypothesis[], logRest = Number.NEGATIVE_INFINITY): Posterior {
  const keys = new OutcomeKeys();
  const groups = new Map<number | string, Group>();
  const rest = new LogSum();
  rest.add(logRest);
  let top = Number.NEGATIVE_INFINITY;
  for (const { logWeight } of hypotheses) if (logWeight > top) top = logWeight;
  for (const hypothesis of hypotheses) {
    const { logWeight } = hypothesis;
    if (logWeight < top - negligible) {
      rest.add(logWeight);
      continue;
    }
    const key = keys.of(hypothesis);
    const group = groups.get(key);
    if (group === undefined) {
      groups.set(key, { best: hypothesis, first: logWeight, weights: undefined, log: logWeight });
      continue;
    }
    group.weights ??= [group.first];
    group.weights.push(logWeight);
    if (logWeight > group.best.logWeight) group.best = hypothesis;
  }
  const merged = [...groups.values()];
  for (const group of merged) if (group.weights !== undefined) group.log = logSumExp(group.weights);
  const total = logSumExp([rest.value, ...merged.map((one) => one.log)]);
  merged.sort((a, b) => b.log - a.log || (outcomeName(a.best) < outcomeName(b.best) ? -1 : 1));
  const ranked = merged.map(
    ({ best: { kind, parts, logWeight, expectedMg, z }, log }): Ranked => ({
      kind,
      parts,
      logWeight,
      expectedMg,
      z,
      probability: Math.exp(log - total),
    }),
  );
  const share = (kind: Hypothesis['kind']) => ranked.find((one) => one.kind === kind)?.probability ?? 0;
  return {
    ranked,
    unknown: share('unknown') + share('mixed'),
    nothing: share('nothing'),
    rest: Math.exp(rest.value - total),
  };
}

/** Why the best explanation is not decided. */
export type Obstacle = 'no-item' | 'probability' | 'lead' | 'z';

/**
 * What keeps the best explanation from being decided: it is no item, or fails in probability, lead or |z|. Empty where nothing does.
 *
 * @param strictness how many times smaller than usual the doubt must be
 */
export function obstacles({ ranked }: Posterior, config: FusionConfig, strictness = 1): Obstacle[] {
  const [best, next] = ranked;
  if (best === undefined || best.kind !== 'items') return ['no-item'];
  const found: Obstacle[] = [];
  const doubtPpm = (1 - best.probability) * ppm;
  const leadPpm = (best.probability - (next?.probability ?? 0)) * ppm;
  if (doubtPpm > (ppm - config.decideProbabilityPpm) / strictness) found.push('probability');
  if (leadPpm < ppm - (ppm - config.marginPpm) / strictness) found.push('lead');
  if (Math.abs(best.z) > config.maximumZ) found.push('z');
  return found;
}

/**
 * The best explanation if it passes probability, lead and |z|; undefined if it must be asked.
 *
 * @param strictness how many times smaller than usual the doubt must be
 */
export function decided(result: Posterior, config: FusionConfig, strictness = 1): Ranked | undefined {
  return obstacles(result, config, strictness).length === 0 ? result.ranked[0] : undefined;
}

/** Whether the shopper's attention has moved on from a scan: it says little about what is placed now. */
function isStale(pending: PendingScan, question: string | undefined): boolean {
  if (pending.question !== undefined && pending.question === question) return false;
  return pending.doubted === true || (pending.overtaken ?? 0) > 0;
}

/** Whether everything of a part that was put in is vouched for by scans that are fresh, or by a camera. */
function isSupported(part: Part, question: string | undefined): boolean {
  if (part.sign < 0 || part.product === undefined || part.entry === 'look') return true;
  if (part.scans.length === 0 || part.scans.some((pending) => isStale(pending, question))) return false;
  if (part.product.sale === 'weight') return true;
  return part.count <= part.scans.reduce((sum, pending) => sum + (pending.scan.count ?? 1), 0);
}

/**
 * Whether nothing but the mass vouches for some of it: a unit that nobody scanned, one whose scan is stale, or an exchange,
 * of which only the difference was measured and that nobody picked. Worth waiting for a scan, and to be decided only
 * strictly.
 *
 * @param question the question that would be settled: scans that wait with it are about it
 */
export function restsOnMassAlone(change: Change, parts: readonly Part[], question?: string): boolean {
  if (!parts.every((part) => isSupported(part, question))) return true;
  if (parts.some((part) => part.entry === 'manual') || weighedApart(change, parts)) return false;
  return parts.some((part) => part.sign < 0) && parts.some((part) => part.sign > 0);
}

/** On a shelf, where nothing is scanned, mass has to do; a sighting is worth waiting for all the same. */
export function awaitsSighting(parts: readonly Part[]): boolean {
  return parts.some((part) => part.sign > 0 && part.entry === 'weight' && part.product !== undefined);
}
