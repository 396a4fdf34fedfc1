import { usPerSecond } from '#base/units.ts';
import type { Change } from '../change/compare.ts';
import { chooseFrames } from '../change/frames.ts';
import type { Picture, Region } from '../pictures/picture.ts';
import type { PlateView } from './messages.ts';
import type { RegionWatch, Sight } from './parts.ts';
import type { FrameRing, KeptFrame } from './ring.ts';

/** A movement that is not looked at counts as going on for so long, µs. */
const heldForUs = 60 * usPerSecond;
/** After something was seen to move, it counts as going on for so long, µs: one still frame is no rest. */
const lingersUs = 1_500_000;

/** What was put in counts as lying there for so long, where nothing says otherwise, µs. */
const lyingUs = 120 * usPerSecond;

/** Where something came, on pictures of one size: no picture is kept for it. */
interface Came {
  readonly crop: Region;
  readonly width: number;
  readonly height: number;
  readonly atUs: number;
}

interface Note {
  readonly kept: KeptFrame;
  readonly atUs: number;
  readonly moving: boolean;
}

/** Frames that are kept from being overwritten. */
type Held = readonly { readonly kept: KeptFrame; readonly release: () => void }[];

/** The frames between which a change is looked for. */
export interface FramePair {
  readonly before: KeptFrame;
  readonly after: KeptFrame;
  readonly beforeThat: KeptFrame | undefined;
  readonly afterThat: KeptFrame | undefined;
  /** False while a better frame may still come. */
  readonly complete: boolean;
}

/**
 * One plate as one camera sees it: which frames are at rest, and which are to be compared with what comes. The last two
 * that were at rest after each other are always held: a shopper may rummage for longer than the ring is deep.
 */
export class PlateEye {
  readonly view: PlateView;
  readonly #ring: FrameRing;
  readonly #watch: RegionWatch;
  #notes: Note[] = [];
  #resting: Held = [];
  /** The frames before the movement that is being watched. */
  #before: Held = [];
  #watchedUs: number | undefined;
  #movedUs = Number.NEGATIVE_INFINITY;
  #expectedUntilUs = Number.NEGATIVE_INFINITY;
  #came: Came | undefined;

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
    const last = this.#notes.at(-1);
    this.#notes.push({ kept, atUs: kept.atUs, moving: sight.moving });
    if (!sight.moving && last?.moving === false) this.#resting = this.#swap(this.#resting, [last.kept, kept]);
    return { ...sight, began };
  }

  /** What a look found: where the thing lies that came last, until something else happens. */
  changed(
    { outcome, things }: Change,
    { width, height }: Pick<Picture, 'width' | 'height'>,
    atUs: number,
  ): void {
    if (outcome === 'nothing-changed' || outcome === 'hand-only') return;
    const came = things.filter(({ change }) => change === 'came');
    const crop = (came.find(({ moved }) => !moved) ?? came[0])?.crop;
    this.#came = crop === undefined ? undefined : { crop, width, height, atUs };
  }

  /** The crop of what was put in lately, as a look cuts it out; undefined where nothing was. */
  lately({ width, height }: Pick<Picture, 'width' | 'height'>, atUs: number): Region | undefined {
    const came = this.#came;
    if (came === undefined || came.width !== width || came.height !== height) return undefined;
    return atUs - came.atUs <= lyingUs ? came.crop : undefined;
  }

  /** The mass changes since `atUs`: keeps the frames before it. */
  watch(atUs: number, nowUs: number): void {
    this.#watchedUs = nowUs;
    const { before } = chooseFrames(this.#notes, atUs, Number.POSITIVE_INFINITY);
    if (before === undefined) return;
    const wanted = this.#notes.slice(before, before + 2).map(({ kept }) => kept);
    this.#before = this.#swap(this.#before, wanted);
  }

  /** The movement came to nothing, or was looked at. */
  quiet(): void {
    this.#watchedUs = undefined;
    this.#before = this.#swap(this.#before, []);
  }

  /** The camera delivers nothing any more: gives back what is kept for a movement that nobody will see. */
  release(): void {
    this.quiet();
    this.#came = undefined;
    this.#resting = this.#swap(this.#resting, []);
    this.#notes = [];
  }

  /** The frames for a movement so far; undefined where there is none before it or none after it. */
  pair(startedAtUs: number, settledAtUs: number): FramePair | undefined {
    const chosen = chooseFrames(this.#notes, startedAtUs, settledAtUs);
    const frame = (index: number | undefined) => (index === undefined ? undefined : this.#notes[index]?.kept);
    const before = frame(chosen.before);
    const after = frame(chosen.after);
    if (before === undefined || after === undefined) return undefined;
    const { complete } = chosen;
    return {
      before,
      after,
      beforeThat: frame(chosen.beforeThat),
      afterThat: frame(chosen.afterThat),
      complete,
    };
  }

  #swap(held: Held, wanted: readonly KeptFrame[]): Held {
    const next = wanted.flatMap((kept) => {
      const release = this.#ring.hold(kept);
      return release === undefined ? [] : [{ kept, release }];
    });
    for (const { release } of held) release();
    return next;
  }
}
