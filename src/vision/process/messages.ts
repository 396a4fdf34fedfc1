import type { DeviceFault } from '#readings/faults.ts';
import type { LensMemory, LensNormal } from '../change/lens-memory.ts';

/**
 * What the gateway and its vision process say to each other. Nothing here can carry a picture: no field holds pixels,
 * and both sides check what they send and get against the schemas in `schemas.ts`.
 */

/** What one camera sees of one plate. */
export interface PlateView {
  readonly plate: string;
  readonly camera: string;
  /** Left, top, width, height in pixels; the whole picture where left out. */
  readonly region?: readonly [left: number, top: number, width: number, height: number] | undefined;
  /** `codes`: the camera serves the plate as a scanner, and nothing that moves is recognized. */
  readonly purpose: 'things' | 'codes';
}

/** Everything that the vision process needs to know, said once after it was started. */
export interface VisionSetup {
  /** Cameras of the board, as it names them. */
  readonly devices: readonly {
    readonly id: string;
    readonly driver: string;
    readonly options: Readonly<Record<string, unknown>>;
  }[];
  readonly views: readonly PlateView[];
  /** A maker's own drivers. */
  readonly driverPaths: readonly string[];
  /** Folder of the model; nothing is recognized where it is left out. */
  readonly model?: string | undefined;
  readonly backend: 'onnx-int8' | 'onnx-fp32' | 'tfjs-wasm' | 'tfjs-node';
  readonly threads: number;
  /** What the catalogue's products are called in a gallery. */
  readonly looks: readonly string[];
  /** Gallery file; it may not exist yet. */
  readonly gallery?: string | undefined;
  readonly ringUs: number;
  /** Bound of all frames that are kept, bytes. */
  readonly ringBytes: number;
  /** Frames a second that are kept and looked at, while nothing happens and while something does. */
  readonly restPerSecond: number;
  readonly watchPerSecond: number;
  /** Above this temperature of the processor fewer frames are looked at, m°C. */
  readonly warmMilliCelsius: number;
  /** Folder of a technician's recordings. */
  readonly recordings: string;
  /** How long a recording is kept after its end, µs. */
  readonly keepRecordingUs: number;
  /** Bound of all recordings together, bytes. */
  readonly recordingBytes: number;
}

/** Looks at what changed on a plate between two instants; answered by one `looked` for each camera that sees it. */
export interface LookRequest {
  readonly kind: 'look';
  readonly id: number;
  readonly plate: string;
  /** When the mass began to change and when it had settled, monotonic µs. */
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  /** Sign of the change of mass: what came is looked for after it, what went before it; 0 where the plate does not weigh. */
  readonly sign: -1 | 0 | 1;
}

export type ToVision =
  /** With what the processes before knew of the lenses. */
  | { readonly kind: 'begin'; readonly setup: VisionSetup; readonly lenses: readonly LensMemory[] }
  | LookRequest
  /** Something moves on that plate since `atUs`: frames are wanted at the higher rate until `look` or `quiet`. */
  | { readonly kind: 'watch'; readonly plate: string; readonly atUs: number }
  | { readonly kind: 'quiet'; readonly plate: string }
  /** A code is expected (a session may begin, a scan is awaited) for so long: codes are looked for in whole frames. */
  | { readonly kind: 'expect-code'; readonly plate: string; readonly forMs: number }
  /** A trip begins: what lay in view is gone. */
  | { readonly kind: 'trip' }
  /** The gallery's file has changed. */
  | { readonly kind: 'gallery'; readonly path: string }
  /** Embeds what a camera sees of a plate now; answered by `embedded`. */
  | { readonly kind: 'embed'; readonly id: number; readonly camera: string; readonly plate: string }
  /** A technician's recording, the only way of a frame to the disk; answered by `recording` or `refused`. */
  | { readonly kind: 'record'; readonly id: number; readonly camera: string; readonly seconds: number }
  /** Ends all recordings and erases them; answered by `erased`. */
  | { readonly kind: 'erase'; readonly id: number }
  /** Temperature of the processor, m°C, and share of all processors that is in use, ppm: the rate of looking follows. */
  | {
      readonly kind: 'load';
      readonly milliCelsius?: number | undefined;
      readonly busyPpm?: number | undefined;
    }
  | { readonly kind: 'stop' };

