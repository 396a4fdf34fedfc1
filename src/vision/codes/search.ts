import type { Region } from '../pictures/picture.ts';
import { type FoundCode, type Pass, weigh } from './evidence.ts';
import {
  beforeSlanting,
  cropped,
  doubled,
  type Luma,
  shrunk,
  slanted,
  stretched,
  transposed,
  widened,
  widening,
} from './luma.ts';
import type { Read, ReadEffort, ReadLuma } from './zxing.ts';

/** Most pixels that are read at their own size; larger pictures are shrunk first. */
const mostPixels = 6_000_000;
/** Up to so many pixels are read at four times their width. */
export const widenedPixels = 500_000;
/** Of codes that one pass did not prove, so many are looked at again by themselves. */
const mostSecondLooks = 4;

/**
 * Looks for codes in a luma plane: once as it is; where the search is thorough and the picture small, again at four times
 * its width, and its height, for linear codes that lie and that stand, and at twice its size for matrix codes; else again
 * only around linear codes that came out without proof. A small picture in which nothing was proven is turned by 45°: ZXing
 * reads linear codes along rows and columns, up to about 25° off them. What is misread at one size is seldom misread the same way at the
 * other. Regions are in pixels of `luma`. Throws what ZXing throws.
 */
export async function searchCodes(read: ReadLuma, luma: Luma, effort: ReadEffort): Promise<FoundCode[]> {
  const factor = Math.ceil(Math.sqrt((luma.width * luma.height) / mostPixels));
  const base = stretched(factor > 1 ? shrunk(luma, factor) : luma);
  const first = asPass(await read(base, 'all', effort), 1, 1, { left: 0, top: 0 }, false);
  const passes = [first];
  if (effort.thorough && base.width * base.height <= widenedPixels) {
    const whole = { left: 0, top: 0, width: base.width, height: base.height };
    for (const turned of [false, true]) passes.push(await lookCloser(read, base, whole, turned, effort));
    if (!first.reads.some(({ lines }) => lines === 0)) {
      const reads = await read(doubled(base), 'matrices', effort);
      passes.push(asPass(reads, 2, 2, { left: 0, top: 0 }, false));
    }
  } else {
    for (const box of unproven(first)) {
      const around = withMargin(box);
      passes.push(await lookCloser(read, base, around, box.height > box.width, effort));
    }
  }
  const lines = Math.min(base.width, base.height);
  if (base.width * base.height <= widenedPixels && !weigh(passes, lines).some(({ sure }) => sure)) {
    const reads = await read(slanted(base), 'linear', effort);
    const upright = reads.map((one) => ({ ...one, box: beforeSlanting(one.box, base) }));
    passes.push(asPass(upright, 1, 1, { left: 0, top: 0 }, false));
  }
  const found = weigh(passes, lines);
  return factor === 1 ? found : found.map((code) => enlarged(code, factor));
}

/** Where a pass read linear codes that it did not prove. */
function unproven(pass: Pass): Region[] {
  const proven = new Set(weigh([pass], 1).flatMap(({ text, sure }) => (sure ? [text] : [])));
  return pass.reads
    .filter(({ lines, text }) => lines > 0 && !proven.has(text))
    .map(({ box }) => box)
    .slice(0, mostSecondLooks);
}

/** Quiet zones are needed on both sides, and lines beside those that were read may be better ones. */
function withMargin({ left, top, width, height }: Region): Region {
  const margin = Math.ceil(Math.max(width, height) / 4) + 8;
  return {
    left: left - margin,
    top: top - margin,
    width: width + 2 * margin,
    height: height + 2 * margin,
  };
}

async function lookCloser(
  read: ReadLuma,
  base: Luma,
  region: Region,
  turned: boolean,
  effort: ReadEffort,
): Promise<Pass> {
  const left = Math.max(0, Math.floor(region.left));
  const top = Math.max(0, Math.floor(region.top));
  const part = cropped(base, region);
  const upright = turned ? transposed(part) : part;
  const small = part.width * part.height <= widenedPixels;
  const reads = await read(small ? widened(upright) : upright, 'lying', effort);
  const times = small ? widening : 1;
  return asPass(reads, turned ? 1 : times, turned ? times : 1, { left, top }, turned);
}

function asPass(
  reads: readonly Read[],
  across: number,
  down: number,
  { left, top }: Pick<Region, 'left' | 'top'>,
  turned: boolean,
): Pass {
  return { reads, across, down, left, top, turned };
}

function enlarged(code: FoundCode, factor: number): FoundCode {
  const { left, top, width, height } = code.box;
  const box = { left: left * factor, top: top * factor, width: width * factor, height: height * factor };
  return { ...code, box, at: { x: code.at.x * factor, y: code.at.y * factor } };
}
