import { CalibrationError } from './errors.ts';
import type { TemperaturePoint } from './fit/temperature.ts';
import { cellsOf, type KnownLoad } from './forces.ts';
import type { LoadFigures, Notice, PlateCandidate, PlateState, StepArgs, Verification } from './session.ts';
import type { TestObservation } from './tests/types.ts';
import type { Capture, Placement } from './types.ts';

/** Steps that leave something behind on a plate. */
type TakenKind = 'zero' | 'load' | 'substitute' | 'temperature' | 'fit' | 'verify' | 'test';

/** A step as it was taken: with it and those before, everything can be worked out again. Plain JSON. */
export interface Taken {
  readonly kind: TakenKind;
  readonly args: StepArgs;
  readonly capture?: Capture;
  readonly atUs: number;
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
  /** The converter was without power since zero was taken. */
  zeroDoubtful = false;

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

  /** Takes a step, or throws what speaks against it and stays as it is. */
  take(taken: Taken): PlateProgress {
    if (this.#journal.length >= mostSteps) {
      throw new CalibrationError('CW-CAL-047', `${mostSteps} steps were taken; commit or abort the session`);
    }
    const next = this.#advance(this.progress, taken);
    this.#journal.push(taken);
    this.#trail.push(next);
    if (taken.kind === 'zero') this.zeroDoubtful = false;
    return next;
  }

  /** Takes the last step back. False where there is none. */
  undo(): boolean {
    if (this.#journal.pop() === undefined) return false;
    this.#trail.pop();
    this.#undone++;
    return true;
  }

  /** Takes steps of a saved session again. `doubtful`: the converter was without power since. */
  replay(journal: readonly Taken[], undone: number, doubtful: boolean): void {
    for (const taken of journal) this.take(taken);
    this.#undone = undone;
    this.zeroDoubtful = doubtful && this.progress.zero !== undefined;
  }
}

/** State of a plate after a load: `corners` as soon as one lies over a cell. */
export function stateAfterLoads(
  plate: Parameters<typeof cellsOf>[0],
  loads: readonly { readonly at: Placement }[],
): PlateState {
  const several = cellsOf(plate).length > 1;
  return several && loads.some(({ at }) => at !== 'centre') ? 'corners' : 'points';
}
