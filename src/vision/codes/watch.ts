import type { Picture, Region } from '../pictures/picture.ts';
import type { FoundCode } from './evidence.ts';
import { lumaOf, shrunk } from './luma.ts';
import type { CodeReader } from './reader.ts';
import { Sightings } from './sightings.ts';
import { whereToLook } from './where.ts';

export interface CodeWatchOptions {
  readonly camera: string;
  readonly reader: Pick<CodeReader, 'search'>;
  /** `codes`: things and telephones are held before it; `things`: things lie in its view. */
  readonly purpose: 'things' | 'codes';
  /** What of the picture is the plate's; the whole where left out. */
  readonly view?: Region | undefined;
  /** Time for one search, ms. Default 330: it is another thread's, and newer frames wait no longer than that. */
  readonly budgetMs?: number;
}

export interface WatchedFrame {
  /** Borrowed for the call: what is searched is copied before it returns. */
  readonly picture: Picture;
  /** Monotonic time of the frame, µs. */
  readonly atUs: number;
  /** Where something moved or changed since the frame before. */
  readonly moved: readonly Region[];
  /** A session may begin, or a scan is awaited. */
  readonly expected: boolean;
}

/** A thing that moved by less than this share of the picture's width lies where it lay. */
const restsShare = 0.03;

/** Reads the codes that come into view of one camera, each once, as a scanner does. */
export class CodeWatch {
  readonly #options: CodeWatchOptions;
  /** Views of one camera do not take each other's turn. */
  readonly #name: string;
  #sightings: Sightings | undefined;
  #turn = 0;

  constructor(options: CodeWatchOptions) {
    this.#options = options;
    const { camera, view } = options;
    this.#name = view === undefined ? camera : `${camera} at (${view.left}, ${view.top})`;
  }

  /**
   * The codes that a frame adds to what was told before; none where there was nothing to look at, or a newer frame took
   * this one's turn. Rejects with CW-VIS-018 where the search failed, with CW-VIS-008 for a picture of a wrong layout.
   */
  async see({ picture, atUs, moved, expected }: WatchedFrame): Promise<readonly FoundCode[]> {
    const { reader, purpose, view, budgetMs = 330 } = this.#options;
    const { width, height } = picture;
    // A telephone that is held over a basket need not be where its things lie.
    const within = expected && purpose === 'things' ? undefined : view;
    const turn = this.#turn++;
    const search = whereToLook({ width, height, view: within, moved, expected, budgetMs, turn });
    if (search === undefined) return [];
    const { region, shrink, thorough } = search;
    const luma = lumaOf(picture, region);
    const effort = { thorough, anyItf: false };
    const found = await reader.search(this.#name, shrink > 1 ? shrunk(luma, shrink) : luma, effort);
    const restsWithin = purpose === 'things' ? width * restsShare : 0;
    this.#sightings ??= new Sightings({ restsWithin });
    const sightings = this.#sightings;
    return (found ?? [])
      .map((code) => inPicture(code, region, shrink))
      .filter((code) => sightings.admit(code, atUs));
  }

  /** Another trip begins: what lay in view is gone. */
  forget(): void {
    this.#sightings?.forget();
  }
}

function inPicture(code: FoundCode, { left, top }: Region, scale: number): FoundCode {
  const { box, at } = code;
  return {
    ...code,
    box: {
      left: left + box.left * scale,
      top: top + box.top * scale,
      width: box.width * scale,
      height: box.height * scale,
    },
    at: { x: left + at.x * scale, y: top + at.y * scale },
  };
}
