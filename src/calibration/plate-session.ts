import { CalibrationError } from './errors.ts';
import type { TemperaturePoint } from './fit/temperature.ts';
import { cellsOf, type KnownLoad } from './forces.ts';
import type { LoadFigures, Notice, PlateCandidate, PlateState, StepArgs, Verification } from './session.ts';
import type { TestObservation } from './tests/types.ts';
import type { Capture, Placement } from './types.ts';

/** Steps that leave something behind on a plate. */
type TakenKind = 'zero' | 'load' | 'substitute' | 'temperature' | 'fit' | 'verify' | 'test';

/** When something was, and for how long the cells had been on then. */
export interface Moment {
  /** Monotonic, µs. */
  readonly atUs: number;
  /** Since when the cells had had power, on the same clock; absent where that isn't known. */
  readonly poweredSinceUs?: number;
}

/** A step as it was taken: with it and those before, everything can be worked out again. Plain JSON. */
export interface Taken extends Moment {
  readonly kind: TakenKind;
  readonly args: StepArgs;
  readonly capture?: Capture;
  /** How many times the session had lost its power before; none where left out. */
  readonly run?: number;
}

/** What lies on a plate beside weights: a load that was made as heavy as weights were. */
export interface Substitution {
  readonly massMg: number;
  /** How wrong the weights may be that it was made by, mg. */
  readonly errorMg: number;
  /** Their ids. */
  readonly weights: readonly string[];
}

/** The known load that lies on the plate, as far as the session knows. */
export interface LyingLoad extends Substitution {
  readonly at: Placement;
  readonly capture: Capture;
}

/** Where a plate stands after its steps. */
export interface PlateProgress {
  readonly state: PlateState;
  readonly zero?: Capture;
  readonly loads: readonly (KnownLoad & { readonly figures: LoadFigures })[];
  readonly temperatures: readonly TemperaturePoint[];
  /** Empty plate at another temperature, for loads there. */
  readonly warmZero?: Capture;
  readonly substituted?: Substitution;
  readonly lying?: LyingLoad;
  readonly candidate?: PlateCandidate;
  readonly verifications: readonly Verification[];
  readonly observations: readonly TestObservation[];
  readonly notices: readonly Notice[];
}

export const untouched: PlateProgress = {
  state: 'armed',
  loads: [],
  temperatures: [],
  verifications: [],
  observations: [],
  notices: [],
};

/** A session that takes more than this is a script gone wrong. */
const mostSteps = 500;

/** One plate of a session: its steps, and what they come to. Works by `advance`, which knows the rules. */
export class PlateSession {
  readonly #advance: (progress: PlateProgress, taken: Taken) => PlateProgress;
  #journal: Taken[] = [];
  /** Progress after each step; the last is the present. */
  #trail: PlateProgress[] = [untouched];
  #undone = 0;
  /** So many of the first steps were taken before the converter was last without power. */
  #beforeLoss = 0;

  constructor(advance: (progress: PlateProgress, taken: Taken) => PlateProgress) {
    this.#advance = advance;
  }

  get progress(): PlateProgress {
    return this.#trail.at(-1) ?? untouched;
  }

  get journal(): readonly Taken[] {
    return this.#journal;
  }

  get undone(): number {
    return this.#undone;
  }

  get beforeLoss(): number {
    return this.#beforeLoss;
  }

  /** The newest zero; undefined before the first. */
  get zeroStep(): Taken | undefined {
    return this.#journal.findLast(({ kind }) => kind === 'zero');
  }

  /** The converter was without power since zero was taken: also where a newer zero was undone. */
  get zeroDoubtful(): boolean {
    const newest = this.#journal.findLastIndex(({ kind }) => kind === 'zero');
    return newest >= 0 && newest < this.#beforeLoss;
  }

  /** Takes a step, or throws what speaks against it and stays as it is. */
  take(taken: Taken): PlateProgress {
    if (this.#journal.length >= mostSteps) {
      throw new CalibrationError('CW-CAL-047', `${mostSteps} steps were taken; commit or abort the session`);
    }
    const next = this.#advance(this.progress, taken);
    this.#journal.push(taken);
    this.#trail.push(next);
    return next;
  }

  /** Takes the last step back. False where there is none. */
  undo(): boolean {
    if (this.#journal.pop() === undefined) return false;
    this.#trail.pop();
    this.#beforeLoss = Math.min(this.#beforeLoss, this.#journal.length);
    this.#undone++;
    return true;
  }

  /** Takes steps of a saved session again. `beforeLoss`: so many of them before the converter was without power. */
  replay(journal: readonly Taken[], undone: number, beforeLoss: number): void {
    for (const taken of journal) this.take(taken);
    this.#undone = undone;
    this.#beforeLoss = Math.min(beforeLoss, journal.length);
  }
}

/** Whether the cells had not warmed up for `warmUpUs`; not where nobody knows since when they were on. */
export function isCold({ atUs, poweredSinceUs }: Moment, warmUpUs: number): boolean {
  return poweredSinceUs !== undefined && atUs < poweredSinceUs + warmUpUs;
}

/** State of a plate after a load: `corners` as soon as one lies over a cell. */
export function stateAfterLoads(
  plate: Parameters<typeof cellsOf>[0],
  loads: readonly { readonly at: Placement }[],
): PlateState {
  const several = cellsOf(plate).length > 1;
  return several && loads.some(({ at }) => at !== 'centre') ? 'corners' : 'points';
}
