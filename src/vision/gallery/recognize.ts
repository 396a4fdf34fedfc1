import { ppm } from '#base/units.ts';
import type { ModelManifest } from '../models/manifest.ts';
import { meanDirection, type Values } from './embedding.ts';
import type { Lookup } from './lookup.ts';
import type { Recognition } from './types.ts';

/** How a model's cosines become probabilities: three numbers of its manifest. */
export type Calibration = Pick<ModelManifest, 'temperature' | 'unknownCosine' | 'unknownSlope'>;

const mostCandidates = 8;
/** Where the best is less than so many times as likely as the second, a single look does not decide between them. */
const clearOdds = 3;

interface RecognizeOptions {
  /** Only these looks are candidates, as where a planogram or a basket says what can be there. All, where left out. */
  readonly among?: ReadonlySet<string> | undefined;
}

/**
 * What an embedding shows, by what the gallery holds.
 *
 * The cosine of the best look says whether it is anything at all: it is known with the probability
 * 1 / (1 + exp(-unknownSlope · (cosine - unknownCosine))). That probability is shared among the eight best looks by
 * softmax of cosine / temperature. Looks beyond the eighth take no part, so that thousands of products that are nothing
 * like it don't dilute what is known. All are rounded to ppm by largest remainder and add up to a million; a candidate
 * of 0 ppm is left out.
 *
 * `ambiguous`: it is rather known than not, and the best is less than three times as likely as the second.
 *
 * Several embeddings of one thing (views, crops, frames) are looked up as their mean direction.
 * @param embeddings one or more, of `lookup.dimensions` values; with an empty gallery all is unknown and the cosine -1
 */
export function recognize(
  lookup: Lookup,
  embeddings: Values | readonly Values[],
  calibration: Calibration,
  options: RecognizeOptions = {},
): Recognition {
  const best = bestLooks(lookup, combined(embeddings), options.among);
  const [first, second] = best;
  if (first === undefined) return { candidates: [], unknownPpm: ppm, cosine: -1, ambiguous: false };
  const { temperature, unknownCosine, unknownSlope } = calibration;
  const known = 1 / (1 + Math.exp(-unknownSlope * (first.cosine - unknownCosine)));
  const weights = best.map(({ cosine }) => Math.exp((cosine - first.cosine) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const [unknownPpm = 0, ...shares] = toWholePpm([
    1 - known,
    ...weights.map((weight) => (known * weight) / total),
  ]);
  const candidates = best
    .map(({ look }, index) => ({ look, probabilityPpm: shares[index] ?? 0 }))
    .filter(({ probabilityPpm }) => probabilityPpm > 0);
  const odds = 1 / (weights[1] ?? 0);
  return {
    candidates,
    unknownPpm,
    cosine: first.cosine,
    ambiguous: second !== undefined && known > 0.5 && odds < clearOdds,
  };
}

function combined(embeddings: Values | readonly Values[]): Values {
  if (embeddings instanceof Float32Array || embeddings instanceof Int8Array) return embeddings;
  const [only] = embeddings;
  return embeddings.length === 1 && only !== undefined ? only : meanDirection(embeddings);
}

export interface NearLook {
  readonly look: string;
  /** With its best reference. */
  readonly cosine: number;
}

/** The eight looks of the gallery that are nearest to an embedding, the nearest first; of equal ones the earlier. */
export function bestLooks(lookup: Lookup, embedding: Values, among?: ReadonlySet<string>): NearLook[] {
  const cosines = lookup.bestCosines(embedding);
  const best: NearLook[] = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < cosines.length; index++) {
    const cosine = cosines[index] ?? 0;
    if (best.length === mostCandidates && cosine <= least) continue;
    const look = lookup.looks[index] ?? '';
    if (among !== undefined && !among.has(look)) continue;
    let at = best.length;
    while (at > 0 && (best[at - 1]?.cosine ?? 0) < cosine) at--;
    best.splice(at, 0, { look, cosine });
    if (best.length > mostCandidates) best.pop();
    least = best.at(-1)?.cosine ?? least;
  }
  return best;
}

/**
 * Shares that add up to 1 as integers that add up to a million: rounded down, and what is left goes one by one to those
 * that lost most (the method of the largest remainder); of equal losses the earlier first.
 */
function toWholePpm(shares: readonly number[]): number[] {
  const exact = shares.map((share) => share * ppm);
  const whole = exact.map(Math.floor);
  const left = ppm - whole.reduce((sum, value) => sum + value, 0);
  const byLoss = exact
    .map((value, index) => ({ index, loss: value - Math.floor(value) }))
    .sort((a, b) => b.loss - a.loss || a.index - b.index);
  for (const { index } of byLoss.slice(0, left)) whole[index] = (whole[index] ?? 0) + 1;
  return whole;
}
