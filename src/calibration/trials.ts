import { CalibrationError } from './errors.ts';
import { checkLies, checkTest, checkVerifiable, extraNotices } from './guards/verify.ts';
import { indicate } from './indicate.ts';
import {
  conditionsOf,
  isEmpty,
  lyingLoad,
  mpeOf,
  type PlateRules,
  totalLoad,
  triedEntry,
  zeroOf,
} from './plate-rules.ts';
import type { PlateProgress, Taken } from './plate-session.ts';
import type { Notice, StepArgs, Verification } from './session.ts';
import type { TestObservation } from './tests/types.ts';
import type { Capture } from './types.ts';
import { areNamed, stateLoad } from './weights.ts';

/** A load that is held against its mass under the entry that is tried, and kept whatever it shows. */
export function takeVerification(
  rules: PlateRules,
  progress: PlateProgress,
  args: StepArgs,
  capture: Capture,
): PlateProgress {
  const stated = totalLoad(rules, progress, args);
  const entry = triedEntry(rules, progress);
  const zero = zeroOf(progress);
  const indicatedMg = indicate(capture, entry, conditionsOf(rules, progress), zero);
  const excuses = checkVerifiable(rules, {
    massMg: stated.totalMg,
    at: stated.at,
    substitutedMg: stated.substituted?.massMg ?? 0,
    ...{ indicatedMg, capture, zero, entry },
    force: args.force,
  });
  const errorMg = indicatedMg - stated.totalMg;
  const mpeMg = mpeOf(rules, stated.totalMg);
  const used = [...stated.weights, ...(stated.substituted?.weights ?? [])];
  const fitted = new Set(progress.loads.flatMap(({ weights }) => weights));
  const again = used.filter((id) => fitted.has(id) && areNamed([id]));
  const verification: Verification = {
    massMg: stated.totalMg,
    at: stated.at,
    direction: stated.direction,
    indicatedMg,
    errorMg,
    mpeMg,
    weights: stated.weights,
    passed: Math.abs(errorMg) <= mpeMg,
    independent: again.length === 0 && areNamed(used) && areNamed([...fitted]),
  };
  const notices: Notice[] = [...stated.notices, ...excuses];
  if (!areNamed([...fitted])) {
    const message =
      'weights of the fit were not named, so no load can show that they are right; take the loads again and name them';
    notices.push({ code: 'CW-CAL-070', message });
  } else if (again.length > 0) {
    notices.push({
      code: 'CW-CAL-078',
      message: `${again.join(', ')} took part in the fit, so this load can not show that they are right`,
    });
  }
  return {
    ...progress,
    state: 'verify',
    verifications: [...progress.verifications, verification],
    lying: lyingLoad(stated, capture),
    notices: [...progress.notices, ...notices],
  };
}

/** What lies on the plate in a test; nothing where neither mass nor weights are named. */
function testLoad(rules: PlateRules, { substituted }: PlateProgress, args: StepArgs) {
  const stated = isEmpty(args) ? undefined : stateLoad(args.massMg, args.weights, rules.weights);
  const substitutedMg = substituted?.massMg ?? 0;
  return {
    massMg: (stated?.massMg ?? 0) + substitutedMg,
    substitutedMg,
    weights: stated?.weights ?? [],
    notices: stated?.notices ?? [],
  };
}

/**
 * What would be refused of a test's arguments before anybody waits for readings.
 * @throws CalibrationError CW-CAL-029, -033 to -036
 */
export function checkTestArguments(rules: PlateRules, progress: PlateProgress, args: StepArgs): void {
  if (args.test === undefined) throw new CalibrationError('CW-CAL-029', 'say which test the reading is of');
  checkTest(rules, args, testLoad(rules, progress, args).massMg);
}

/** A reading of a test, which is judged with the others of its test (tests/judge.ts). */
export function takeObservation(
  rules: PlateRules,
  progress: PlateProgress,
  taken: Taken,
  capture: Capture,
): PlateProgress {
  const { args, atUs, poweredSinceUs, run } = taken;
  const { test, at = 'centre' } = args;
  if (test === undefined) throw new CalibrationError('CW-CAL-029', 'say which test the reading is of');
  const { notices, ...load } = testLoad(rules, progress, args);
  const entry = triedEntry(rules, progress);
  const zero = zeroOf(progress);
  const indicatedMg = indicate(capture, entry, conditionsOf(rules, progress), zero);
  const excuses = checkLies(rules, { ...load, at, indicatedMg, capture, zero, entry, force: args.force });
  const { substitutedMg, massMg, weights } = load;
  const observation: TestObservation = {
    test,
    massMg,
    at,
    direction: args.direction ?? 'up',
    indicatedMg,
    atUs,
    weights,
    ...(poweredSinceUs === undefined ? {} : { poweredSinceUs }),
    ...(run === undefined ? {} : { run }),
    ...(args.extraMg === undefined ? {} : { extraMg: args.extraMg }),
    ...(capture.milliCelsius === undefined ? {} : { milliCelsius: capture.milliCelsius }),
    ...(substitutedMg === 0 ? {} : { substitutedMg }),
    ...(args.tilt === undefined ? {} : { tilt: args.tilt }),
  };
  return {
    ...progress,
    observations: [...progress.observations, observation],
    notices: [...progress.notices, ...notices, ...excuses, ...extraNotices(rules, observation)],
  };
}
