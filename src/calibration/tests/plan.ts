import type { PlateEntry } from '#config/board.ts';
import { CalibrationError } from '../errors.ts';
import { loadText } from '../mass-text.ts';
import type { Placement, Weight } from '../types.ts';
import { discriminationDivisions } from './loads.ts';
import { warmUpMinutes } from './times.ts';
import {
  classRemarks,
  eccentricityLoadMg,
  eccentricPlacements,
  minimumCapacityMg,
  toleranceChangesMg,
} from './tolerances.ts';
import { type TestedPlate, type TestName, type TestRules, type Tilt, testNames, tilts } from './types.ts';
import { type Load, Loads } from './weight-sums.ts';

/** One thing to do: put what where, wait, and take a reading (`reading`), or exchange weights for other load. */
export interface PlannedStep {
  /**
   * `reading`: take one. `substitute`: take the weights off and lay on, in their place, anything of the same indication.
   * `restore`: the other way round.
   */
  readonly kind: 'reading' | 'substitute' | 'restore';
  readonly test: TestName;
  /** What is on the plate in all, mg. */
  readonly massMg: number;
  /** Of it, what stands in for weights, mg. */
  readonly substitutedMg: number;
  /** Ids of the weights on the plate. */
  readonly weights: readonly string[];
  readonly at: Placement;
  readonly direction: 'up' | 'down';
  readonly tilt?: Tilt;
  /** So many minutes after the first reading under this load (creep), or after switching on (warm-up). */
  readonly afterMinutes?: number;
  /** For a technician, in one sentence. */
  readonly text: string;
}

interface TestPlan {
  readonly steps: readonly PlannedStep[];
  /** What can't be tested with these weights, and why; what a report should say. */
  readonly notes: readonly string[];
}

interface PlanOptions extends TestRules {
  readonly weights: readonly Weight[];
  /** All but warm-up and tilt where left out: those need a cold scale and wedges. */
  readonly tests?: readonly TestName[];
}

/** What the rules need of a plate of the board; a plate without Max and e can't be tested. */
export function testedPlate(plate: PlateEntry): TestedPlate {
  const { maxMg = 0, intervalMg = 0, divisionMg = intervalMg, cells } = plate;
  if (maxMg <= 0 || intervalMg <= 0) {
    throw new CalibrationError(
      'CW-CAL-007',
      `plate ${plate.id} has no Max or e in the board profile; add them`,
    );
  }
  return {
    ...{ maxMg, intervalMg, divisionMg },
    ...(cells === undefined ? {} : { cells: cells.map(({ id }) => id) }),
  };
}

/** Parts of Max that a test of linearity has a load near, beside Min and where the tolerance changes. */
const linearityParts = [0.1, 0.25, 0.5, 0.75, 1];
const creepMinutes = [0, 1, 2, 5, 10, 15, 20, 25, 30];
const usualTests: readonly TestName[] = testNames.filter((test) => test !== 'warm-up' && test !== 'tilt');

/**
 * Which loads to put where, for each test, with the weights at hand. No load is above Max (but for the small weights of
 * the discrimination test), and no weight is asked for twice at a time.
 */
export function planTests(options: PlanOptions): TestPlan {
  const plan = new Planner(options);
  const wanted = options.tests ?? usualTests;
  for (const test of testNames) if (wanted.includes(test)) plan.add(test, wanted);
  return { steps: plan.steps, notes: plan.notes };
}

type Details = Partial<Pick<PlannedStep, 'kind' | 'at' | 'direction' | 'tilt' | 'afterMinutes'>>;

class Planner {
  readonly steps: PlannedStep[] = [];
  readonly notes: string[];
  readonly #options: PlanOptions;
  readonly #loads: Loads;

  constructor(options: PlanOptions) {
    this.#options = options;
    const { maxMg } = options.plate;
    this.#loads = new Loads(options.weights, maxMg);
    this.notes = classRemarks(options.plate);
    // Only a test of the whole range needs loads up to Max.
    if (!(options.tests ?? usualTests).includes('linearity')) return;
    const { fullMg, substitutions } = this.#loads;
    if (substitutions > 0) {
      this.notes.push(
        `The weights reach ${loadText(fullMg)} of Max ${loadText(maxMg)}: above, other load stands in for them, ${substitutions === 1 ? 'once' : `${substitutions} times`}. R 76-1 allows that above 1 t; below it is a check.`,
      );
    } else if (fullMg < 0.9 * maxMg) {
      this.notes.push(
        `The weights reach ${loadText(fullMg)} of Max ${loadText(maxMg)}, less than a third: what is above stays untested.`,
      );
    }
  }

