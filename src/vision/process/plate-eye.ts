import { usPerSecond } from '#base/units.ts';
import type { Picture, Region } from '../pictures/picture.ts';
import type { PlateView } from './messages.ts';
import type { RegionWatch, Sight } from './parts.ts';
import type { FrameRing, KeptFrame } from './ring.ts';

/** A movement that is never looked at gives its earlier picture back after this long, µs. */
const heldForUs = 60 * usPerSecond;
/** After something was seen to move, it counts as going on for so long, µs: one still frame is no rest. */
const lingersUs = 1_500_000;

interface Note {
  readonly kept: KeptFrame;
  readonly moving: boolean;
}

interface Held {
  readonly kept: KeptFrame;
  readonly release: () => void;
}

/** The frames between which a change is looked for. */
export interface FramePair {
  readonly before: KeptFrame;
  readonly after: KeptFrame;
  readonly beforeThat: KeptFrame | undefined;
  readonly afterThat: KeptFrame | undefined;
}

/**
 * One plate as one camera sees it: which frames are at rest, and which one is to be compared with what comes. The last
 * frame at rest is always held: a shopper may rummage for longer than the ring is deep.
 */
export class PlateEye {
  readonly view: PlateView;
  readonly #ring: FrameRing;
  readonly #watch: RegionWatch;
  #notes: Note[] = [];
  #resting: Held | undefined;
  /** The picture before the movement that is being watched. */
  #before: Held | undefined;
  #watchedUs: number | undefined;
  #movedUs = Number.NEGATIVE_INFINITY;
  #expectedUntilUs = Number.NEGATIVE_INFINITY;

  constructor(view: PlateView, ring: FrameRing, watch: RegionWatch) {
    this.view = view;
    this.#ring = ring;
    this.#watch = watch;
  }

  /** A movement is weighed, a code is expected, or something was seen to move a moment ago. */
  busy(nowUs: number): boolean {
    return this.weighed(nowUs) || this.expects(nowUs) || nowUs - this.#movedUs < lingersUs;
  }

  /** A movement of the mass is going on. */
  weighed(nowUs: number): boolean {
    return this.#watchedUs !== undefined && nowUs - this.#watchedUs < heldForUs;
  }

  expects(nowUs: number): boolean {
    return nowUs < this.#expectedUntilUs;
  }

  expect(untilUs: number): void {
    this.#expectedUntilUs = Math.max(this.#expectedUntilUs, untilUs);
  }

  /** The part of a picture that the view shows; undefined where the view lies beside the picture. */
  region(picture: Pick<Picture, 'width' | 'height'>): Region | undefined {
    const [left, top, width, height] = this.view.region ?? [0, 0, picture.width, picture.height];
    const right = Math.min(left + width, picture.width);
    const bottom = Math.min(top + height, picture.height);
    if (right - left < 8 || bottom - top < 8) return undefined;
    return { left, top, width: right - left, height: bottom - top };
  }

  /** Sees one frame; whether motion began with it. */
  see(kept: KeptFrame, picture: Picture, region: Region): Sight & { readonly began: boolean } {
    const sight = this.#watch.see(picture, region, kept.atUs);
    const began = sight.moving && kept.atUs - this.#movedUs >= lingersUs;
    if (sight.moving) this.#movedUs = kept.atUs;
    const inRing = new Set(this.#ring.frames);
    this.#notes = this.#notes.filter((note) => inRing.has(note.kept));
    this.#notes.push({ kept, moving: sight.moving });
    if (!sight.moving) this.#resting = this.#swap(this.#resting, kept);
    return { ...sight, began };
  }

  /** The mass changes since `atUs`: keeps the picture before it. */
  watch(atUs: number, nowUs: number): void {
    this.#watchedUs = nowUs;
    const before = this.#restingBefore(atUs);
    if (before !== undefined) this.#before = this.#swap(this.#before, before);
  }

  /** The movement came to nothing, or was looked at. */
  quiet(): void {
    this.#watchedUs = undefined;
    this.#before?.release();
    this.#before = undefined;
  }

  /** The frames for a movement; undefined where there is none before or none after it. */
  pair(startedAtUs: number, settledAtUs: number, anyAfter: boolean): FramePair | undefined {
    const held = this.#before?.kept;
    const before = held !== undefined && held.atUs <= startedAtUs ? held : this.#restingBefore(startedAtUs);
    const later = this.#notes.filter(({ kept }) => kept.atUs >= settledAtUs);
    const after = later.find(({ moving }) => !moving)?.kept ?? (anyAfter ? later.at(-1)?.kept : undefined);
    if (before === undefined || after === undefined) return undefined;
    return {
      before,
      after,
      beforeThat: this.#notes.findLast(({ kept }) => kept.atUs < before.atUs)?.kept,
      afterThat: later.find(({ kept }) => kept.atUs > after.atUs)?.kept,
    };
  }

  /** Whether frames have been seen that are as late as that. */
  hasSeen(atUs: number): boolean {
    return (this.#notes.at(-1)?.kept.atUs ?? Number.NEGATIVE_INFINITY) >= atUs;
  }

  #restingBefore(atUs: number): KeptFrame | undefined {
    const noted = this.#notes.findLast(({ kept, moving }) => !moving && kept.atUs <= atUs)?.kept;
    if (noted !== undefined) return noted;
    const resting = this.#resting?.kept;
    return resting !== undefined && resting.atUs <= atUs ? resting : undefined;
  }

  #swap(held: Held | undefined, kept: KeptFrame): Held | undefined {
    const release = this.#ring.hold(kept);
    if (release === undefined) return held;
    held?.release();
    return { kept, release };
  }
}
