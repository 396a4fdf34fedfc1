import type { PlateEntry } from '#config/board.ts';
import { loadShares } from '#config/statics.ts';
import { CalibrationError } from './errors.ts';
import { loadText } from './mass-text.ts';
import type { Placement, Weight } from './types.ts';

/** One thing that a technician does, and the command that follows it. */
export interface PlannedStep {
  readonly step: 'zero' | 'load' | 'fit' | 'verify' | 'commit';
  readonly massMg: number;
  readonly at: Placement;
  /** Ids of the weights that lie on the plate then. */
  readonly weights: readonly string[];
  readonly direction: 'up' | 'down';
}

export interface CalibrationPlan {
  readonly steps: readonly PlannedStep[];
  /** What the weights at hand can't do, for the technician to know before he begins. */
  readonly notes: readonly string[];
}

/** Weights that lie together. */
interface Stack {
  readonly massMg: number;
  readonly weights: readonly string[];
}

/** Of so many weights all combinations are looked at; of more the heaviest. */
const mostWeights = 12;
/** Loads of the span, as parts of Max: OIML R 76-1, A.4.4 asks for loads spread over the range; five with the empty plate. */
const spanParts = [0.25, 0.5, 0.75, 1] as const;
/** Eccentric loads are a third of Max (OIML R 76-1, 3.6.2). */
const cornerPart = 1 / 3;
/** A check with less than this part of the largest load of the fit says too little of it, and is not taken for one. */
const leastCheckPart = 0.25;
/** So many weights at most are kept for the check. */
const mostKept = 3;

/**
 * What to put where to calibrate a plate on cells with the weights at hand: empty plate, span, corners, and the check with
 * other weights. Throws CW-CAL-170 where no weight fits the plate.
 * @param model how much is to be measured: `zero` the empty plate alone, `span` without corners
 */
export function planCalibration(
  plate: PlateEntry,
  weights: readonly Weight[],
  model: 'zero' | 'span' | 'full' = 'full',
): CalibrationPlan {
  const empty = step('zero', { massMg: 0, weights: [] });
  if (model === 'zero') return { steps: [empty, step('fit'), step('commit')], notes: [] };
  const maxMg = plate.maxMg ?? 0;
  const stacks = stacksOf(weights, maxMg);
  if (stacks.length === 0) {
    throw new CalibrationError(
      'CW-CAL-170',
      `none of the weights fits plate ${plate.id} (Max ${maxMg} mg): name weights of at most that`,
    );
  }
  const notes: string[] = [];
  const kept = keptForCheck(weights, maxMg);
  const fitting = weights.filter(({ id }) => kept?.weights.includes(id) !== true);
  const fits = kept === undefined ? stacks : stacksOf(fitting, maxMg);
  const heaviest = Math.max(...fits.map(({ massMg }) => massMg));
  if (heaviest < 0.9 * maxMg) {
    const percent = Math.round((100 * heaviest) / maxMg);
    notes.push(
      `The loads reach ${percent} % of Max; beyond that the scale is not measured. Bring more weights, or go on with substitution loads.`,
    );
  }
  if (kept === undefined) {
    notes.push(
      `There are no other weights for the check, without which nothing can be put in force: bring one of at least ${loadText(leastCheckPart * heaviest)}.`,
    );
  }
  const span = distinct(spanParts.map((part) => nearest(fits, part * heaviest)));
  const corners = model === 'full' ? cornerSteps(plate, fits, heaviest) : [];
  const checks = kept === undefined ? [] : checksOf(weights, kept, maxMg, heaviest);
  return {
    steps: [
      empty,
      ...span.map((stack) => step('load', stack)),
      ...corners,
      step('fit'),
      ...checks.map((stack) => step('verify', stack)),
      step('commit'),
    ],
    notes,
  };
}

function step(
  kind: PlannedStep['step'],
  stack: Stack = { massMg: 0, weights: [] },
  at: Placement = 'centre',
) {
  return { step: kind, ...stack, at, direction: 'up' } as const satisfies PlannedStep;
}

/**
 * Weights that the fit does without, so that the check is of others: those that leave it the most range, the fewest of
 * them, the lightest. Undefined where the rest would not do.
 */
