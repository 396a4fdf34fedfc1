import { CalibrationError } from './errors.ts';
import { checkVerifiable } from './guards/verify.ts';
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
  const indicatedMg = indicate(capture, entry, conditionsOf(rules, progress), zeroOf(progress));
  checkVerifiable(rules.plate, stated.totalMg, indicatedMg);
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
  const notices: Notice[] = [...stated.notices];
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

/** A reading of a test, which is judged with the others of its test (tests/judge.ts). */
export function takeObservation(
  rules: PlateRules,
  progress: PlateProgress,
  taken: Taken,
  capture: Capture,
): PlateProgress {
  const { args, atUs } = taken;
  const { test } = args;
  if (test === undefined) throw new CalibrationError('CW-CAL-029', 'say which test the reading is of');
  const stated = isEmpty(args) ? undefined : stateLoad(args.massMg, args.weights, rules.weights);
  const substitutedMg = progress.substituted?.massMg ?? 0;
  const entry = triedEntry(rules, progress);
  const observation: TestObservation = {
    test,
    massMg: (stated?.massMg ?? 0) + substitutedMg,
    at: args.at ?? 'centre',
    direction: args.direction ?? 'up',
    indicatedMg: indicate(capture, entry, conditionsOf(rules, progress), zeroOf(progress)),
    atUs,
    weights: stated?.weights ?? [],
    ...(args.extraMg === undefined ? {} : { extraMg: args.extraMg }),
    ...(capture.milliCelsius === undefined ? {} : { milliCelsius: capture.milliCelsius }),
    ...(substitutedMg === 0 ? {} : { substitutedMg }),
    ...(args.tilt === undefined ? {} : { tilt: args.tilt }),
  };
  return {
    ...progress,
    observations: [...progress.observations, observation],
    notices: [...progress.notices, ...(stated?.notices ?? [])],
  };
}
