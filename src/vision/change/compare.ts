import type { Picture, Region } from '../pictures/picture.ts';
import { createReduced, type Reduced, reduce } from '../pictures/reduced.ts';
import { type Blob, Blobs } from './blobs.ts';
import { Evidence } from './evidence.ts';
import { explainByMove, polarity } from './moves.ts';
import { boxInPicture, squareAround } from './regions.ts';
import { Registration, type Shift } from './register.ts';

export interface Comparison {
  /** The last quiet frame before a movement and the first one after it, of one camera. */
  readonly before: Picture;
  readonly after: Picture;
  /** The plate's part of the frame. */
  readonly region: Region;
  /** Sign of the change of mass; 0 where nothing weighs. */
  readonly sign: -1 | 0 | 1;
  /** Frames a little earlier than `before` and later than `after`: what reaches in and moves meanwhile is a hand. */
  readonly beforeThat?: Picture | undefined;
  readonly afterThat?: Picture | undefined;
}

/** A thing that came (it is on the later picture), or went (it is on the earlier one). */
export interface FoundThing {
  readonly change: 'came' | 'went';
  /** Around the thing, on that picture. */
  readonly box: Region;
  /** Square around the box with a margin, inside the picture: what is recognized. */
  readonly crop: Region;
  /** It was also seen close by on the other picture: it was pushed rather than put. */
  readonly moved: boolean;
  /** For putting them in order: size, contrast and outline. */
  readonly score: number;
}

export interface Change {
  /**
   * `changed`: `things` says what, the most plausible first. `hand-only`: nothing but what reaches in from the edge and
   * moves. `everything-changed`: the pictures have too little in common (the light went out, the camera turned).
   */
  readonly outcome: 'changed' | 'nothing-changed' | 'hand-only' | 'everything-changed';
  readonly things: readonly FoundThing[];
  /** How much of the region changed, 0 … 1. */
  readonly changedShare: number;
  readonly shift: Shift;
}

const columns = 160;
const mostThings = 4;
/** More than this share of a region is no thing: the view is another one. */
const mostShare = 0.75;
/** Share of the region that a thing has at least. */
const leastShare = 0.0012;
/** Of its own area a pushed thing is explained to this share by a thing that lay close by. */
const movedShare = 0.6;
/** Where so much of a blob was pushed, the rest of it is looked at for itself. */
const splitShare = 0.2;
/** Of a pushed thing's area, what is left must be this share to be another thing. */
const leastRest = 0.12;
const mostBlobs = 6;
/** An arm lies at the edge of the region with so many values, and so much of it moves from one frame to the next. */
const leastAtEdge = 3;
const movingShare = 0.06;
/**
 * An outline this much on the picture that the mass does not ask about is a thing of the other way: of an exchange the mass
 * has one sign, the things have two. Things that came or went by themselves measured 0.18 or more the right way.
 */
const otherWay = -0.25;
/** Evidence of a movement of a fraction of a value: less than what makes a change believed. */
const stirring = 0.7;

/** The room that comparisons of one size need. */
class Workspace {
  readonly before: Reduced;
  readonly after: Reduced;
  readonly other: Reduced;
  readonly registration: Registration;
  readonly evidence: Evidence;
  readonly motion: Evidence;
  readonly blobs: Blobs;
  readonly mask: Uint8Array;
  readonly moved: Uint8Array;
  readonly rest: Uint8Array;
  readonly moving: Uint8Array;

  constructor(region: Region) {
    this.before = createReduced(region, columns);
    this.after = createReduced(region, columns);
    this.other = createReduced(region, columns);
    this.registration = new Registration(this.before);
    this.evidence = new Evidence(this.before);
    this.motion = new Evidence(this.before);
    this.blobs = new Blobs(this.before);
    this.mask = new Uint8Array(this.before.luma.length);
    this.moved = new Uint8Array(this.before.luma.length);
    this.rest = new Uint8Array(this.before.luma.length);
    this.moving = new Uint8Array(this.before.luma.length);
  }
}

interface Candidate {
  readonly blob: Blob;
  readonly polarity: number;
  readonly moved: boolean;
  readonly score: number;
}

/** Tells what was put into a region or taken out of it. Keeps its room from one comparison to the next. */
export class ChangeFinder {
  #workspace: Workspace | undefined;
  #side = '';

  /**
   * Compares two pictures in a region.
   *
   * @throws {VisionError} CW-VIS-008 when a picture is shorter than its format asks for, or the region is not inside it
   */
  compare(asked: Comparison): Change {
    const work = this.#room(asked.region);
    reduce(asked.before, asked.region, work.before);
    reduce(asked.after, asked.region, work.after);
    const reach = Math.max(2, Math.round(work.before.width * 0.035));
    const shift = work.registration.find(work.before.luma, work.after.luma, reach);
    work.evidence.measure(work.before, work.after, shift);
    const changedShare = findMask(work);
    const told = { changedShare, shift };
    if (changedShare > mostShare) return { outcome: 'everything-changed', things: [], ...told };
    const { candidates: things, hands } = findCandidates(work, asked);
    if (things.length === 0)
      return { outcome: hands > 0 ? 'hand-only' : 'nothing-changed', things: [], ...told };
    if (asked.sign === 0 && things.every((one) => one.moved)) {
      return { outcome: hands > 0 ? 'hand-only' : 'nothing-changed', things: [], ...told };
    }
    return {
      outcome: 'changed',
      things: things.slice(0, mostThings).map((one) => describe(one, asked, work, shift)),
      ...told,
    };
  }

  #room(region: Region): Workspace {
    const side = `${region.width} ${region.height}`;
    if (this.#workspace === undefined || this.#side !== side) this.#workspace = new Workspace(region);
    this.#side = side;
    return this.#workspace;
  }
}

