import { judgeWhole } from '../tests/judge.ts';
import type { Regime, TestVerdict, Verdict } from '../tests/types.ts';
import type { Environment, Placement, Weight } from '../types.ts';

/** A load with what it was taken for: of a fit, or of a check with other weights. Masses in mg. */
export interface ReportedLoad {
  readonly massMg: number;
  readonly at: Placement;
  readonly direction: 'up' | 'down';
  readonly indicatedMg: number;
  readonly errorMg: number;
  readonly mpeMg: number;
  readonly weights?: readonly string[];
}

interface ReportedCell {
  readonly id: string;
  /** mm right of and forward of the plate's centre. */
  readonly positionMm: readonly [number, number];
  readonly capacityMg: number;
}

/** The fit that a new calibration of a plate comes from. */
export interface ReportedFit {
  /** Hash of the candidate that was committed. */
  readonly hash: string;
  readonly model: string;
  readonly rank: number;
  readonly condition: number;
  readonly residuals: readonly ReportedLoad[];
  /** Change of each cell's gain against before, millionths. */
  readonly gainPpm: Readonly<Record<string, number>>;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

export interface ReportedPlate {
  readonly id: string;
  readonly kind: string;
  readonly maxMg: number;
  readonly intervalMg: number;
  readonly divisionMg: number;
  readonly deadLoadMg?: number;
  readonly cells: readonly ReportedCell[];
  readonly fit?: ReportedFit;
  /** Loads of other weights than those of the fit, held against the tolerance before the commit. */
  readonly checks: readonly ReportedLoad[];
  readonly tests: readonly TestVerdict[];
  /** What was told of steps that stand, and the reasons of those that were taken against a check. */
  readonly notices?: readonly { readonly code: string; readonly message: string }[];
  /** How many steps were taken back; none where left out. */
  readonly undone?: number;
  /** What the plate's sensor said with the readings, m°C. */
  readonly measured?: { readonly leastMilliCelsius: number; readonly mostMilliCelsius: number };
}

/** What was done to the scales of one device, as plain JSON: kept with the revision, answered and rendered. */
export interface CalibrationReport {
  readonly report: 1;
  readonly purpose: 'calibrate' | 'verify';
  readonly store: string;
  readonly device: string;
  readonly board?: string;
  readonly session: string;
  /** UTC, ms; what it is worth says `timeQuality`. */
  readonly atMs: number;
  readonly timeQuality: 'synced' | 'holdover' | 'unset';
  readonly by?: { readonly key?: string; readonly role?: string; readonly who?: string | number };
  /** `name/version` of the gateway. */
  readonly software: string;
  readonly hardware?: {
    readonly bridge?: string | Readonly<Record<string, string>>;
    readonly gain?: number;
    readonly samplesPerSecond?: number;
  };
  readonly calibration: {
    readonly revision: number;
    readonly previous?: number;
    /** Of the revision's record; links it to the chain of all revisions. */
    readonly hash?: string;
    readonly counters?: { readonly calibration: number; readonly configuration: number };
  };
  readonly regime: Regime;
  readonly weights: readonly Weight[];
  readonly environment?: Environment;
  /** Acceleration of gravity where it was done, µm/s². */
  readonly gravityUmS2?: number;
  readonly plates: readonly ReportedPlate[];
}

/** What the tests and checks of a plate come to; incomplete where there were none. */
export function plateVerdict(plate: ReportedPlate): Verdict {
  if (plate.checks.some(({ errorMg, mpeMg }) => Math.abs(errorMg) > mpeMg)) return 'failed';
  if (plate.tests.length === 0) return plate.checks.length > 0 ? 'passed' : 'incomplete';
  return judgeWhole(plate.tests);
}

/** One word for all plates. */
export function reportVerdict(report: CalibrationReport): Verdict {
  const verdicts = report.plates.map(plateVerdict);
  if (verdicts.includes('failed')) return 'failed';
  return verdicts.length === 0 || verdicts.includes('incomplete') ? 'incomplete' : 'passed';
}
