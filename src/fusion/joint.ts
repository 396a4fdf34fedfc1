import type { Posterior } from './posterior.ts';
import type { Change, Part } from './types.ts';

/** Longest pause within which one thing may be put down in two steps, µs. */
const oneStepUs = 3_000_000;

/** Units of a part that go to the earlier of two changes; the others go to the later one. */
interface Side {
  massMg: number;
  varMg2: number;
  units: number;
  broad: boolean;
}

/**
 * Whether two changes that are explained together can have happened one after the other. With little time between them a thing
 * may have been put down in two steps; later, each is things of its own, so that the masses have to fit one by one too. Part of
 * what was put in may be taken out at any time.
 *
 * @param maximumZ how far each may be off, in its own uncertainty
 */
export function plausiblyJoint(
  earlier: Change,
  later: Change,
  { ranked: [best] }: Posterior,
  maximumZ: number,
): boolean {
  if (later.massMg < 0) return earlier.massMg + later.massMg > 0;
  if (earlier.massMg < 0) return false;
  if (later.startedAtUs - earlier.settledAtUs <= oneStepUs) return true;
  return best !== undefined && splits(best.parts, earlier, later, maximumZ);
}

/** Whether the units of some parts can be shared out so that each of two changes has its own. */
function splits(parts: readonly Part[], earlier: Change, later: Change, maximumZ: number): boolean {
  const none: Side = { massMg: 0, varMg2: 0, units: 0, broad: false };
  const visit = (at: number, first: Side, second: Side): boolean => {
    const part = parts[at];
    if (part === undefined) return fits(first, earlier, maximumZ) && fits(second, later, maximumZ);
    for (let k = 0; k <= part.count; k++) {
      if (visit(at + 1, plus(first, part, k), plus(second, part, part.count - k))) return true;
    }
    return false;
  };
  return visit(0, none, none);
}

function plus(side: Side, part: Part, units: number): Side {
  if (units === 0) return side;
  const share = units / part.count;
  return {
    massMg: side.massMg + (part.broad ? 0 : part.sign * part.meanMg * share),
    varMg2: side.varMg2 + part.varMg2 * share,
    units: side.units + units,
    broad: side.broad || part.broad,
  };
}

function fits({ massMg, varMg2, units, broad }: Side, change: Change, maximumZ: number): boolean {
  if (units === 0) return false;
  const rest = change.massMg - massMg;
  return broad ? rest > 0 : rest * rest <= maximumZ * maximumZ * (varMg2 + change.varMg2);
}
