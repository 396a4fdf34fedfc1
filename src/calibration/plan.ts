import type { PlateEntry } from '#config/board.ts';
import { loadShares } from '#config/statics.ts';
import { CalibrationError } from './errors.ts';
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
/** Verification lies between the loads of the span. */
const verifyParts = [0.35, 0.6, 0.9] as const;

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
  const heaviest = Math.max(...stacks.map(({ massMg }) => massMg));
  if (heaviest < 0.9 * maxMg) {
    const percent = Math.round((100 * heaviest) / maxMg);
    notes.push(
      `The weights reach ${percent} % of Max; beyond that the scale is not measured. Bring more, or go on with substitution loads.`,
    );
  }
  const span = distinct(spanParts.map((part) => nearest(stacks, part * heaviest)));
  const loads = span.map((stack) => step('load', stack));
  const corners = model === 'full' ? cornerSteps(plate, stacks, heaviest) : [];
  const checks = verification(stacks, span, heaviest);
  if (checks.some(({ weights: used }) => span.some((stack) => sameWeights(stack.weights, used)))) {
    notes.push(
      'There are no other weights for the check: the same ones can not show that one of them is wrong.',
    );
  }
  return {
    steps: [
      empty,
      ...loads,
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

/** A load over each cell, as heavy as the cell bears there. */
function cornerSteps(plate: PlateEntry, stacks: readonly Stack[], heaviest: number): readonly PlannedStep[] {
  const { cells = [], deadLoadMg } = plate;
  if (cells.length < 2) return [];
  const dead = loadShares(cells, [0, 0]).map((share) => share * deadLoadMg);
  const bears = Math.min(...cells.map(({ capacityMg }, index) => capacityMg - (dead[index] ?? 0)));
  const bearable = stacks.filter(({ massMg }) => massMg <= bears);
  if (bearable.length === 0) return [];
  const stack = nearest(bearable, Math.min(cornerPart * (plate.maxMg ?? heaviest), bears));
  return cells.map(({ id }) => step('load', stack, id));
}

/** Loads that the span did not have; of weights that it did not have, where there are some. */
function verification(stacks: readonly Stack[], span: readonly Stack[], heaviest: number): readonly Stack[] {
  const used = new Set(span.flatMap(({ weights }) => weights));
  const others = stacks.filter(({ weights }) => weights.every((id) => !used.has(id)));
  const combined = stacks.filter(({ weights }) => !span.some((stack) => sameWeights(stack.weights, weights)));
  const pool = others.length > 0 ? others : combined.length > 0 ? combined : span;
  return distinct(verifyParts.map((part) => nearest(pool, part * heaviest)));
}

/** Every combination of weights that the plate bears, the one of fewest weights for each mass, rising. */
function stacksOf(weights: readonly Weight[], maxMg: number): readonly Stack[] {
  const usable = [...weights]
    .filter(({ massMg }) => massMg > 0 && massMg <= maxMg)
    .sort((a, b) => b.massMg - a.massMg)
    .slice(0, mostWeights);
  const best = new Map<number, Stack>();
  for (let choice = 1; choice < 1 << usable.length; choice++) {
    const chosen = usable.filter((_weight, index) => (choice >> index) & 1);
    const massMg = chosen.reduce((sum, weight) => sum + weight.massMg, 0);
    if (massMg > maxMg) continue;
    const known = best.get(massMg);
    if (known !== undefined && known.weights.length <= chosen.length) continue;
    best.set(massMg, { massMg, weights: chosen.map(({ id }) => id) });
  }
  return [...best.values()].sort((a, b) => a.massMg - b.massMg);
}

/** The stack whose mass is nearest; the lighter of two. `stacks` rise and are not empty. */
function nearest(stacks: readonly Stack[], massMg: number): Stack {
  const away = (stack: Stack) => Math.abs(stack.massMg - massMg);
  return stacks.reduce((best, stack) => (away(stack) < away(best) ? stack : best));
}

function distinct(stacks: readonly Stack[]): readonly Stack[] {
  return stacks.filter((stack, index) => stacks.findIndex(({ massMg }) => massMg === stack.massMg) === index);
}

const sameWeights = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((id) => b.includes(id));