/** A thing that came or went, as a camera saw it. */
export interface SeenThing {
  readonly change: 'came' | 'went';
  /** It was also seen close by on the other picture: pushed rather than put or taken. */
  readonly moved: boolean;
  /** Where, in thousandths of the plate's region: on the picture after the change what came, before it what went. */
  readonly box: readonly [left: number, top: number, width: number, height: number];
  /** Keys of the gallery, the most likely first. */
  readonly candidates: readonly { readonly look: string; readonly probabilityPpm: number }[];
  readonly unknownPpm: number;
  /** The two best are too close for one look to tell which it is. */
  readonly ambiguous: boolean;
}

/** What became of a look through one camera. */
export interface Looked {
  readonly kind: 'looked';
  readonly id: number;
  readonly camera: string;
  readonly plate: string;
  /** Of the movement that was asked about. */
  readonly settledAtUs: number;
  readonly atUs: number;
  readonly outcome: 'seen' | 'nothing-changed' | 'hand-only' | 'no-frames' | 'failed';
  /** All that changed, the most significant first; none unless `seen`. */
  readonly things: readonly SeenThing[];
  /** Share of the catalogue's looks that the gallery has: the others can't be seen. */
  readonly enrolledPpm: number;
}

/** What is said unasked, or of what everybody may hear. */
export type ToldByVision =
  /** Empty names where nothing can be recognized: a fault of the source `vision` says why. */
  | { readonly kind: 'ready'; readonly backend: string; readonly model: string }
  | Looked
  | {
      readonly kind: 'code';
      readonly camera: string;
      readonly plate: string;
      readonly atUs: number;
      /** What was read, and the AIM identifier of its symbology, as a scanner says it. */
      readonly data: Uint8Array;
      readonly symbology: string;
    }
  /** Motion in a plate's region without a change of mass. */
  | { readonly kind: 'motion'; readonly camera: string; readonly plate: string; readonly atUs: number }
  /** What is normal for a lens, kept by the gateway for the process after this one. */
  | { readonly kind: 'lens'; readonly camera: string; readonly normal: LensNormal }
  | { readonly kind: 'fault'; readonly source: string; readonly fault: DeviceFault; readonly atUs: number }
  | { readonly kind: 'health'; readonly health: VisionHealth };

/** Answers to who asked, by `id`. */
export type AnsweredByVision =
  | { readonly kind: 'embedded'; readonly id: number; readonly embedding: Int8Array }
  | {
      readonly kind: 'recording';
      readonly id: number;
      readonly camera: string;
      readonly path: string;
      readonly untilUs: number;
      /** When the file is erased, UTC ms. */
      readonly erasedAt: number;
    }
  | { readonly kind: 'erased'; readonly id: number; readonly files: number };

export type FromVision =
  | ToldByVision
  /** Every half second, and nothing else: what is silent for longer hangs. */
  | { readonly kind: 'alive' }
  | AnsweredByVision
  | { readonly kind: 'refused'; readonly id: number; readonly code: string; readonly message: string }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number | boolean>>;
    };

/** A camera as the supervisor in the vision process knows it. */
export interface CameraHealth {
  readonly id: string;
  readonly driver: string;
  readonly state: 'closed' | 'opening' | 'running' | 'waiting';
  readonly identity: {
    readonly vendor?: string | undefined;
    readonly model?: string | undefined;
    readonly serial?: string | undefined;
    readonly firmware?: string | undefined;
  };
  /** Frames that it delivered since it was first opened. */
  readonly frames: number;
  readonly lastFrameUs?: number | undefined;
  readonly framesPerSecond: number;
  /** Frames that were wanted and could not be kept. */
  readonly framesDropped: number;
}

/** Sent every second. */
export interface VisionHealth {
  readonly cameras: readonly CameraHealth[];
  /** Frames that are looked at, a second, at most; lowered by heat and load. */
  readonly looksPerSecond: number;
  readonly slowedBy?: 'heat' | 'load' | undefined;
  readonly inferenceMs?: number | undefined;
  /** Version of the gallery that is looked up in. */
  readonly gallery?: string | undefined;
  readonly residentBytes: number;
  /** A technician's recording runs: frames are kept on the device until `recordingUntilUs`. */
  readonly recordingUntilUs?: number | undefined;
}
