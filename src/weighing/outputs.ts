import type { DeviceFaultKind } from '#readings/faults.ts';

/** The change between two plateaus of one plate. `massMg` may be about 0: something happened and left no net mass. */
export interface Movement {
  readonly kind: 'movement';
  readonly plate: string;
  /** Signed change, mg, unrounded by the scale interval (rounded deltas lose small additions). */
  readonly massMg: number;
  /** Standard uncertainty of `massMg`: noise of both plateaus, creep and motion. */
  readonly sigmaMg: number;
  /** Plate mass before and after, net of tare. */
  readonly beforeMg: number;
  readonly afterMg: number;
  /**
   * How far the plate went below both plateaus for at least 100 ms, mg: so much had left before something came. Left out where
   * that isn't known: the cart moved, nobody watched, a scale of its own.
   */
  readonly dipMg?: number;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  /** The cart moved during it. */
  readonly moving: boolean;
  /** The first plateau after a start differs from the stored baseline: it happened while nobody was looking. */
  readonly whileAway: boolean;
  /** Certificate of the complete scale that indicated the plate before and after. */
  readonly certificateId?: string;
  /** That scale showed zero before: `massMg` is its own indication, no difference of two. */
  readonly indicated?: true;
}

/** The plate left its plateau (`open`) or came to rest again (`open: false`); fusion waits while a plate is open. */
export interface Activity {
  readonly kind: 'activity';
  readonly plate: string;
  readonly open: boolean;
  readonly atUs: number;
}

/** A cell or plate can't be trusted, or (`cleared`) can be again. */
export interface WeighingFault {
  readonly kind: 'fault';
  readonly source: string;
  readonly channel?: string;
  readonly fault: DeviceFaultKind;
  readonly code: string;
  readonly message: string;
  readonly cleared: boolean;
  readonly atUs: number;
}

export type WeighingOutput = Movement | Activity | WeighingFault;

/** What is known of a plate right now, for the live view and for commands. */
export interface PlateStatus {
  readonly plate: string;
  readonly atUs: number;
  /** Undefined while the plate can't be weighed (no calibration, a cell missing). */
  readonly grossMg: number | undefined;
  readonly tareMg: number;
  readonly stable: boolean;
  readonly moving: boolean;
  /** Since the start the empty plate was seen to read zero; until then the stored zero is taken on trust. */
  readonly zeroVerified: boolean;
}
