import { CalibrationError } from '../errors.ts';
import type { PlateRules } from '../plate-rules.ts';
import { isCold, type Moment, type PlateSession } from '../plate-session.ts';
import type { StepArgs, StepKind } from '../session.ts';

/**
 * Refuses readings of cells that were switched on a short time ago, and of what was read against their zero. The test of
 * warming up reads cold cells, and so does the zero of a verification, which is good for that test alone.
 * @throws CalibrationError CW-CAL-028
 */
export function checkWarm(
  { plate, purpose, settings: { warmUpUs } }: PlateRules,
  session: PlateSession,
  kind: StepKind,
  args: StepArgs,
  now: Moment,
): void {
  if (kind === 'test' && args.test === 'warm-up') return;
  if (isCold(now, warmUpUs)) {
    if (kind === 'zero' && purpose === 'verify') return;
    const leftUs = (now.poweredSinceUs ?? 0) + warmUpUs - now.atUs;
    throw new CalibrationError(
      'CW-CAL-028',
      `the cells have not been on for long enough and still drift: wait another ${Math.ceil(leftUs / 1e6)} s; in a verification the warm-up test is read at once`,
      { details: { leftUs } },
    );
  }
  const zero = session.zeroStep;
  if (kind === 'zero' || zero === undefined || session.zeroDoubtful || !isCold(zero, warmUpUs)) return;
  throw new CalibrationError(
    'CW-CAL-028',
    `zero of plate ${plate.id} was taken while its cells were cold: take everything off and take zero again`,
  );
}
