import type { Placement } from '../types.ts';

/** Tests of a verification, in the order in which a technician does them. */
export const testNames = [
  'linearity',
  'eccentricity',
  'repeatability',
  'discrimination',
  'creep',
  'zero-return',
  'warm-up',
  'tilt',
] as const;
export type TestName = (typeof testNames)[number];

/** Where a technician has tilted the scale to, by 50/1000. */
export const tilts = ['level', 'forward', 'backward', 'left', 'right'] as const;
export type Tilt = (typeof tilts)[number];

/** One reading of a test. */
export interface TestObservation {
  readonly test: TestName;
  /** What lies on the plate, mg, without the small weights of `extraMg`. */
  readonly massMg: number;
  readonly at: Placement;
  readonly direction: 'up' | 'down';
  /** Mean under the calibration that is tried, unrounded, mg; taken before any small weights were added. */
  readonly indicatedMg: number;
  /** ΔL: small weights that were added until what is shown went up by one interval, mg. */
  readonly extraMg?: number;
  /** Monotonic, µs. */
  readonly atUs: number;
  /** Since when the cells had had power, on the same clock; absent where that isn't known. */
  readonly poweredSinceUs?: number;
  /** After how many losses of power it was read; none where left out. */
  readonly run?: number;
  readonly milliCelsius?: number;
  /** Ids of the weights that made up the load. */
  readonly weights: readonly string[];
  /** Mass of the load that stands in for weights, mg (R 76-1, 3.7.3). */
  readonly substitutedMg?: number;
  /** Level where left out. */
  readonly tilt?: Tilt;
}

/** Which tolerances count: OIML R 76-1 class III, or NIST Handbook 44 class III; new or adjusted, or in service. */
export const regimes = ['r76-initial', 'r76-in-service', 'hb44-acceptance', 'hb44-maintenance'] as const;
export type Regime = (typeof regimes)[number];

/** What of a plate the rules need. */
export interface TestedPlate {
  /** Max, mg. */
  readonly maxMg: number;
  /** e, mg. */
  readonly intervalMg: number;
  /** d, mg. */
  readonly divisionMg: number;
  /** Ids of the cells that carry it; without them eccentricity needs the four quarters. */
  readonly cells?: readonly string[];
}

export interface TestRules {
  readonly plate: TestedPlate;
  readonly regime: Regime;
}

/** An observation with what is wrong of it, and how wrong it may be. */
export interface JudgedObservation {
  readonly observation: TestObservation;
  /** What the error is of, where it is not that of the reading: `spread`, `15 to 30 min`. */
  readonly about?: string;
  /** Signed error, or the signed difference that the test is about, mg. */
  readonly errorMg: number;
  /** Largest error that passes, mg. */
  readonly limitMg: number;
  /** What is left to the limit, mg; negative where it is exceeded. */
  readonly marginMg: number;
  readonly passed: boolean;
}

export type Verdict = 'passed' | 'failed' | 'incomplete';

/** Figures that go with a verdict, mg unless the name says otherwise. */
export interface TestFigures {
  /** Largest difference between unloading and loading at one load (down − up). */
  readonly hysteresisMg?: number;
  /** The load at which that is. */
  readonly hysteresisAtMg?: number;
  readonly hysteresisPpmOfMax?: number;
  /** Largest difference within 30 min from the first reading under load. */
  readonly creepMg?: number;
  readonly creepPpmOfLoad?: number;
  /** Reading at 30 min less reading at 15 min. */
  readonly lateCreepMg?: number;
  readonly spreadMg?: number;
  readonly zeroReturnMg?: number;
  /** Largest error, with its sign. */
  readonly worstErrorMg?: number;
}

export interface TestVerdict {
  readonly test: TestName;
  readonly verdict: Verdict;
  readonly observations: readonly JudgedObservation[];
  readonly figures: TestFigures;
  /** What has to be done for the test to be whole. */
  readonly missing: readonly string[];
  /** What a reader should know beside the verdict. */
  readonly notes: readonly string[];
}
