/** Words that the rooms of a calibration share. Counts are the converter's, signed; masses are mg. */

/** What one cell gave over the window of a capture. */
export interface CellCapture {
  readonly samples: number;
  readonly meanCounts: number;
  readonly sigmaCounts: number;
  readonly minCounts: number;
  readonly maxCounts: number;
  /** Slope of a straight line through the window, counts a second. */
  readonly driftCountsPerS: number;
  /** A sample at the end of the converter's range was among them. */
  readonly saturated: boolean;
}

/** A stretch of readings of one plate, taken at rest. */
export interface Capture {
  readonly plate: string;
  /** Monotonic, µs. */
  readonly fromUs: number;
  readonly toUs: number;
  /** By cell; empty where a complete scale carries the plate. */
  readonly cells: Readonly<Record<string, CellCapture>>;
  /** What a complete scale indicated: mean and standard deviation, mg. */
  readonly indication?: { readonly meanMg: number; readonly sigmaMg: number; readonly samples: number };
  /** Temperature at the plate, where a sensor is named there, m°C. */
  readonly milliCelsius?: number;
}

/** Classes of OIML R 111-1 whose weights are used for scales of class III. */
export const weightClasses = ['E2', 'F1', 'F2', 'M1', 'M2', 'M3'] as const;
export type WeightClass = (typeof weightClasses)[number];

/** A test weight, as its certificate names it. */
export interface Weight {
  readonly id: string;
  readonly massMg: number;
  readonly class?: WeightClass;
  readonly certificate?: string;
}

/** Where a load lies: in the middle of the plate, or over the cell of that id. */
export type Placement = 'centre' | (string & {});

/** A known load on a plate, and what the cells gave under it. */
export interface LoadPoint {
  readonly massMg: number;
  readonly at: Placement;
  readonly direction: 'up' | 'down';
  /** Ids of the weights that made it up. */
  readonly weights: readonly string[];
  readonly capture: Capture;
}

/** Where a technician took the instrument to be, as far as it was told. */
export interface Environment {
  readonly milliCelsius?: number;
  readonly humidityPpm?: number;
  readonly pressurePa?: number;
  readonly note?: string;
}