function keptForCheck(weights: readonly Weight[], maxMg: number): Stack | undefined {
  const stacks = combinations(weights, maxMg);
  const bits = new Map(weights.map(({ id }, index) => [id, 1n << BigInt(index)]));
  const masks = stacks.map((stack) => stack.weights.reduce((mask, id) => mask | (bits.get(id) ?? 0n), 0n));
  let best: { readonly stack: Stack; readonly heaviest: number } | undefined;
  for (const [index, stack] of stacks.entries()) {
    if (stack.weights.length > mostKept) continue;
    const own = masks[index] ?? 0n;
    // Stacks rise, so the last one without its weights is the heaviest that is left to the fit.
    const rest = masks.findLastIndex((mask) => (mask & own) === 0n);
    const heaviest = stacks[rest]?.massMg ?? 0;
    if (heaviest === 0 || stack.massMg < leastCheckPart * heaviest) continue;
    const isBetter =
      best === undefined ||
      heaviest > best.heaviest ||
      (heaviest === best.heaviest && stack.weights.length < best.stack.weights.length);
    if (isBetter) best = { stack, heaviest };
  }
  return best?.stack;
}

/** Loads of the weights that were kept, the heaviest first: it counts. */
function checksOf(
  weights: readonly Weight[],
  kept: Stack,
  maxMg: number,
  heaviest: number,
): readonly Stack[] {
  const own = stacksOf(
    weights.filter(({ id }) => kept.weights.includes(id)),
    maxMg,
  );
  return own
    .filter(({ massMg }) => massMg >= leastCheckPart * heaviest)
    .toReversed()
    .slice(0, mostKept);
}

/**
 * A load over each cell, as heavy as the cell bears there: alone, as below a soft plate, where weights at hand are light
 * enough for that; else its share of a stiff one, as the guard of the step has it.
 */
function cornerSteps(plate: PlateEntry, stacks: readonly Stack[], heaviest: number): readonly PlannedStep[] {
  const { cells = [], deadLoadMg } = plate;
  if (cells.length < 2) return [];
  const dead = loadShares(cells, [0, 0]).map((share) => share * deadLoadMg);
  const left = cells.map(({ capacityMg }, index) => capacityMg - (dead[index] ?? 0));
  const alone = Math.min(...left);
  const shared = Math.min(
    ...cells.map(({ positionMm }, index) => {
      const share = loadShares(cells, positionMm)[index] ?? 1;
      return (left[index] ?? 0) / share;
    }),
  );
  const lightest = Math.min(...stacks.map(({ massMg }) => massMg));
  const bears = lightest <= alone ? alone : shared;
  const bearable = stacks.filter(({ massMg }) => massMg <= bears);
  if (bearable.length === 0) return [];
  const stack = nearest(bearable, Math.min(cornerPart * (plate.maxMg ?? heaviest), bears));
  return cells.map(({ id }) => step('load', stack, id));
}

/** Every combination of weights that the plate bears, the one of fewest weights for each mass, rising. */
function stacksOf(weights: readonly Weight[], maxMg: number): readonly Stack[] {
  const best = new Map<number, Stack>();
  for (const stack of combinations(weights, maxMg)) {
    const known = best.get(stack.massMg);
    if (known === undefined || known.weights.length > stack.weights.length) best.set(stack.massMg, stack);
  }
  return [...best.values()];
}

/** Every combination of weights that the plate bears, rising. */
function combinations(weights: readonly Weight[], maxMg: number): readonly Stack[] {
  const usable = weights
    .filter(({ massMg }) => massMg > 0 && massMg <= maxMg)
    .toSorted((a, b) => b.massMg - a.massMg)
    .slice(0, mostWeights);
  const stacks: Stack[] = [];
  for (let choice = 1; choice < 1 << usable.length; choice++) {
    const chosen = usable.filter((_weight, index) => (choice >> index) & 1);
    const massMg = chosen.reduce((sum, weight) => sum + weight.massMg, 0);
    if (massMg <= maxMg) stacks.push({ massMg, weights: chosen.map(({ id }) => id) });
  }
  return stacks.sort((a, b) => a.massMg - b.massMg);
}

/** The stack whose mass is nearest; the lighter of two. `stacks` rise and are not empty. */
function nearest(stacks: readonly Stack[], massMg: number): Stack {
  const away = (stack: Stack) => Math.abs(stack.massMg - massMg);
  return stacks.reduce((best, stack) => (away(stack) < away(best) ? stack : best));
}

function distinct(stacks: readonly Stack[]): readonly Stack[] {
  return stacks.filter((stack, index) => stacks.findIndex(({ massMg }) => massMg === stack.massMg) === index);
}
