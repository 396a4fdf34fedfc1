import type { Calibration, PlateEntry } from '#config/board.ts';
import type { CalibrationCode } from './errors.ts';
import type { GuardSettings } from './settings.ts';
import type { Regime, TestName, TestObservation, Tilt } from './tests/types.ts';
import type { Capture, Environment, Placement, Weight } from './types.ts';

export type SessionState = 'armed' | 'committed' | 'aborted' | 'expired';
/** How far a plate has come: what was done last. A verification goes from `zero` to `verify`. */
export const plateStates = ['armed', 'zero', 'points', 'corners', 'preview', 'verify'] as const;
export type PlateState = (typeof plateStates)[number];
export type Purpose = 'calibrate' | 'verify';

export const stepKinds = [
  'zero',
  'load',
  'substitute',
  'temperature',
  'undo',
  'fit',
  'verify',
  'test',
  'commit',
  'abort',
] as const;
export type StepKind = (typeof stepKinds)[number];

/** Steps that a capture belongs to: whoever carries them out waits for rest and hands it in. */
export const capturedKinds = ['zero', 'load', 'substitute', 'temperature', 'verify', 'test'] as const;
export type CapturedKind = (typeof capturedKinds)[number];

export const fitModels = ['linear', 'piecewise', 'quadratic'] as const;
export type FitModel = (typeof fitModels)[number];

/** Arguments of the steps; each takes those that concern it. */
export interface StepArgs {
  /** Plate; may be left out of `commit` and `abort`, and where the session has one plate only. */
  readonly plate?: string;
  /** Mass of the weights, mg: without what was substituted. May be left out where `weights` names them. */
  readonly massMg?: number;
  /** `centre` where left out. */
  readonly at?: Placement;
  readonly direction?: 'up' | 'down';
  /** Ids of weights of the session. */
  readonly weights?: readonly string[];
  /** Why a zero far from the former one, or a span far from the former one, is right after all. */
  readonly force?: string;
  /** Where left out: the simplest that fits well. */
  readonly model?: FitModel;
  /** Whether the cells' gains are fitted; where left out, they are when loads lay over the cells. */
  readonly trim?: boolean;
  readonly test?: TestName;
  readonly extraMg?: number;
  readonly tilt?: Tilt;
  /** Hash of the candidate that is committed. */
  readonly candidate?: string;
  /** Revision that is expected to be in force. */
  readonly expected?: number;
  /** Revision that is in force now, as the store knows it. */
  readonly inForce?: number;
}

export interface Step extends StepArgs {
  readonly kind: StepKind;
  readonly capture?: Capture;
}

/** Something to know that does not keep a step from being taken. */
export interface Notice {
  readonly code: CalibrationCode;
  readonly message: string;
}

/** How far a load is from what the calibration says of it. */
export interface Residual {
  readonly massMg: number;
  readonly at: Placement;
  readonly direction: 'up' | 'down';
  readonly indicatedMg: number;
  readonly errorMg: number;
  /** Maximum permissible error of that load, mg. */
  readonly mpeMg: number;
  /** Ids of the weights that lay there, with those that a substitution load was made by. */
  readonly weights?: readonly string[];
}

/** One load of a verification, judged. */
export interface Verification extends Residual {
  readonly weights: readonly string[];
  readonly passed: boolean;
  /** None of its weights was fitted with. */
  readonly independent: boolean;
}

export type PlateCalibrationEntry = Calibration['plates'][string];

export interface PlateCandidate {
  readonly entry: PlateCalibrationEntry;
  /** `zero`: the empty plate alone was taken; slopes are those of before. */
  readonly model: FitModel | 'zero';
  readonly trimmed: boolean;
  /** Of the loads' places, see fit/trim.ts; of one cell both are 1. */
  readonly rank: number;
  readonly condition: number;
  /** Rounds of trim and linearity until neither changed. */
  readonly iterations: number;
  readonly residuals: readonly Residual[];
  /** Change of each cell's slope against before, ppm; against nominal where there was no calibration. */
  readonly gainPpm: Readonly<Record<string, number>>;
  readonly warnings: readonly Notice[];
}

