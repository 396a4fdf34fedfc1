import { formatMass } from '#base/units.ts';
import { CalibrationError } from '../errors.ts';
import { cellsOf, effectiveSlopes, loadFigures, netCounts } from '../forces.ts';
import type { PlateRules } from '../plate-rules.ts';
import type { Notice, PlateCalibrationEntry, StepArgs } from '../session.ts';
import { beforeRoundingMg, mostExtraDivisions } from '../tests/errors-of.ts';
import { discriminationDivisions } from '../tests/loads.ts';
import { minimumCapacityMg, quarters } from '../tests/tolerances.ts';
import type { TestObservation } from '../tests/types.ts';
import type { Capture, Placement } from '../types.ts';
import { divisionOf } from './capture.ts';
import { checkPlacement, misplaced } from './load.ts';
import { unitHint } from './units.ts';

/** What is known of a load under the entry that is tried. */
interface Trial {
  readonly massMg: number;
  readonly at: Placement;
  /** Of it, what stands in for weights, in the middle, mg. */
  readonly substitutedMg: number;
  readonly indicatedMg: number;
  readonly capture: Capture;
  readonly zero: Capture;
  readonly entry: PlateCalibrationEntry | undefined;
  readonly force: string | undefined;
}

/**
 * Refuses a verification that says nothing of the scale: the load was forgotten, its mass is in another unit, or it lies
 * elsewhere. What is merely wrong is judged, and kept; with a reason (`force`) anything is.
 * @returns what has to be told where it is taken with a reason
 * @throws CalibrationError CW-CAL-030, -032, -037
 */
export function checkVerifiable(rules: PlateRules, trial: Trial): Notice[] {
  return excused(trial.force, unread(rules, trial) ?? elsewhere(rules, trial));
}

/**
 * Refuses a test's load that lies elsewhere than it should.
 * @returns what has to be told where it is taken with a reason
 * @throws CalibrationError CW-CAL-037
 */
export function checkLies(rules: PlateRules, trial: Trial): Notice[] {
  return excused(trial.force, elsewhere(rules, trial));
}

function excused(force: string | undefined, problem: CalibrationError | undefined): Notice[] {
  if (problem === undefined) return [];
  if (force === undefined) throw problem;
  return [{ code: 'CW-CAL-075', message: `a load was taken although ${problem.message}; because: ${force}` }];
}

const keepIt =
  'where the weights lie as told and the scale is that wrong, say so (force), and it is kept as failed';

function unread({ plate }: PlateRules, { massMg, indicatedMg }: Trial): CalibrationError | undefined {
  if (Math.abs(indicatedMg) <= 2 * divisionOf(plate)) {
    return new CalibrationError(
      'CW-CAL-030',
      `plate ${plate.id} indicates ${(indicatedMg / 1000).toFixed(1)} g: put the load on; if it lay there when zero was taken, take it off and take zero again; ${keepIt}`,
      { details: { indicatedMg: Math.round(indicatedMg) } },
    );
  }
  const hint = unitHint(indicatedMg / massMg);
  if (hint === '') return undefined;
  return new CalibrationError(
    'CW-CAL-032',
    `${formatMass(massMg)} was stated, but plate ${plate.id} indicates ${formatMass(Math.round(indicatedMg))}${hint}; ${keepIt}`,
    { details: { massMg, indicatedMg: Math.round(indicatedMg) } },
  );
}

/** Three cells or more tell where a load of Min or more lies; weights beside a substitution load don't. */
function elsewhere({ plate, settings }: PlateRules, trial: Trial): CalibrationError | undefined {
  const cells = cellsOf(plate);
  const { entry, massMg, at } = trial;
  const leastMg = minimumCapacityMg({ intervalMg: plate.intervalMg ?? 0 });
  if (cells.length < 3 || entry === undefined || Math.min(massMg, trial.indicatedMg) < leastMg)
    return undefined;
  if (trial.substitutedMg > 0 && at !== 'centre') return undefined;
  const net = netCounts(cells, trial.capture, trial.zero);
  const found = misplaced(
    plate,
    at,
    loadFigures(cells, net, effectiveSlopes(cells, entry), massMg),
    settings,
  );
  if (found === undefined) return undefined;
  return new CalibrationError('CW-CAL-037', `${found.message}; ${keepIt}`, { details: found.details });
}

/**
 * What would be refused of a test's load and of its small weights before anybody waits for readings.
 * @param massMg what lies on the plate in all; 0: nothing
 * @throws CalibrationError CW-CAL-029, -034, -035
 */
export function checkTest(
  { plate }: PlateRules,
  { test, at = 'centre', extraMg }: StepArgs,
  massMg: number,
): void {
  const divisionMg = divisionOf(plate);
  const mostMg = mostExtraDivisions * divisionMg;
  if (extraMg !== undefined && !(extraMg >= 0 && extraMg <= mostMg)) {
    throw new CalibrationError(
      'CW-CAL-029',
      `small weights of ${extraMg / 1000} g were given; those that make the shown value go up by one interval are ${mostMg / 1000} g at most: give their sum alone, not the load's`,
      { details: { extraMg, mostMg } },
    );
  }
  // Of fewer than three cells none is under a corner: the load goes round by quarters.
  const quarter = cellsOf(plate).length < 3 && (quarters as readonly string[]).includes(at);
  // Discrimination is tested at Max too, with 1.4 d more.
  const beyond = test === 'discrimination' ? Math.ceil(discriminationDivisions * divisionMg) : 0;
  const { maxMg = massMg } = plate;
  const held = massMg > maxMg && massMg <= maxMg + beyond ? maxMg : massMg;
  checkPlacement(plate, held, quarter ? 'centre' : at);
}

/** What small weights say of a reading can't be further from its mean than rounding is: half an interval. */
export function extraNotices({ plate }: PlateRules, observation: TestObservation): Notice[] {
  const divisionMg = divisionOf(plate);
  const off = beforeRoundingMg(observation, divisionMg) - observation.indicatedMg;
  if (Math.abs(off) <= divisionMg / 2) return [];
  return [
    {
      code: 'CW-CAL-079',
      message: `by the small weights the scale reads ${(Math.abs(off) / 1000).toFixed(2)} g ${off < 0 ? 'less' : 'more'} than it does, more than half an interval: see that they were added one by one, and undo the reading where they were not`,
    },
  ];
}