  add(test: TestName, wanted: readonly TestName[]): void {
    if (this.#loads.fullMg <= 0) {
      this.notes.push(`${test}: there are no weights.`);
      return;
    }
    const withCreep = wanted.includes('creep');
    const planned: Readonly<Record<TestName, () => void>> = {
      linearity: () => this.#linearity(),
      eccentricity: () => this.#eccentricity(),
      repeatability: () => this.#repeatability(),
      discrimination: () => this.#discrimination(),
      creep: () => this.#creep(wanted.includes('zero-return')),
      // Half an hour under load is enough for both.
      'zero-return': () => (withCreep ? undefined : this.#zeroReturn()),
      'warm-up': () => this.#warmUp(),
      tilt: () => this.#tilt(),
    };
    planned[test]();
  }

  #linearity(): void {
    const { plate, regime } = this.#options;
    const targets = [
      minimumCapacityMg(plate),
      ...toleranceChangesMg(plate, regime),
      ...linearityParts.map((part) => part * plate.maxMg),
    ].filter((massMg) => massMg <= plate.maxMg);
    const loads = new Map<number, Load>();
    for (const target of targets) {
      const load = this.#loads.near(target);
      if (load !== undefined) loads.set(load.massMg, load);
    }
    for (let level = 0; level < this.#loads.substitutions; level++) {
      const load = this.#loads.full(level * this.#loads.fullMg);
      if (load !== undefined) loads.set(load.massMg, load);
    }
    if (loads.size < 5) this.notes.push(`linearity: the weights make ${loads.size} loads; five are needed.`);
    const rising = [...loads.values()].sort((a, b) => a.massMg - b.massMg);
    this.#step('linearity', undefined);
    let level = 0;
    for (const load of rising) {
      for (; level < load.substitutedMg; level += this.#loads.fullMg) this.#exchange('substitute', level);
      this.#step('linearity', load);
    }
    for (const load of rising.toReversed()) {
      while (level > load.substitutedMg) {
        level -= this.#loads.fullMg;
        this.#exchange('restore', level);
      }
      this.#step('linearity', load, { direction: 'down' });
    }
    this.#step('linearity', undefined, { direction: 'down' });
  }

  /** At the full load of weights on what stands in for `levelMg`. */
  #exchange(kind: 'substitute' | 'restore', levelMg: number): void {
    const load = this.#loads.full(levelMg);
    if (load !== undefined) {
      this.#step('linearity', load, { kind, direction: kind === 'substitute' ? 'up' : 'down' });
    }
  }

