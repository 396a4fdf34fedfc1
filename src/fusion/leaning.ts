import type { Posterior } from './posterior.ts';
import type { Change, Question } from './types.ts';

/** How far off the sum of both weights may be, in its own uncertainty: a second thing would fit by chance now and then. */
const mostZ = 2;

/**
 * Whether a thing that was asked about, as it weighed less than what was scanned, has now come down altogether: it leant on
 * the rim, which carries up to half of it, and lies flat. What was scanned for it makes up both changes, and nothing else.
 */
export function cameDown(question: Question, later: Change, { ranked: [best] }: Posterior): boolean {
  const { change } = question;
  if (change === undefined || best === undefined || later.massMg <= 0 || later.massMg > change.massMg) {
    return false;
  }
  const [part, ...more] = best.parts;
  if (
    part === undefined ||
    more.length > 0 ||
    part.broad ||
    part.sign < 0 ||
    part.count !== part.scans.length
  ) {
    return false;
  }
  return (
    Math.abs(best.z) <= mostZ &&
    part.scans.every(
      (pending) => pending.question === question.event && pending.scan.atUs <= change.startedAtUs,
    )
  );
}
