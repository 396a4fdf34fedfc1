import { formatMass } from '#base/units.ts';
import type { PlateEntry } from '#config/board.ts';
import type { ScaleConditions } from './cell-scale.ts';
import { CalibrationError } from './errors.ts';
import { cellsOf, type KnownLoad, type ReferenceSlopes, referenceSlopes } from './forces.ts';
import { gravityFactor } from './gravity.ts';
import { checkPlacement } from './guards/load.ts';
import type { LyingLoad, PlateProgress, Substitution } from './plate-session.ts';
import type { PlateCalibrationEntry, Purpose, StepArgs } from './session.ts';
import type { GuardSettings } from './settings.ts';
import { adjustmentRegime, maximumPermissibleErrorMg } from './tests/tolerances.ts';
import type { Regime } from './tests/types.ts';
import type { Capture, Placement, Weight } from './types.ts';
import { type StatedLoad, stateLoad } from './weights.ts';

/** What the rules of one plate go by; the same for a whole session. */
export interface PlateRules {
  readonly plate: PlateEntry;
  readonly purpose: Purpose;
  readonly former: PlateCalibrationEntry | undefined;
  readonly weights: readonly Weight[];
  readonly regime: Regime;
  readonly settings: GuardSettings;
  /** g of the calibration in force and g here, µm/s². */
  readonly gravity: { readonly former: number | undefined; readonly here: number | undefined };
}

/** A load as it is stated, with what was substituted before. */
export interface TotalLoad extends StatedLoad {
  readonly at: Placement;
  readonly direction: 'up' | 'down';
  readonly totalMg: number;
  readonly substituted: Substitution | undefined;
}

/** What is known of the cells' slopes: by the calibration before and the loads of the session. */
export function reference(rules: PlateRules, loads: readonly KnownLoad[]): ReferenceSlopes {
  return referenceSlopes(cellsOf(rules.plate), rules.former, loads, rules.settings);
}

/** The newest zero. @throws CalibrationError CW-CAL-010 before the first */
export function zeroOf({ zero }: PlateProgress): Capture {
  if (zero === undefined) throw new CalibrationError('CW-CAL-010', 'take zero of the empty plate first');
  return zero;
}

/** The entry that verifications and tests try. */
export function triedEntry(rules: PlateRules, progress: PlateProgress): PlateCalibrationEntry | undefined {
  return rules.purpose === 'verify' ? rules.former : progress.candidate?.entry;
}

/** A candidate's slopes were made here; those from elsewhere are corrected for gravity, as weighing does. */
export function conditionsOf(rules: PlateRules, { candidate }: PlateProgress): ScaleConditions {
  return candidate === undefined || candidate.model === 'zero'
    ? { gravityFactor: gravityFactor(rules.gravity.former, rules.gravity.here) }
    : {};
}

/**
 * The load that a step states, with what was substituted.
 * @throws CalibrationError CW-CAL-029, -033 to -036, and -042 where the weights are worse than a third of what the plate may be
 */
export function totalLoad(rules: PlateRules, progress: PlateProgress, args: StepArgs): TotalLoad {
  const stated = stateLoad(args.massMg, args.weights, rules.weights);
  const { substituted } = progress;
  const at = args.at ?? 'centre';
  const totalMg = stated.massMg + (substituted?.massMg ?? 0);
  checkPlacement(rules.plate, totalMg, at);
  const errorMg = stated.errorMg + (substituted?.errorMg ?? 0);
  const mostMg = rules.settings.weightsPart * mpeOf(rules, totalMg);
  if (errorMg > mostMg) {
    throw new CalibrationError(
      'CW-CAL-042',
      `${stated.weights.join(' and ')} may be wrong by ${(errorMg / 1000).toFixed(2)} g, more than a third of what the plate may be at ${formatMass(totalMg)} (${(mostMg / 1000).toFixed(2)} g): take weights of a better class`,
      { details: { errorMg, mostMg } },
    );
  }
  return { ...stated, errorMg, at, direction: args.direction ?? 'up', totalMg, substituted };
}

/** The load that lies on the plate after a step. */
export function lyingLoad(stated: TotalLoad, capture: Capture): LyingLoad {
  const weights = [...new Set([...stated.weights, ...(stated.substituted?.weights ?? [])])];
  return { massMg: stated.totalMg, errorMg: stated.errorMg, weights, at: stated.at, capture };
}

/** Whether a step names no load: the empty plate. */
export function isEmpty(args: StepArgs): boolean {
  return (args.massMg ?? 0) === 0 && (args.weights?.length ?? 0) === 0;
}

/** e, mg. */
export function intervalOf({ plate }: PlateRules): number {
  return plate.intervalMg ?? 1;
}

/**
 * Maximum permissible error of a load, mg: an adjustment is held against those of a new scale, whatever regime the scale is
 * verified by (OIML R 76-1, 3.5.2 doubles them for scales in service alone).
 */
export function mpeOf(rules: PlateRules, massMg: number): number {
  const regime = rules.purpose === 'calibrate' ? adjustmentRegime(rules.regime) : rules.regime;
  return maximumPermissibleErrorMg(massMg, { intervalMg: intervalOf(rules) }, regime);
}
