import type { DeviceFault } from '#readings/faults.ts';
import type { FrameReading } from '#readings/readings.ts';
import type { Change, Comparison } from '../change/compare.ts';
import type { LensMemory, LensNormal } from '../change/lens-memory.ts';
import type { FoundCode } from '../codes/evidence.ts';
import type { WatchedFrame } from '../codes/watch.ts';
import type { Recognition } from '../gallery/types.ts';
import type { Picture, Region } from '../pictures/picture.ts';
import type { PlateView } from './messages.ts';

/** What one look at a region says. */
export interface Sight {
  /** Something moves in it, so that it is neither a picture of before nor one of after. */
  readonly moving: boolean;
  /** Where, within the picture; the whole region where left out. */
  readonly where?: readonly Region[] | undefined;
}

/** Sees the frames of one region in their order. */
export interface RegionWatch {
  see(picture: Picture, region: Region, atUs: number): Sight;
}

/** Sees the frames of one camera in their order, and says what of the lens became wrong or is right again. */
export interface LensWatch {
  /** What is normal for the lens; undefined until it is known, another object where it has changed. */
  readonly normal: LensNormal | undefined;
  see(picture: Picture, atUs: number, moving: boolean): readonly DeviceFault[];
}

/** Reads the codes that come into one view, each once. */
export interface CodeEyes {
  /** What of the picture is searched is copied before it returns. Rejects with CW-VIS-018. */
  see(frame: WatchedFrame): Promise<readonly Pick<FoundCode, 'data' | 'symbology'>[]>;
  /** Another trip begins: what lay in view is gone. */
  forget(): void;
}

/** Model, backend and gallery together. */
export interface Recognizer {
  readonly backend: string;
  readonly model: string;
  /** How long the last inference took, ms. */
  readonly inferenceMs: number | undefined;
  /** Share of the catalogue's looks that the gallery has, millionths. */
  readonly enrolledPpm: number;
  /** Version of the gallery that is looked up in; undefined where there is none. */
  readonly galleryVersion: string | undefined;
  /** Why the gallery can't be used; undefined where it can, or where there is none. */
  readonly galleryProblem: unknown;
  /** What a part of a picture shows. Rejects with a coded VisionError. */
  recognize(picture: Picture, crop: Region): Promise<Recognition>;
  /** The embedding of a part of a picture to recognize a product by, a byte a value. Rejects with a coded VisionError. */
  embed(picture: Picture, crop: Region): Promise<Int8Array>;
  /** Reads the gallery anew; what was before stays where that fails. Rejects with a coded VisionError. */
  readGallery(path: string): Promise<void>;
  close(): Promise<void>;
}

/** What the eyes are made of; each part is loaded when it is first needed. */
export interface EyesParts {
  /** A frame as a picture. The frame's bytes stay what they are until this has settled. */
  pictureOf(frame: FrameReading): Promise<Picture>;
  watchRegion(): RegionWatch;
  watchLens(driver: string, memory: LensMemory | undefined): LensWatch;
  compare(asked: Comparison): Change;
  /** @param region what of the camera's pictures is searched; all of them where left out */
  watchCodes(camera: string, purpose: PlateView['purpose'], region: Region | undefined): CodeEyes;
  close(): Promise<void>;
}
