import type { DeviceFault } from '#readings/faults.ts';

/**
 * What the gateway and its vision process say to each other. Nothing here can carry a picture: no field holds pixels,
 * and both sides check what they get against the schemas in `schemas.ts`.
 */

/** Looks at what changed on a plate between two instants; answered by `looked`. */
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
  | LookRequest
  /** Something moves on that plate since `atUs`: frames are wanted at the higher rate until `look` or `quiet`. */
  | { readonly kind: 'watch'; readonly plate: string; readonly atUs: number }
  | { readonly kind: 'quiet'; readonly plate: string }
  /** A code is expected (a session may begin, a scan is awaited) for so long: codes are looked for in whole frames. */
  | { readonly kind: 'expect-code'; readonly plate: string; readonly forMs: number }
  /** The gallery's file has changed. */
  | { readonly kind: 'gallery'; readonly path: string }
  /** Embeds pictures of files (never of frames) or what a camera sees now; answered by `embedded`. */
  | {
      readonly kind: 'embed';
      readonly id: number;
      readonly from:
        | { readonly files: readonly string[] }
        | { readonly camera: string; readonly plate: string };
    }
  /** Temperature of the processor, m°C, and share of it that others use, ppm: the rate of looking follows. */
  | {
      readonly kind: 'load';
      readonly milliCelsius?: number | undefined;
      readonly busyPpm?: number | undefined;
    }
  | { readonly kind: 'stop' };

export type FromVision =
  | { readonly kind: 'ready'; readonly backend: string; readonly model: string }
  | {
      readonly kind: 'looked';
      readonly id: number;
      readonly camera: string;
      readonly plate: string;
      readonly atUs: number;
      readonly outcome: 'seen' | 'nothing-changed' | 'hand-only' | 'no-frames' | 'failed';
      readonly candidates: readonly { readonly look: string; readonly probabilityPpm: number }[];
      readonly unknownPpm: number;
      readonly ambiguous: boolean;
    }
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
  | { readonly kind: 'fault'; readonly source: string; readonly fault: DeviceFault; readonly atUs: number }
  | {
      readonly kind: 'embedded';
      readonly id: number;
      readonly embeddings: readonly Int8Array[];
      readonly failed: readonly { readonly index: number; readonly why: string }[];
    }
  | { readonly kind: 'health'; readonly health: VisionHealth };

export interface VisionHealth {
  readonly cameras: readonly {
    readonly id: string;
    readonly framesPerSecond: number;
    readonly framesDropped: number;
  }[];
  /** Frames that are looked at, a second, at most; lowered by heat and load. */
  readonly looksPerSecond: number;
  readonly slowedBy?: 'heat' | 'load' | undefined;
  readonly inferenceMs?: number | undefined;
  readonly residentBytes: number;
  /** A technician's recording runs: frames are kept on the device until `recordingUntilUs`. */
  readonly recordingUntilUs?: number | undefined;
}
