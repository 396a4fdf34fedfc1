import type { Region } from '../pictures/picture.ts';
import type { Read } from './zxing.ts';

/** A code that was found in a picture. */
export interface FoundCode {
  /** The symbology as ZXing names it, for people: `EAN13`, `QRCode` … */
  readonly format: string;
  /** As a scanner would deliver it: bytes with FNC1 as GS (0x1D), and the AIM identifier with its bracket. */
  readonly data: Uint8Array;
  readonly symbology: string;
  /** `data` as text, by the character set that the symbol names or seems to have. */
  readonly text: string;
  /** Its hull and its middle, pixels of the picture. */
  readonly box: Region;
  readonly at: { readonly x: number; readonly y: number };
  /** Whether this one picture proves it; else another picture must show it too. */
  readonly sure: boolean;
}

/** What a pass over the pixels brought. */
export interface Pass {
  readonly reads: readonly Read[];
  /** Pixels of the pass for one of the picture, along its rows and along its columns. */
  readonly across: number;
  readonly down: number;
  /** Where pixel (0, 0) of the pass lies in the picture. */
  readonly left: number;
  readonly top: number;
  /** Rows of the pass are columns of the picture. */
  readonly turned: boolean;
}

/** Lines of the picture that must agree on a linear code before it counts at all. */
const fewestLines = 2;
/** Lines that prove one by themselves, and how many times the lines that say otherwise they must be. */
const provingLines = 8;
const provingShare = 10;
/**
 * How many times the lines that say otherwise are needed. One check digit lets a tenth of all wrong reads through, and bars
 * that are blurred into each other are misread the same way on every line: a narrow majority says nothing.
 */
const believedShare = 2;

interface Candidate {
  read: Read;
  box: Region;
  best: number;
  lines: number;
}

/**
 * What is believed of what several passes over the same pixels brought. Lines are counted in lines of the picture. What was
 * read of the same bars speaks against a code, other codes in the picture don't. Symbols with error correction are believed at once. The order is that of ZXing.
 *
 * @param lines how many lines there are to agree: a picture of one line can't show two
 */
export function weigh(passes: readonly Pass[], lines: number): FoundCode[] {
  const candidates = new Map<string, Candidate>();
  for (const pass of passes) for (const read of pass.reads) add(candidates, read, pass);
  const all = [...candidates.values()];
  return all.flatMap((candidate) => {
    const { read, box } = candidate;
    const { format, data, symbology, text } = read;
    const at = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    const found = { format, data, symbology, text, box, at };
    if (read.lines === 0) return [{ ...found, sure: true }];
    const against = all
      .filter((other) => other !== candidate && other.read.lines > 0 && isOfSameBars(other.box, box))
      .reduce((sum, other) => sum + other.lines, 0);
    if (candidate.lines < Math.min(fewestLines, lines) || candidate.lines < believedShare * against)
      return [];
    return [{ ...found, sure: candidate.lines >= provingLines && candidate.lines >= provingShare * against }];
  });
}

function add(candidates: Map<string, Candidate>, read: Read, pass: Pass): void {
  const key = `${read.symbology}${read.text}`;
  const box = inPicture(read.box, pass);
  const lines = read.lines / (pass.turned ? pass.across : pass.down);
  const known = candidates.get(key);
  if (known === undefined) {
    candidates.set(key, { read, box, best: lines, lines });
    return;
  }
  known.lines += lines;
  if (lines <= known.best) return;
  known.best = lines;
  known.box = box;
}

function inPicture(box: Region, { across, down, left, top, turned }: Pass): Region {
  const {
    left: x,
    top: y,
    width,
    height,
  } = turned ? { left: box.top, top: box.left, width: box.height, height: box.width } : box;
  return { left: left + x / across, top: top + y / down, width: width / across, height: height / down };
}

/** Bars are seldom higher than three quarters of the length of their code. */
const tallestBars = 0.75;
/** Two reads of the same bars begin and end at the same places; of the longer one, the shorter covers at least this. */
const sameExtent = 0.8;

/** Whether two linear reads are of the same bars, on lines that need not touch; or lie in each other anyway. */
function isOfSameBars(a: Region, b: Region): boolean {
  const across = shared(a.left, a.width, b.left, b.width);
  const down = shared(a.top, a.height, b.top, b.height);
  if (across > 0 && down > 0) return true;
  const lying = a.width >= a.height;
  const covered = lying ? across / Math.max(a.width, b.width) : down / Math.max(a.height, b.height);
  const apart = lying ? -down : -across;
  return covered >= sameExtent && apart <= tallestBars * Math.max(a.width, a.height);
}

/** How much two stretches share; negative: how far apart they are. */
function shared(from: number, length: number, other: number, otherLength: number): number {
  return Math.min(from + length, other + otherLength) - Math.max(from, other);
}
