/** Markers of ITU-T T.81, table B.1, without their 0xff. */
const startOfImage = 0xd8;
const endOfImage = 0xd9;
const startOfScan = 0xda;
const temporary = 0x01;

/** Frame headers (SOF0 … SOF15) but for the three numbers between them that are tables and the like. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function isRestart(marker: number): boolean {
  return marker >= 0xd0 && marker <= 0xd7;
}

type WalkState = 'more' | 'whole' | 'damaged';

/** Walks through one JPEG by its markers, as its bytes come. Embedded pictures (thumbnails) are stepped over. */
export class JpegWalk {
  /** Size in pixels; 0 until its header was seen. */
  width = 0;
  height = 0;
  /** What is wrong with it, for people. */
  why = '';
  #at = 2;
  #inScan = false;
  #sawScan = false;

  /** Where the walk stands: behind the picture once it is whole, at what is wrong once it is damaged. */
  get at(): number {
    return this.#at;
  }

  /** Goes on in `data`, which holds the picture from its start to as far as it has come. */
  next(data: Uint8Array): WalkState {
    for (;;) {
      const state = this.#inScan ? this.#scan(data) : this.#marker(data);
      if (state !== undefined) return state;
    }
  }

  /** Entropy-coded data reaches to the next marker that is neither stuffing nor a restart. */
  #scan(data: Uint8Array): WalkState | undefined {
    const found = data.indexOf(0xff, this.#at);
    this.#at = found < 0 ? Math.max(this.#at, data.length) : found;
    const marker = data[this.#at + 1];
    if (found < 0 || marker === undefined) return 'more';
    if (marker === 0xff) this.#at += 1;
    else if (marker === 0 || isRestart(marker)) this.#at += 2;
    else this.#inScan = false;
    return undefined;
  }

  #marker(data: Uint8Array): WalkState | undefined {
    const at = this.#at;
    const [fill, marker] = [data[at], data[at + 1]];
    if (fill === undefined || marker === undefined) return 'more';
    if (fill !== 0xff) return this.#damaged('it has bytes where a marker should be');
    if (marker === 0xff) this.#at += 1;
    else if (marker === endOfImage) return this.#end();
    else if (marker === startOfImage) return this.#damaged('it is cut off, and the next one follows');
    else if (marker === temporary || isRestart(marker)) this.#at += 2;
    else return this.#segment(data, marker);
    return undefined;
  }

  #end(): WalkState {
    if (!this.#sawScan) return this.#damaged('it ends before its picture');
    this.#at += 2;
    return 'whole';
  }

  #segment(data: Uint8Array, marker: number): WalkState | undefined {
    const at = this.#at;
    const length = wordAt(data, at + 2);
    if (length === undefined) return 'more';
    if (length < 2) return this.#damaged('it has a segment without a length');
    if (isFrameHeader(marker)) {
      const [height, width] = [wordAt(data, at + 5), wordAt(data, at + 7)];
      if (height === undefined || width === undefined) return 'more';
      if (height === 0 || width === 0) return this.#damaged('its size is zero');
      this.width = width;
      this.height = height;
    }
    if (marker === startOfScan) {
      if (this.width === 0) return this.#damaged('its picture comes before its size');
      this.#inScan = true;
      this.#sawScan = true;
    }
    this.#at = at + 2 + length;
    return undefined;
  }

  #damaged(why: string): WalkState {
    this.why = why;
    return 'damaged';
  }
}

function wordAt(data: Uint8Array, at: number): number | undefined {
  const [high, low] = [data[at], data[at + 1]];
  return high === undefined || low === undefined ? undefined : high * 256 + low;
}

/** Where the next JPEG begins, at or after `from`; -1 where none does. */
export function findStart(data: Uint8Array, from: number): number {
  for (let at = data.indexOf(0xff, from); at >= 0; at = data.indexOf(0xff, at + 1)) {
    if (data[at + 1] === startOfImage && data[at + 2] === 0xff) return at;
  }
  return -1;
}

/** Size of a whole JPEG and its bytes without what a camera pads it with, or what is wrong with it. */
export function measureJpeg(
  data: Uint8Array,
): { readonly width: number; readonly height: number; readonly data: Uint8Array } | { readonly why: string } {
  if (findStart(data, 0) !== 0) return { why: 'it does not begin as a JPEG' };
  const walk = new JpegWalk();
  const state = walk.next(data);
  if (state === 'whole') return { width: walk.width, height: walk.height, data: data.subarray(0, walk.at) };
  return { why: state === 'more' ? 'it is cut off' : walk.why };
}
