import { formatMass } from '#base/units.ts';
import { CalibrationError } from './errors.ts';
import type { Notice } from './session.ts';
import type { Weight, WeightClass } from './types.ts';

/** Classes in the order of the columns below. */
const columns: readonly WeightClass[] = ['E2', 'F1', 'F2', 'M1', 'M2', 'M3'];

/**
 * OIML R 111-1:2004, 5.1, table 1: nominal mass in g, and maximum permissible errors, ± mg, of E2, F1, F2, M1, M2, M3. Up
 * to 5 kg checked against a maker's reprint; above, the pattern of the table goes on (50 kg has rows of its own).
 */
const limits: readonly (readonly [grams: number, ...errors: number[]])[] = [
  [1, 0.03, 0.1, 0.3, 1, 3, 10],
  [2, 0.04, 0.12, 0.4, 1.2, 4, 12],
  [5, 0.05, 0.16, 0.5, 1.6, 5, 16],
  [10, 0.06, 0.2, 0.6, 2, 6, 20],
  [20, 0.08, 0.25, 0.8, 2.5, 8, 25],
  [50, 0.1, 0.3, 1, 3, 10, 30],
  [100, 0.16, 0.5, 1.6, 5, 16, 50],
  [200, 0.3, 1, 3, 10, 30, 100],
  [500, 0.8, 2.5, 8, 25, 80, 250],
  [1_000, 1.6, 5, 16, 50, 160, 500],
  [2_000, 3, 10, 30, 100, 300, 1_000],
  [5_000, 8, 25, 80, 250, 800, 2_500],
  [10_000, 16, 50, 160, 500, 1_600, 5_000],
  [20_000, 30, 100, 300, 1_000, 3_000, 10_000],
  [50_000, 80, 250, 800, 2_500, 8_000, 25_000],
];
/** A weight's certified mass may be above its nominal value by this part. */
const nominalSlack = 1.001;

/**
 * How wrong a weight of its class may be, mg (OIML R 111-1, table 1): of a mass between two nominal values what the larger
 * one may be; undefined without a class, and above 50 kg.
 */
export function weightErrorMg(weight: Weight): number | undefined {
  if (weight.class === undefined) return undefined;
  const row = limits.find(([grams]) => weight.massMg <= grams * 1_000 * nominalSlack);
  return row?.[columns.indexOf(weight.class) + 1];
}

/** What is on the plate, as the technician says it is. */
export interface StatedLoad {
  readonly massMg: number;
  /** Ids; of weights that were not named one that tells their mass. */
  readonly weights: readonly string[];
  /** How wrong the weights may be, mg: the sum of their classes' limits. */
  readonly errorMg: number;
  readonly notices: readonly Notice[];
}

/** A stated mass may be the nominal one, where the weights are known better. */
const nominalPart = 1e-3;

/** What stands for weights that nobody named, before their mass in mg. */
const unnamed = 'unnamed-';

/** Whether each of these weights was named: of others nobody can say which pieces of iron they were. */
export function areNamed(ids: readonly string[]): boolean {
  return ids.every((id) => !id.startsWith(unnamed));
}

/** Weights for a reader: `a5, a2`; of those that nobody named, that they were not. */
export function weightsText(ids: readonly string[]): string {
  return [...new Set(ids.map((id) => (areNamed([id]) ? id : 'not named')))].join(', ') || '—';
}

/**
 * Joins the stated mass with the named weights, whose masses count where they are given.
 * @throws CalibrationError CW-CAL-036 for a weight that is unknown or named twice, -033 where the sum is not the stated
 * mass, -029 where there is neither mass nor weight
 */
export function stateLoad(
  massMg: number | undefined,
  ids: readonly string[] | undefined,
  known: readonly Weight[],
): StatedLoad {
  if (ids === undefined || ids.length === 0) {
    if (massMg === undefined || !Number.isSafeInteger(massMg) || massMg <= 0) {
      throw new CalibrationError('CW-CAL-029', 'say what lies on the plate: massMg above 0, or weights');
    }
    const message = `weights of ${formatMass(massMg)} were not named; name them, so that it can be shown that a check is done with others`;
    return {
      massMg,
      weights: [`${unnamed}${massMg}`],
      errorMg: 0,
      notices: [{ code: 'CW-CAL-070', message }],
    };
  }
  const weights = ids.map((id) => findWeight(id, known));
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined)
    throw new CalibrationError('CW-CAL-036', `weight ${twice} was named twice; name each once`);
  const sum = weights.reduce((total, weight) => total + weight.massMg, 0);
  if (massMg !== undefined && Math.abs(sum - massMg) > nominalPart * sum) {
    const list = weights.map((weight) => `${weight.id} (${formatMass(weight.massMg)})`).join(' and ');
    throw new CalibrationError(
      'CW-CAL-033',
      `${list} add up to ${formatMass(sum)}, not to the stated ${formatMass(massMg)}; correct the mass or the weights`,
      { details: { sumMg: sum, massMg } },
    );
  }
  const notices: Notice[] = [];
  let errorMg = 0;
  for (const weight of weights) {
    const own = weightErrorMg(weight);
    errorMg += own ?? 0;
    if (own !== undefined) continue;
    notices.push({
      code: 'CW-CAL-071',
      message: `how exact weight ${weight.id} is is not known: name its class, and its nominal mass or what its certificate says`,
    });
  }
  return { massMg: sum, weights: [...ids], errorMg, notices };
}

function findWeight(id: string, known: readonly Weight[]): Weight {
  const weight = known.find((one) => one.id === id);
  if (weight !== undefined) return weight;
  const list = known.map((one) => one.id).join(', ');
  throw new CalibrationError(
    'CW-CAL-036',
    `there is no weight ${JSON.stringify(id)} in this session; there are: ${list === '' ? 'none' : list}`,
  );
}