  #eccentricity(): void {
    const { plate } = this.#options;
    const wanted = eccentricityLoadMg(plate);
    const load = this.#loads.ofWeights(wanted, 0.9 * wanted, Math.min(plate.maxMg, 1.5 * wanted));
    if (load === undefined) {
      this.notes.push(`eccentricity: needs about ${loadText(wanted)}, which the weights don't make.`);
      return;
    }
    this.#step('eccentricity', undefined);
    for (const at of eccentricPlacements(plate)) this.#step('eccentricity', load, { at });
  }

  #repeatability(): void {
    const { maxMg } = this.#options.plate;
    const load = this.#loads.ofWeights(0.8 * maxMg, 0.5 * maxMg, maxMg);
    if (load === undefined) {
      this.notes.push(`repeatability: needs at least ${loadText(0.5 * maxMg)} of weights.`);
      return;
    }
    for (let series = 0; series < 3; series++) {
      this.#step('repeatability', undefined, { direction: series === 0 ? 'up' : 'down' });
      this.#step('repeatability', load);
    }
  }

  #discrimination(): void {
    const { plate, regime, weights } = this.#options;
    const extraMg = discriminationDivisions * plate.divisionMg;
    const small = weights.filter(({ massMg }) => massMg <= 1.05 * extraMg);
    const extra = new Loads(small, 2 * extraMg).ofWeights(extraMg, 0.96 * extraMg, 1.04 * extraMg);
    if (extra === undefined) {
      this.notes.push(`discrimination: needs small weights of ${loadText(extraMg)} (1.4 d) in all.`);
      return;
    }
    const rest = new Loads(
      weights.filter((weight) => !extra.weights.includes(weight)),
      plate.maxMg,
    );
    const initial = regime === 'r76-initial' || regime === 'hb44-acceptance';
    const targets = initial
      ? [minimumCapacityMg(plate), 0.5 * plate.maxMg, plate.maxMg]
      : [0.5 * plate.maxMg];
    for (const target of targets) {
      const load = rest.ofWeights(target, 0, plate.maxMg);
      if (load === undefined) continue;
      this.#step('discrimination', load);
      this.#step('discrimination', {
        massMg: load.massMg + extra.massMg,
        weights: [...load.weights, ...extra.weights],
        substitutedMg: 0,
      });
    }
  }

  #creep(zeroes: boolean): void {
    const load = this.#heaviest('creep');
    if (load === undefined) return;
    if (zeroes) this.#step('zero-return', undefined);
    for (const afterMinutes of creepMinutes) this.#step('creep', load, { afterMinutes });
    if (zeroes) this.#step('zero-return', undefined, { direction: 'down' });
  }

  #zeroReturn(): void {
    const load = this.#heaviest('zero-return');
    if (load === undefined) return;
    this.#step('zero-return', undefined);
    for (const afterMinutes of [0, 30]) this.#step('zero-return', load, { afterMinutes });
    this.#step('zero-return', undefined, { direction: 'down' });
  }

  #warmUp(): void {
    const load = this.#heaviest('warm-up');
    if (load === undefined) return;
    for (const afterMinutes of warmUpMinutes) {
      this.#step('warm-up', undefined, { afterMinutes });
      this.#step('warm-up', load, { afterMinutes });
    }
  }

  #tilt(): void {
    const load = this.#heaviest('tilt');
    if (load === undefined) return;
    for (const tilt of tilts) {
      this.#step('tilt', undefined, { tilt });
      this.#step('tilt', load, { tilt });
    }
  }

  /** The heaviest load of weights alone: one that stays, or goes on and off, is not to be made of substitutes. */
  #heaviest(test: TestName): Load | undefined {
    const { maxMg } = this.#options.plate;
    const load = this.#loads.ofWeights(maxMg, 0, maxMg);
    if (load !== undefined && load.massMg < 0.8 * maxMg && test !== 'tilt') {
      this.notes.push(
        `${test}: wants a load close to Max ${loadText(maxMg)}; the weights make ${loadText(load.massMg)}. Any load that stays the same will do: lay on other things instead and give their mass as about Max.`,
      );
    }
    return load;
  }

  /** Without a load: the empty plate. */
  #step(test: TestName, load: Load | undefined, details: Details = {}): void {
    const step = {
      kind: details.kind ?? 'reading',
      test,
      massMg: load?.massMg ?? 0,
      substitutedMg: load?.substitutedMg ?? 0,
      weights: (load?.weights ?? []).map(({ id }) => id),
      at: details.at ?? 'centre',
      direction: details.direction ?? 'up',
      ...(details.tilt === undefined ? {} : { tilt: details.tilt }),
      ...(details.afterMinutes === undefined ? {} : { afterMinutes: details.afterMinutes }),
    } as const;
    this.steps.push({ ...step, text: instruction(step, load?.weights ?? []) });
  }
}

function instruction(step: Omit<PlannedStep, 'text'>, weights: readonly Weight[]): string {
  const set = weights.map(({ id, massMg }) => nameOf(id, massMg)).join(' + ');
  if (step.kind === 'substitute') {
    return `Note what the scale shows, take the weights off (${set}) and lay on other things until it shows the same; leave those on.`;
  }
  if (step.kind === 'restore') {
    return `Take off what stands in for the weights last, and put the weights (${set}) in its place.`;
  }
  const tilted = step.tilt === undefined ? '' : tiltText(step.tilt);
  const when =
    step.afterMinutes === undefined || step.afterMinutes === 0 ? '' : ` At ${step.afterMinutes} minutes:`;
  if (step.massMg === 0) return `${when} ${tilted}Clear the plate and take a reading.`.trim();
  if (step.test === 'creep' && step.afterMinutes !== 0) {
    return `${when} leave the load alone and take a reading.`.trim();
  }
  const where = step.at === 'centre' ? 'in the middle' : `over ${step.at}`;
  const stands = step.substitutedMg > 0 ? ` beside what stands in for ${loadText(step.substitutedMg)}` : '';
  return `${when} ${tilted}${loadText(step.massMg)} ${where}: ${set}${stands}.`.trim();
}

/** `5kg-1 (5 kg)`, or just the mass where the name says it already. */
function nameOf(id: string, massMg: number): string {
  const mass = loadText(massMg);
  return id.replaceAll(' ', '') === mass.replaceAll(' ', '') ? mass : `${id} (${mass})`;
}

function tiltText(tilt: Tilt): string {
  return tilt === 'level' ? 'Level: ' : `Tilted ${tilt} by 50/1000 (50 mm a metre): `;
}