/** Marks what changed; returns its share. */
function findMask({ evidence, blobs, mask }: Workspace): number {
  blobs.hysteresis(evidence.values, 0.7, 1.15, mask);
  blobs.grow(mask, 2);
  blobs.grow(mask, -2);
  blobs.fillHoles(mask, mask.length * 0.15);
  // Windows see a change before they lie on it.
  blobs.grow(mask, -1);
  let set = 0;
  for (const value of mask) set += value;
  return set / mask.length;
}

/** What may be a thing, the best first, and whether a hand was there. */
function findCandidates(work: Workspace, asked: Comparison): { candidates: Candidate[]; hands: number } {
  const { evidence, blobs, mask, moved, rest } = work;
  const { sign } = asked;
  const least = Math.max(6, mask.length * leastShare);
  const reach = Math.round(work.before.width * 0.12);
  const isHand = handSense(work, asked);
  moved.fill(0);
  rest.set(mask);
  let hands = 0;
  const pushed: Candidate[] = [];
  for (const blob of blobs.find(mask, 1, evidence.values, mostBlobs)) {
    if (blob.area < least) continue;
    if (isHand(blob)) {
      hands++;
      blobs.erase(rest, blob);
      continue;
    }
    const side = polarity(evidence, blobs.labels, blob);
    const share = explainByMove(evidence, blobs.labels, blob, mask, wayOf(side, sign), reach, moved);
    if (share >= splitShare) blobs.split(rest, moved, blob);
    if (share >= movedShare) pushed.push(candidateOf(work, blob, side, sign, true));
  }
  const left = blobs
    .find(rest, 1, evidence.values, mostBlobs)
    .filter((blob) => blob.area >= least)
    .map((blob) => candidateOf(work, blob, polarity(evidence, blobs.labels, blob), sign, false))
    .filter((part) => !pushed.some((whole) => isCrumb(part, whole, sign === 0 ? whole.polarity : sign)));
  const order = (a: Candidate, b: Candidate) => b.score - a.score;
  return { candidates: [...left.sort(order), ...pushed.sort(order)], hands };
}

/**
 * Whether a candidate is only what a displacement did not explain to the last value, or the ground that a pushed thing gave
 * free or covered: a part of it without an outline on the picture that is asked about.
 */
function isCrumb(
  { blob: part, polarity: side }: Candidate,
  { blob: whole }: Candidate,
  direction: number,
): boolean {
  const within =
    part.left >= whole.left - 2 &&
    part.top >= whole.top - 2 &&
    part.right <= whole.right + 2 &&
    part.bottom <= whole.bottom + 2;
  const share = part.area / whole.area;
  return within && (share < leastRest || (share < 0.5 && side * direction < 0));
}

function candidateOf(
  work: Workspace,
  blob: Blob,
  side: number,
  sign: -1 | 0 | 1,
  isMoved: boolean,
): Candidate {
  return { blob, polarity: side, moved: isMoved, score: scoreOf(blob, work, side, sign) };
}

/** Size (its square root: four times the area is twice as good), contrast, how much of its box it fills, and its side. */
function scoreOf(blob: Blob, { mask }: Workspace, side: number, sign: -1 | 0 | 1): number {
  const size = Math.sqrt(blob.area / mask.length);
  const contrast = Math.min(3, blob.weight / blob.area);
  const filled = blob.area / ((blob.right - blob.left) * (blob.bottom - blob.top));
  const fits = sign === 0 ? 1 : 0.15 + 0.85 / (1 + Math.exp(-5 * side * sign));
  return size * contrast * Math.max(0.25, filled) * fits;
}

/**
 * Tells whether a blob reaches in from the edge of the region and moves between frames close to each other. These are
 * compared only when a blob is at the edge.
 */
function handSense(work: Workspace, asked: Comparison): (blob: Blob) => boolean {
  const { motion, other, blobs, before, after, moving } = work;
  let measured = false;
  const measure = () => {
    measured = true;
    moving.fill(0);
    for (const [picture, still] of [
      [asked.beforeThat, before],
      [asked.afterThat, after],
    ] as const) {
      if (picture === undefined) continue;
      reduce(picture, asked.region, other);
      motion.measure(other, still, { dx: 0, dy: 0, turn: 0 });
      for (let at = 0; at < moving.length; at++) if ((motion.values[at] ?? 0) >= stirring) moving[at] = 1;
    }
  };
  return (blob) => {
    if (blob.atEdge < leastAtEdge) return false;
    if (!measured) measure();
    let count = 0;
    for (let y = blob.top; y < blob.bottom; y++) {
      for (let at = y * before.width + blob.left; at < y * before.width + blob.right; at++) {
        if (blobs.labels[at] === blob.label) count += moving[at] ?? 0;
      }
    }
    return count >= Math.max(4, movingShare * blob.area);
  };
}

function describe(candidate: Candidate, asked: Comparison, { before }: Workspace, shift: Shift): FoundThing {
  const came = wayOf(candidate.polarity, asked.sign) > 0;
  const picture = came ? asked.after : asked.before;
  const box = boxInPicture(candidate.blob, before, came ? { dx: 0, dy: 0 } : shift, picture);
  return {
    change: came ? 'came' : 'went',
    box,
    crop: squareAround(box, picture),
    moved: candidate.moved,
    score: candidate.score,
  };
}

/** Whether a thing with its outline on that side came (1) or went (-1). */
function wayOf(side: number, sign: -1 | 0 | 1): 1 | -1 {
  if (sign === 0) return side >= 0 ? 1 : -1;
  if (side * sign > otherWay) return sign;
  return side > 0 ? 1 : -1;
}
