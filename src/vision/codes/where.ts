import type { Region } from '../pictures/picture.ts';
import { widenedPixels } from './search.ts';

export interface WhereToLook {
  readonly width: number;
  readonly height: number;
  /** What of the picture is the plate's; the whole picture where left out. */
  readonly view?: Region | undefined;
  /** Where something moved or changed since the picture before. */
  readonly moved: readonly Region[];
  /** Somebody is to hold a code before the camera: a session may begin, or a scan is awaited. */
  readonly expected: boolean;
  /** Time for one search on this machine, ms, at its usual speed. */
  readonly budgetMs: number;
  /** Running number of the picture: regions that can't be searched together take turns. */
  readonly turn: number;
}

/** Which part of a picture is searched for codes, and how. */
interface Search {
  readonly region: Region;
  /** Every so many pixels become one before the search. */
  readonly shrink: number;
  readonly thorough: boolean;
}

/**
 * Processor time for a million pixels where nothing is found, ms (x86-64, one thread at about 3 GHz). A thorough search tries
 * inverted, speckled and smaller pictures too, and of small ones wider and larger ones; small ones are turned as well.
 */
const quickMs = 75;
const quickSmallMs = 250;
const thoroughMs = 150;
const thoroughSmallMs = 650;
/** Fewer than this many pixels a side show no code: an EAN-8 has 67 modules. */
const smallestSide = 24;
/** A code needs a quiet zone, and what moved is seldom seen to its edge. */
const marginShare = 0.15;
const marginPixels = 16;
/** Regions are searched as one where their hull is no more than this many times what they cover. */
const joinedShare = 2;
/** Beyond this, bars of codes held at arm's length are less than a pixel. */
const mostShrink = 3;

/**
 * Where to look for codes: the whole view where a code is expected, else where something moved; `undefined` where there is
 * nothing to look at. What would take longer than the budget is searched less thoroughly, then smaller.
 */
export function whereToLook(asked: WhereToLook): Search | undefined {
  const whole = { left: 0, top: 0, width: asked.width, height: asked.height };
  const view = asked.view === undefined ? whole : inside(asked.view, whole);
  if (view === undefined) return undefined;
  const region = asked.expected ? view : changedRegion(asked, view);
  if (region === undefined || Math.min(region.width, region.height) < smallestSide) return undefined;
  const megapixels = (region.width * region.height) / 1e6;
  const small = megapixels * 1e6 <= widenedPixels;
  const thoroughTimeMs = megapixels * (small ? thoroughSmallMs : thoroughMs);
  if (asked.expected && thoroughTimeMs <= asked.budgetMs) return { region, shrink: 1, thorough: true };
  const quickTimeMs = megapixels * (small ? quickSmallMs : quickMs);
  const times = Math.ceil(Math.sqrt(quickTimeMs / Math.max(1, asked.budgetMs)));
  return { region, shrink: Math.max(1, Math.min(mostShrink, times)), thorough: false };
}

function changedRegion({ moved, turn }: WhereToLook, view: Region): Region | undefined {
  const regions = moved.flatMap((region) => inside(withMargin(region), view) ?? []);
  const [first] = regions;
  if (first === undefined) return undefined;
  const hull = regions.reduce(hullOf, first);
  const covered = regions.reduce((sum, { width, height }) => sum + width * height, 0);
  if (hull.width * hull.height <= joinedShare * covered) return hull;
  const bySize = regions.toSorted((a, b) => b.width * b.height - a.width * a.height);
  return bySize[turn % bySize.length];
}

function withMargin({ left, top, width, height }: Region): Region {
  const x = marginPixels + width * marginShare;
  const y = marginPixels + height * marginShare;
  return { left: left - x, top: top - y, width: width + 2 * x, height: height + 2 * y };
}

/** What of a region lies inside another one, in whole pixels. */
function inside(region: Region, bounds: Region): Region | undefined {
  const left = Math.max(bounds.left, Math.floor(region.left));
  const top = Math.max(bounds.top, Math.floor(region.top));
  const width = Math.min(bounds.left + bounds.width, Math.ceil(region.left + region.width)) - left;
  const height = Math.min(bounds.top + bounds.height, Math.ceil(region.top + region.height)) - top;
  return width > 0 && height > 0 ? { left, top, width, height } : undefined;
}

function hullOf(a: Region, b: Region): Region {
  const left = Math.min(a.left, b.left);
  const top = Math.min(a.top, b.top);
  return {
    left,
    top,
    width: Math.max(a.left + a.width, b.left + b.width) - left,
    height: Math.max(a.top + a.height, b.top + b.height) - top,
  };
}
