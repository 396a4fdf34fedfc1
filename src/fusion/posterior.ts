import { ppm } from '#base/units.ts';
import type { FusionConfig } from '#config/schema.ts';
import { logSumExp } from './likelihood.ts';
import type { Hypothesis, Part, Ranked } from './types.ts';

/** What a hypothesis would report; hypotheses that report the same are one. */
function outcomeKey(hypothesis: Hypothesis): string {
  if (hypothesis.kind !== 'items') return hypothesis.kind;
  const counts = new Map<string, number>();
  for (const part of hypothesis.parts) {
    const name = `${part.sign > 0 ? '+' : '-'}${part.product?.key ?? `?${part.lot?.id ?? ''}`}`;
    counts.set(name, (counts.get(name) ?? 0) + part.count);
  }
  return [...counts]
    .map(([name, count]) => `${name}×${count}`)
    .sort()
    .join(' ');
}

/** Hypotheses e^(−22) below the best are left out: 30,000 of them together would not reach 10 ppm. */
const negligible = 22;

/** Explanations of one change, best first, and how far each is to be believed. */
export interface Posterior {
  readonly ranked: readonly Ranked[];
  readonly unknown: number;
  readonly nothing: number;
}

/**
 * Normalizes weights to posterior probabilities. Hypotheses with the same outcome (which of two equal things was
 * taken out, which of two equal scans was placed) add up, represented by the likeliest.
 */
export function posterior(hypotheses: readonly Hypothesis[]): Posterior {
  const groups = new Map<string, { best: Hypothesis; weights: number[] }>();
  const top = hypotheses.reduce((best, one) => Math.max(best, one.logWeight), Number.NEGATIVE_INFINITY);
  for (const hypothesis of hypotheses) {
    if (hypothesis.logWeight < top - negligible) continue;
    const key = outcomeKey(hypothesis);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { best: hypothesis, weights: [hypothesis.logWeight] });
    else {
      group.weights.push(hypothesis.logWeight);
      if (hypothesis.logWeight > group.best.logWeight) group.best = hypothesis;
    }
  }
  const merged = [...groups].map(([key, group]) => ({
    key,
    best: group.best,
    log: logSumExp(group.weights),
  }));
  const total = logSumExp(merged.map((one) => one.log));
  merged.sort((a, b) => b.log - a.log || (a.key < b.key ? -1 : 1));
  const ranked = merged.map((one) => ({ ...one.best, probability: Math.exp(one.log - total) }));
  const share = (kind: Hypothesis['kind']) => ranked.find((one) => one.kind === kind)?.probability ?? 0;
  return { ranked, unknown: share('unknown'), nothing: share('nothing') };
}

/** The best explanation if it passes probability, lead and |z|; undefined if it must be asked. */
export function decided(result: Posterior, config: FusionConfig): Ranked | undefined {
  const [best, next] = result.ranked;
  if (best === undefined || best.kind !== 'items') return undefined;
  if (best.probability * ppm < config.decideProbabilityPpm) return undefined;
  if ((best.probability - (next?.probability ?? 0)) * ppm < config.marginPpm) return undefined;
  return Math.abs(best.z) <= config.maximumZ ? best : undefined;
}

/** Whether it was put in without anything but its mass saying what it is: worth waiting for a scan. */
export function restsOnMassAlone(parts: readonly Part[]): boolean {
  return parts.some((part) => part.sign > 0 && part.entry === 'weight' && part.product !== undefined);
}
