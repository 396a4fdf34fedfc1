import { createHash } from 'node:crypto';
import { canonicalJson } from '#base/canonical-json.ts';
import { significant } from './fit/entry.ts';
import { gravityFactor } from './gravity.ts';
import type { PlateProgress } from './plate-session.ts';
import type { Candidate, PlateCalibrationEntry, PlateCandidate } from './session.ts';

/** Where the calibration in force was made and where this one is: g, µm/s²; and the plates that are in force. */
export interface CandidateGravity {
  readonly former: number | undefined;
  readonly here: number | undefined;
  readonly inForce: readonly string[];
}

/** A candidate, and the acceleration of gravity that its entries are stated for. */
interface StatedCandidate extends Candidate {
  readonly gravityUmS2?: number;
}

/**
 * Joins the candidates of a session's plates. Plates that nobody touched stay as they are; undefined where one that was
 * begun is not fitted yet, or none is.
 *
 * A calibration has one gravity for all of its plates: where others stay in force, new entries are stated for theirs.
 */
export function makeCandidate(
  plates: readonly (readonly [id: string, progress: PlateProgress])[],
  gravity: CandidateGravity,
): StatedCandidate | undefined {
  const fitted: (readonly [string, PlateCandidate])[] = [];
  for (const [id, { state, candidate }] of plates) {
    if (candidate !== undefined) fitted.push([id, candidate]);
    else if (state !== 'armed') return undefined;
  }
  if (fitted.length === 0) return undefined;
  const { former, here, inForce } = gravity;
  const others = inForce.some((id) => !fitted.some(([own]) => own === id));
  const reference = others ? (former ?? here) : (here ?? former);
  const stated = fitted.map(([id, candidate]) => {
    // Of the empty plate alone the slopes are those of before, from where they were made.
    const made = candidate.model === 'zero' ? (former ?? here) : (here ?? former);
    const entry = stateFor(candidate.entry, gravityFactor(made, reference));
    return [id, { ...candidate, entry }] as const;
  });
  const entries = Object.fromEntries(stated.map(([id, { entry }]) => [id, entry]));
  // The same numbers at another gravity are another calibration.
  const named = reference === undefined ? entries : { plates: entries, gravityUmS2: reference };
  const hash = createHash('sha256').update(canonicalJson(named)).digest('hex');
  return {
    hash,
    plates: Object.fromEntries(stated),
    ...(reference === undefined ? {} : { gravityUmS2: reference }),
  };
}

/** The same entry for another gravity: gains follow the curve, so that they alone change. */
function stateFor(entry: PlateCalibrationEntry, factor: number): PlateCalibrationEntry {
  if (factor === 1) return entry;
  const gains = Object.keys(entry.cells).map((id) => {
    return [id, significant((entry.cornerGains?.[id] ?? 1) * factor)] as const;
  });
  return { ...entry, cornerGains: Object.fromEntries(gains) };
}
