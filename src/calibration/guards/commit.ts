import { formatMass } from '#base/units.ts';
import { CalibrationError } from '../errors.ts';
import type { PlateRules } from '../plate-rules.ts';
import type { PlateProgress, PlateSession } from '../plate-session.ts';
import type { Candidate, StepArgs } from '../session.ts';
import { advice, answerOf } from '../state-table.ts';
import { areNamed } from '../weights.ts';

interface CommittedPlate {
  readonly id: string;
  readonly rules: PlateRules;
  readonly session: PlateSession;
}

/**
 * Refuses a commit that is too early, of something else than was shown, or over something else than was expected. Plates
 * that nobody touched stay out of it.
 * @param begun revision in force when the session began
 * @throws CalibrationError CW-CAL-009 to -013, -060, -061, -017, -019, -014, -015
 */
export function commitPlates(
  plates: readonly CommittedPlate[],
  args: StepArgs,
  begun: number,
  candidate: Candidate | undefined,
): void {
  const touched = plates.filter(({ session }) => session.progress.state !== 'armed');
  for (const plate of touched.length > 0 ? touched : plates) checkPlate(plate);
  const expected = args.expected;
  const inForce = args.inForce ?? begun;
  if (expected !== begun || inForce !== begun) {
    throw new CalibrationError(
      'CW-CAL-015',
      `revision ${inForce} is in force, the session began at ${begun}, and ${expected ?? 'none'} was expected: look at what changed, and begin a new session`,
      { details: { begun, inForce, expected } },
    );
  }
  if (candidate === undefined || args.candidate !== candidate.hash) {
    throw new CalibrationError(
      'CW-CAL-014',
      `the candidate is ${candidate?.hash ?? 'not there'}, not ${args.candidate ?? 'the one that was left out'}: look at the preview again and commit what it names`,
      { details: { candidate: candidate?.hash } },
    );
  }
}

function checkPlate({ id, rules, session }: CommittedPlate): void {
  const { progress } = session;
  const answer = answerOf(rules.purpose, progress.state, 'commit');
  if (answer !== 'yes') {
    throw new CalibrationError(answer, `plate ${id} can not be committed: ${advice[answer] ?? 'too early'}`, {
      details: { plate: id, state: progress.state },
    });
  }
  if (session.zeroDoubtful) {
    throw new CalibrationError(
      'CW-CAL-019',
      `the power was lost since zero of plate ${id} was taken: take everything off and take zero again`,
    );
  }
  // Of the empty plate alone there is nothing that weights could show.
  if (progress.candidate?.model === 'zero') return;
  checkVerified(id, rules, progress);
}

function checkVerified(id: string, rules: PlateRules, { verifications, loads }: PlateProgress): void {
  if (verifications.length === 0) {
    throw new CalibrationError(
      'CW-CAL-013',
      `plate ${id} has not been verified: put weights on that the fit did not use`,
    );
  }
  const failed = verifications.find(({ passed }) => !passed);
  if (failed !== undefined) {
    throw new CalibrationError(
      'CW-CAL-017',
      `${formatMass(failed.massMg)} at ${failed.at} on plate ${id} was wrong by ${(failed.errorMg / 1000).toFixed(2)} g, more than ±${(failed.mpeMg / 1000).toFixed(2)} g: undo it and take it again, or fit anew`,
      { details: { failed } },
    );
  }
  const others = verifications.filter(({ independent }) => independent);
  if (others.length === 0) {
    if (!areNamed(loads.flatMap(({ weights }) => weights))) {
      throw new CalibrationError(
        'CW-CAL-060',
        `weights of the fit of plate ${id} were not named, so nothing shows that others checked it: undo back to those loads, and name their weights`,
      );
    }
    throw new CalibrationError(
      'CW-CAL-060',
      `plate ${id} was verified only with weights that took part in the fit, or were not named: verify a load of other weights, and name them`,
    );
  }
  const largest = Math.max(...others.map(({ massMg }) => massMg));
  const needed = rules.settings.verifyPart * Math.max(...loads.map(({ massMg }) => massMg));
  if (largest < needed) {
    throw new CalibrationError(
      'CW-CAL-061',
      `plate ${id} was verified with other weights up to ${formatMass(largest)} only: verify at least ${formatMass(Math.ceil(needed))}`,
    );
  }
}
