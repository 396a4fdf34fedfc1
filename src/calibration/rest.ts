import { type CellBlocks, type ScaleBlocks, slopeOf } from './blocks.ts';
import type { CalibrationCode } from './errors.ts';

/** What rest is judged by. */
export interface RestRules {
  /** Cells of the plate, with what is known of their slopes, mg a count without sign; 0: nothing is. */
  readonly cells: readonly { readonly id: string; readonly milligramsPerCount: number }[];
  /** Id of the complete scale, where one carries the plate. */
  readonly scale?: string;
  /** d, mg. */
  readonly divisionMg: number;
  /** Largest drift at rest, d a second. */
  readonly driftDivisionsPerS: number;
}

/** What keeps a plate from being at rest. */
export interface Unrest {
  readonly code: Extract<CalibrationCode, 'CW-CAL-021' | 'CW-CAL-022'>;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Blocks from `from` up to, without, `to`. */
interface Window {
  readonly from: number;
  readonly to: number;
}

/** Where no slope is known, block means may spread by so many times what their noise makes them. */
const noiseFactor = 8;
/** A converter's own noise of some counts is always allowed. */
const leastCounts = 8;

interface Course {
  readonly id: string;
  readonly seconds: readonly number[];
  /** mg, or counts where `limit` is in counts. */
  readonly values: readonly number[];
  readonly limit: number;
  readonly unit: 'g' | 'counts';
}

/**
 * Says what is not at rest over the window: block means of a cell or of the sum of all that spread by more than 1 d (or,
 * where no slope is known, more than their noise), single readings whose noise is above 1 d, or a drift. Undefined: rest.
 * @param averaged how many of the last blocks will be averaged: drift is judged over those
 */
export function judgeRest(
  rules: RestRules,
  cells: ReadonlyMap<string, CellBlocks>,
  scale: ScaleBlocks | undefined,
  window: Window,
  averaged: number,
): Unrest | undefined {
  if (scale !== undefined) return judgeScale(rules, scale, window);
  const courses = rules.cells.map(({ id, milligramsPerCount }) =>
    courseOf(id, cells.get(id), milligramsPerCount, rules.divisionMg, window),
  );
  const weighable = courses.every(({ unit }) => unit === 'g');
  if (weighable && courses.length > 1) courses.push(sumOf(courses, rules.divisionMg));
  const drift = courses.map((course) => driftOf(course, averaged, rules.driftDivisionsPerS)).find(isThere);
  for (const course of courses) {
    const spread = Math.max(...course.values) - Math.min(...course.values);
    if (spread <= course.limit) continue;
    // What only creeps in one direction drifts; what goes back and forth shakes.
    const oneWay = Math.abs((course.values.at(-1) ?? 0) - (course.values[0] ?? 0)) > 0.9 * spread;
    if (oneWay && drift !== undefined) return drift;
    return {
      code: 'CW-CAL-021',
      message: `${course.id} changes by ${shown(spread, course)}, more than ${shown(course.limit, course)}: keep hands and wind away, let things come to rest`,
      details: { source: course.id, spread, limit: course.limit, unit: course.unit },
    };
  }
  return drift ?? noiseOf(rules, cells, window);
}

function courseOf(
  id: string,
  blocks: CellBlocks | undefined,
  magnitude: number,
  divisionMg: number,
  { from, to }: Window,
): Course {
  const means = blocks?.means(from, to) ?? [];
  const seconds = means.map((mean) => mean.seconds);
  if (magnitude > 0) {
    const values = means.map(({ counts }) => counts * magnitude);
    return { id: `cell ${id}`, seconds, values, limit: divisionMg, unit: 'g' };
  }
  const noise = noiseCounts(blocks, from, to);
  const each = noise / Math.sqrt(Math.max(1, blocks?.fewest(from, to) ?? 1));
  const values = means.map(({ counts }) => counts);
  return {
    id: `cell ${id}`,
    seconds,
    values,
    limit: Math.max(leastCounts, noiseFactor * each),
    unit: 'counts',
  };
}

/** Standard deviation within blocks, counts: what changes from block to block is not in it. */
function noiseCounts(blocks: CellBlocks | undefined, from: number, to: number): number {
  let variance = 0;
  let count = 0;
  for (let index = from; index < to; index++) {
    if (blocks?.has(index) !== true) continue;
    variance += blocks.summary(index, index + 1).sigmaCounts ** 2;
    count++;
  }
  return count === 0 ? 0 : Math.sqrt(variance / count);
}

function sumOf(courses: readonly Course[], divisionMg: number): Course {
  const [first] = courses;
  const values = (first?.values ?? []).map((_value, index) =>
    courses.reduce((sum, { values: own }) => sum + (own[index] ?? 0), 0),
  );
  return { id: 'the plate', seconds: first?.seconds ?? [], values, limit: divisionMg, unit: 'g' };
}

function driftOf(course: Course, averaged: number, divisionsPerS: number): Unrest | undefined {
  const values = course.values.slice(-averaged);
  if (values.length < averaged) return undefined;
  const seconds = course.seconds.slice(-averaged);
  const drift = slopeOf(values.map((value, index) => [seconds[index] ?? 0, value]));
  const most = divisionsPerS * course.limit;
  if (Math.abs(drift) <= most) return undefined;
  return {
    code: 'CW-CAL-022',
    message: `${course.id} drifts by ${shown(drift, course)} a second, more than ${shown(most, course)}: see that nothing leans on the plate, and let it warm up`,
    details: { source: course.id, drift, limit: most, unit: course.unit },
  };
}

/** A plate that hums stands still in the mean of its blocks: single readings show it. */
function noiseOf(
  rules: RestRules,
  cells: ReadonlyMap<string, CellBlocks>,
  { from, to }: Window,
): Unrest | undefined {
  for (const { id, milligramsPerCount } of rules.cells) {
    const sigma = noiseCounts(cells.get(id), from, to) * milligramsPerCount;
    if (sigma <= rules.divisionMg) continue;
    return {
      code: 'CW-CAL-021',
      message: `cell ${id} shakes by ±${(sigma / 1000).toFixed(2)} g, more than ±${(rules.divisionMg / 1000).toFixed(2)} g: look for what shakes it, or for a bad cable`,
      details: { source: id, sigmaMg: sigma, limit: rules.divisionMg },
    };
  }
  return undefined;
}

function judgeScale(rules: RestRules, scale: ScaleBlocks, { from, to }: Window): Unrest | undefined {
  const masses = scale.masses(from, to);
  const spread = Math.max(...masses) - Math.min(...masses);
  if (scale.isStable(from, to) && spread <= rules.divisionMg) return undefined;
  return {
    code: 'CW-CAL-021',
    message: `scale ${rules.scale ?? ''} ${scale.isStable(from, to) ? `changes by ${(spread / 1000).toFixed(1)} g` : 'says that it is not at rest'}: keep hands and wind away`,
    details: { source: rules.scale, spread },
  };
}

function shown(value: number, { unit }: Course): string {
  return unit === 'g' ? `${(value / 1000).toFixed(2)} g` : `${value.toFixed(0)} counts`;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
