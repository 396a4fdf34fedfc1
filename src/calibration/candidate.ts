import { createHash } from 'node:crypto';
import { canonicalJson } from '#base/canonical-json.ts';
import type { PlateProgress } from './plate-session.ts';
import type { Candidate, PlateCandidate } from './session.ts';

/**
 * Joins the candidates of a session's plates. Plates that nobody touched stay as they are; undefined where one that was
 * begun is not fitted yet, or none is.
 */
export function makeCandidate(
  plates: readonly (readonly [id: string, progress: PlateProgress])[],
): Candidate | undefined {
  const fitted: Record<string, PlateCandidate> = {};
  for (const [id, { state, candidate }] of plates) {
    if (candidate !== undefined) fitted[id] = candidate;
    else if (state !== 'armed') return undefined;
  }
  const entries = Object.entries(fitted).map(([id, { entry }]) => [id, entry] as const);
  if (entries.length === 0) return undefined;
  const hash = createHash('sha256')
    .update(canonicalJson(Object.fromEntries(entries)))
    .digest('hex');
  return { hash, plates: fitted };
}
