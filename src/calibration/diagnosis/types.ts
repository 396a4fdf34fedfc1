import type { CalibrationCode } from '../errors.ts';

/** What a run has to know of a cell. Counts are the converter's, signed; masses are mg. */
export interface DiagnosedCell {
  readonly cell: string;
  readonly plate: string;
  readonly capacityMg: number;
  /** d of its plate, mg. */
  readonly divisionMg: number;
  /** As calibrated, signed; undefined while it isn't. */
  readonly milligramsPerCount?: number | undefined;
  readonly zeroCounts?: number | undefined;
  /** Rate the converter is set to, samples a second. */
  readonly samplesPerSecond?: number | undefined;
}

export interface Finding {
  readonly code: CalibrationCode;
  /** `fault`: it can't weigh like this. `doubt`: it weighs, but something is not as it should be. */
  readonly weight: 'fault' | 'doubt';
  /** What was found, with figures. */
  readonly message: string;
  readonly advice: string;
}

/** Mains hum as the converter sees it: a tone at the alias of the mains frequency. */
export interface Hum {
  readonly mainsHz: 50 | 60;
  readonly aliasHz: number;
  /** Where the alias falls on 0 Hz nothing can be seen (and the converter's filter takes it out by itself). */
  readonly visible: boolean;
  readonly amplitudeCounts: number;
  /** Power of the tone over that of the noise at one frequency; noise alone seldom passes 10. */
  readonly strength: number;
}

export interface CellDiagnosis {
  readonly cell: string;
  readonly plate: string;
  readonly samples: number;
  readonly lost: number;
  readonly ratePerS: number;
  readonly meanCounts: number;
  /** Standard deviation about a straight line. */
  readonly noiseCounts: number;
  readonly noiseMg?: number;
  /** Largest less smallest. */
  readonly spanCounts: number;
  readonly uniqueValues: number;
  readonly saturated: number;
  /** Single samples far off the others. */
  readonly jumps: number;
  readonly driftCountsPerS: number;
  readonly driftMgPerS?: number;
  /** What it carries by the calibration. */
  readonly loadMg?: number;
  readonly hum: readonly Hum[];
  readonly findings: readonly Finding[];
}

/** Two cells whose noise goes together: −1 … 1. */
export interface Coupling {
  readonly cells: readonly [string, string];
  readonly correlation: number;
}

export interface Diagnosis {
  /** How long it lasted, s. */
  readonly seconds: number;
  readonly verdict: 'good' | 'doubt' | 'fault';
  readonly cells: readonly CellDiagnosis[];
  /** Every pair that was compared, strongest first. */
  readonly couplings: readonly Coupling[];
}
