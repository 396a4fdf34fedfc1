/** What drivers deliver. `source` is the device's (or the cell's) id in the board profile; `atUs` is monotonic, as near the hardware as possible. */
interface FromSource {
  readonly source: string;
  readonly atUs: number;
}

/** One conversion of one load cell: signed ADC counts and the converter's running number (32 bits, wraps). */
export interface CellReading extends FromSource {
  readonly kind: 'cell';
  readonly counts: number;
  readonly sequence: number;
}

/** A complete scale's own indication. */
export interface ScaleReading extends FromSource {
  readonly kind: 'scale';
  readonly massMg: number;
  readonly stable: boolean;
  /** What the scale says beyond that, as in its protocol's documentation: `over`, `under-zero`, … */
  readonly status?: string;
  /** Identity of a certified scale's certificate, carried into the event that uses the mass. */
  readonly certificateId?: string;
}

/** One decoded code as it came: bytes, and the AIM identifier with its bracket (`]E0`). */
export interface ScanReading extends FromSource {
  readonly kind: 'scan';
  readonly data: Uint8Array;
  readonly symbology: string;
}

/** How a frame's bytes are put together: nothing is copied of a frame that nobody takes. */
export interface FrameAssembly {
  readonly bytes: number;
  /** Writes all of them. */
  copyTo(target: Uint8Array): void;
}

/** A picture; it never leaves the device. */
export interface FrameReading extends FromSource {
  readonly kind: 'frame';
  readonly width: number;
  readonly height: number;
  readonly format: 'yuv420' | 'rgb24' | 'grey' | 'mjpeg';
  /** Lent for the call that delivers it. Where there is an `assembly`, it is made of that when it is first read. */
  readonly data: Uint8Array;
  /** Writes `data` to where it is kept, without a copy between. Lent like `data`. */
  readonly assembly?: FrameAssembly | undefined;
  /** Of `yuv420` (BT.601): Y 16 … 235 (where left out) or 0 … 255. */
  readonly range?: 'limited' | 'full' | undefined;
}

/** Acceleration in mm/s², axes x right, y forward, z up: at rest about [0, 0, 9807]. */
export interface MotionReading extends FromSource {
  readonly kind: 'motion';
  readonly accelerationMmS2: readonly [x: number, y: number, z: number];
}

export interface PowerReading extends FromSource {
  readonly kind: 'power';
  readonly externalPower: boolean;
  readonly batteryPpm?: number;
}

export interface TemperatureReading extends FromSource {
  readonly kind: 'temperature';
  readonly milliCelsius: number;
}

export interface PositionReading extends FromSource {
  readonly kind: 'position';
  readonly positionMm: readonly [x: number, y: number];
  readonly sigmaMm: number;
}

/**
 * A radio tag in the field of a reader: told when it comes, and again while it stays, every 20 s at the latest, because
 * a trip may have begun meanwhile. Not every sighting is a reading: readers have hundreds a second.
 */
export interface TagReading extends FromSource {
  readonly kind: 'tag';
  readonly epc: Uint8Array;
}

export type Reading =
  | CellReading
  | ScaleReading
  | ScanReading
  | FrameReading
  | MotionReading
  | PowerReading
  | TemperatureReading
  | PositionReading
  | TagReading;

export type ReadingSink = (reading: Reading) => void;