export interface Candidate {
  /** SHA-256 of the entries and the gravity that they are stated for, lower-case hexadecimal: what a commit names. */
  readonly hash: string;
  readonly plates: Readonly<Record<string, PlateCandidate>>;
}

/** What a step brought. */
export interface StepResult {
  readonly kind: StepKind;
  readonly plate?: string;
  readonly state: PlateState | SessionState;
  readonly notices: readonly Notice[];
  /** Of a load: its known mass with what was substituted, and what the cells make of it. */
  readonly load?: LoadFigures;
  /** Of `substitute`: known mass that lies on the plate now, mg. */
  readonly substitutedMg?: number;
  /** Of `fit`: what this plate's fit came to, also while others of the session are not fitted yet. */
  readonly fitted?: PlateCandidate;
  readonly candidate?: Candidate;
  readonly verification?: Verification;
  readonly observation?: TestObservation;
  /** Of `commit`: entries that take the place of those before. */
  readonly plates?: Readonly<Record<string, PlateCalibrationEntry>>;
  /** Of `commit`: acceleration of gravity that the whole calibration is stated for from now on, µm/s². */
  readonly gravityUmS2?: number;
}

/** What the cells say of a load before anything is fitted: by the former calibration, else by nominal slopes. */
export interface LoadFigures {
  readonly massMg: number;
  readonly apparentMg: number;
  /** Load of each cell, mg. */
  readonly cells: Readonly<Record<string, number>>;
  /** Where the centre of force lies, mm right of and forward of the plate's centre; of a single cell nothing. */
  readonly centreMm?: readonly [number, number];
}

export interface BeginOptions {
  readonly session: string;
  readonly purpose: Purpose;
  readonly plates: readonly PlateEntry[];
  /** In force: what a verification tries, and what guards compare with. */
  readonly current: Calibration | undefined;
  readonly by: { readonly key?: string; readonly role?: string; readonly who?: string | number };
  readonly weights: readonly Weight[];
  readonly environment?: Environment;
  /** Monotonic, µs, as all times of a session. */
  readonly atUs: number;
  readonly leaseUs: number;
  /** Acceleration of gravity here, µm/s² (gravity.ts); where it isn't known nothing is said of it. */
  readonly gravityUmS2?: number;
  /** Since when the cells have had power; where it isn't known nothing is said of cold cells. */
  readonly poweredSinceUs?: number;
  readonly regime?: Regime;
  readonly settings?: Partial<GuardSettings>;
}

/** A load that was taken, with what its readings were. */
export interface LoadView extends LoadFigures {
  readonly at: Placement;
  readonly direction: 'up' | 'down';
  readonly weights: readonly string[];
  /** By how many counts it changed each cell. */
  readonly counts: Readonly<Record<string, number>>;
  readonly milliCelsius?: number;
}

/** One plate for people and pages. */
export interface PlateView {
  readonly state: PlateState;
  readonly steps: number;
  /** Steps that the plate can take now. */
  readonly allowed: readonly StepKind[];
  /** The power was lost since zero was taken: it has to be taken again. */
  readonly zeroDoubtful: boolean;
  readonly substitutedMg: number;
  /** Counts of the empty plate by cell, and the temperature then; nothing before zero was taken. */
  readonly zero?: { readonly counts: Readonly<Record<string, number>>; readonly milliCelsius?: number };
  readonly loads: readonly LoadView[];
  readonly verifications: readonly Verification[];
  readonly observations: readonly TestObservation[];
  readonly candidate?: PlateCandidate;
  readonly notices: readonly Notice[];
  /** Steps that were taken back. */
  readonly undone: number;
}

export interface SessionView {
  readonly session: string;
  readonly purpose: Purpose;
  readonly state: SessionState;
  readonly by: BeginOptions['by'];
  readonly begunUs: number;
  readonly expiresUs: number;
  /** Revision in force when it began; 0 where there was none. */
  readonly revision: number;
  readonly weights: readonly Weight[];
  readonly environment?: Environment;
  readonly plates: Readonly<Record<string, PlateView>>;
  /** Hash of what a commit would put in force. */
  readonly candidate?: string;
}
