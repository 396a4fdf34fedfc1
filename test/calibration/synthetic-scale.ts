import { createRandom } from '#base/random.ts';
import type { PlannedStep } from '#calibration/tests/plan.ts';
import type { TestObservation } from '#calibration/tests/types.ts';

/** What a scale of known faults is like; masses in mg. */
export interface ScaleTraits {
  readonly maxMg: number;
  /** Error at half of Max, bowed, up and down alike. */
  readonly bowMg?: number;
  /** More on the way down, at half of Max after Max. */
  readonly hysteresisMg?: number;
  /** Creep toward this part of the load, and its time constant, s. */
  readonly creepPart?: number;
  readonly creepSeconds?: number;
  /** Error of Max by where it lies, scaled with the load. */
  readonly cornersMg?: Readonly<Record<string, number>>;
  readonly noiseMg?: number;
}

/** Carries out a plan on a scale of known faults: each step is read 20 s after the one before, or when it is due. */
export function perform(steps: readonly PlannedStep[], traits: ScaleTraits): TestObservation[] {
  const random = createRandom(7);
  const { maxMg, creepPart = 0, creepSeconds = 600 } = traits;
  let atUs = 0;
  let sinceUs = 0;
  let loadMg = 0;
  let creepMg = 0;
  const observed: TestObservation[] = [];
  for (const step of steps) {
    const dueUs = step.afterMinutes === undefined ? 0 : sinceUs + step.afterMinutes * 60_000_000;
    const nextUs = Math.max(atUs + 20_000_000, step.afterMinutes === 0 ? 0 : dueUs);
    if (step.massMg !== loadMg) loadMg = step.massMg;
    const target = loadMg * creepPart;
    creepMg = target + (creepMg - target) * Math.exp(-(nextUs - atUs) / 1e6 / creepSeconds);
    atUs = nextUs;
    if (step.afterMinutes === 0) sinceUs = atUs;
    if (step.kind !== 'reading') continue;
    const relative = step.massMg / maxMg;
    const bow = 4 * relative * (1 - relative);
    const error =
      bow * (traits.bowMg ?? 0) +
      (step.direction === 'down' ? bow * (traits.hysteresisMg ?? 0) : 0) +
      relative * (traits.cornersMg?.[step.at] ?? 0) +
      creepMg +
      (traits.noiseMg ?? 0) * random.gaussian();
    const { test, massMg, at, direction, weights, substitutedMg, tilt } = step;
    observed.push({
      test,
      massMg,
      at,
      direction,
      weights,
      substitutedMg,
      indicatedMg: massMg + error,
      atUs,
      ...(tilt === undefined ? {} : { tilt }),
    });
  }
  return observed;
}
