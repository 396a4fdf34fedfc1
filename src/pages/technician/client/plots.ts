import { windowS } from './live.ts';
import { picture, svg } from './svg.ts';

interface Line {
  readonly name: string;
  readonly samples: readonly { readonly atS: number; readonly value: number }[];
}

const height = 220;
/** Card, page and their edges take so much of the window's width, px. */
const beside = 70;
const widest = 1_040;
/** A unit of a plot is a pixel, so that its letters stay readable on a phone. */
const plotWidth = () => Math.round(Math.max(280, Math.min(widest, innerWidth - beside)));
const left = 8;
const right = 8;
const top = 22;
const bottom = 24;
/** More points than the picture has columns show nothing more. */
const mostPoints = 320;

/**
 * Lines over the last minute. Each is told from the others by its dashes and its name as well as by its colour.
 * @param least the range is never narrower than that, so that noise does not fill it
 */
export function livePlot(
  label: string,
  lines: readonly Line[],
  least: number,
  shown: (value: number) => string,
): SVGElement {
  const width = plotWidth();
  const values = lines.flatMap(({ samples }) => samples.map(({ value }) => value));
  const now = Math.max(...lines.flatMap(({ samples }) => samples.slice(-1).map(({ atS }) => atS)), 0);
  const [low, high] = range(values, least);
  const x = (atS: number) => left + ((atS - now + windowS) / windowS) * (width - left - right);
  const y = (value: number) => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
  return picture(
    [0, 0, width, height],
    `${label}: ${lines.map(({ name, samples }) => `${name} ${shown(samples.at(-1)?.value ?? 0)}`).join(', ')}`,
    'plot',
    [low, (low + high) / 2, high].map((value) => [
      svg('line', { x1: left, x2: width - right, y1: y(value), y2: y(value), class: 'grid' }),
      svg('text', { x: left + 2, y: y(value) - 4, class: 'tick' }, shown(value)),
    ]),
    [-45, -30, -15, 0].map((s) =>
      svg(
        'text',
        { x: x(now + s), y: height - 6, class: 'tick', 'text-anchor': s === 0 ? 'end' : 'middle' },
        s === 0 ? 'now' : `−${-s} s`,
      ),
    ),
    lines.map(({ samples }, index) =>
      svg('path', {
        d: path(samples, x, y),
        class: `series s${index % 8}`,
        'vector-effect': 'non-scaling-stroke',
      }),
    ),
  );
}

function path(samples: Line['samples'], x: (atS: number) => number, y: (value: number) => number): string {
  const step = Math.max(1, Math.ceil(samples.length / mostPoints));
  let before = Number.NEGATIVE_INFINITY;
  return samples
    .filter((_sample, index) => index % step === 0 || index === samples.length - 1)
    .map(({ atS, value }) => {
      // A gap in what came is a gap in the line.
      const pen = atS - before > 2 ? 'M' : 'L';
      before = atS;
      return `${pen}${x(atS).toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join('');
}

function range(values: readonly number[], least: number): readonly [number, number] {
  if (values.length === 0) return [0, least];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = Math.max(least - (high - low), (high - low) * 0.15) / 2;
  return [low - room, high + room];
}

/** One load of a fit or a verification. */
interface Point {
  readonly massMg: number;
  readonly errorMg: number;
  readonly mpeMg: number;
  readonly at: string;
  /** Verified rather than fitted. */
  readonly checked?: boolean;
}

/** Errors over load, with the maximum permissible error as an envelope: circles were fitted, diamonds verified. */
export function residualPlot(
  points: readonly Point[],
  intervalMg: number | undefined,
  shown: { readonly mass: (mg: number) => string; readonly error: (mg: number) => string },
): SVGElement {
  const width = plotWidth();
  const most = Math.max(...points.map(({ massMg }) => massMg), 1);
  const worst = Math.max(...points.map(({ errorMg, mpeMg }) => Math.max(Math.abs(errorMg), mpeMg)), 1) * 1.15;
  const middle = (height - bottom + top) / 2;
  const x = (massMg: number) => 56 + (massMg / most) * (width - 76);
  const y = (mg: number) => middle - (mg / worst) * ((height - bottom - top) / 2);
  const limits = limitSteps(points, intervalMg);
  const limit = (sign: 1 | -1) =>
    limits
      .map(
        ({ fromMg, toMg, mpeMg }, index) =>
          `${index === 0 ? 'M' : 'L'}${x(fromMg)} ${y(sign * mpeMg)}L${x(toMg)} ${y(sign * mpeMg)}`,
      )
      .join('');
  const outside = points.filter(({ errorMg, mpeMg }) => Math.abs(errorMg) > mpeMg).length;
  return picture(
    [0, 0, width, height],
    `Errors of ${points.length} loads; ${outside === 0 ? 'all' : `${points.length - outside}`} within the maximum permissible error`,
    'plot',
    [worst / 1.15, 0, -worst / 1.15].map((mg) => [
      svg('line', { x1: 56, x2: width - 12, y1: y(mg), y2: y(mg), class: 'grid' }),
      svg(
        'text',
        { x: 50, y: y(mg) + 4, class: 'tick', 'text-anchor': 'end' },
        mg === 0 ? '0' : shown.error(mg),
      ),
    ]),
    [0, most].map((mg) =>
      svg(
        'text',
        { x: x(mg), y: height - 6, class: 'tick', 'text-anchor': mg === 0 ? 'middle' : 'end' },
        mg === 0 ? '0' : shown.mass(mg),
      ),
    ),
    svg('path', { d: limit(1), class: 'limit' }),
    svg('path', { d: limit(-1), class: 'limit' }),
    points.map(({ massMg, errorMg, mpeMg, checked }) => {
      const kind = Math.abs(errorMg) > mpeMg ? 'outside' : 'inside';
      const [px, py] = [x(massMg), y(errorMg)];
      return checked === true
        ? svg('path', { d: `M${px} ${py - 8}l8 8l-8 8l-8 -8z`, class: `point ${kind}` })
        : svg('circle', { cx: px, cy: py, r: 6, class: `point ${kind}` });
    }),
  );
}

/** Loads at which tolerances change, in e (OIML R 76-1, table 6; Handbook 44, table 6). */
const tolerancesChangeAt = [500, 2_000, 4_000, 10_000] as const;

/** The permissible error as steps over the load, as far as the points tell it. */
function limitSteps(points: readonly Point[], intervalMg: number | undefined) {
  const edges = intervalMg === undefined ? [] : tolerancesChangeAt.map((intervals) => intervals * intervalMg);
  const steps: { fromMg: number; toMg: number; mpeMg: number }[] = [];
  for (const { massMg, mpeMg } of points.toSorted((a, b) => a.massMg - b.massMg)) {
    const last = steps.at(-1);
    if (last === undefined)
      steps.push({ fromMg: edges.findLast((edge) => edge < massMg) ?? 0, toMg: massMg, mpeMg });
    else if (last.mpeMg === mpeMg) last.toMg = massMg;
    else {
      const edge = edges.find((one) => one >= last.toMg && one < massMg) ?? (last.toMg + massMg) / 2;
      last.toMg = edge;
      steps.push({ fromMg: edge, toMg: massMg, mpeMg });
    }
  }
  return steps;
}

/** A cell and its place, mm right of and forward of the plate's centre. */
export interface PlacedCell {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

/**
 * A plate from above, its front at the top, with its cells, and what lies where.
 * @param notes what to write at each cell
 */
export function platePicture(
  label: string,
  cells: readonly PlacedCell[],
  load: { readonly at: string; readonly text: string } | undefined,
  notes: Readonly<Record<string, readonly string[]>> = {},
): SVGElement {
  const reachX = Math.max(...cells.map(({ x }) => Math.abs(x)), 100);
  const reachY = Math.max(...cells.map(({ y }) => Math.abs(y)), 80);
  const scale = Math.min(140 / reachX, 92 / reachY);
  const place = ({ x, y }: { readonly x: number; readonly y: number }) => ({
    x: 200 + x * scale,
    y: 150 - y * scale,
  });
  const w = reachX * scale * 2 + 70;
  const hgt = reachY * scale * 2 + 70;
  const cell = cells.find(({ id }) => id === load?.at);
  const at = place(cell ?? { x: 0, y: 0 });
  return picture(
    [0, 0, 400, 300],
    label,
    'plate',
    svg('rect', { x: 200 - w / 2, y: 150 - hgt / 2, width: w, height: hgt, rx: 14, class: 'surface' }),
    svg('text', { x: 200, y: 150 - hgt / 2 - 6, class: 'tick', 'text-anchor': 'middle' }, 'front'),
    cells.map((one) => {
      const { x, y } = place(one);
      const lower = y >= 150;
      return [
        svg('circle', { cx: x, cy: y, r: 13, class: one.id === load?.at ? 'cell here' : 'cell' }),
        svg('text', { x, y: y + (lower ? 28 : -18), class: 'name', 'text-anchor': 'middle' }, one.id),
        notes[one.id]?.map((line, index) =>
          svg(
            'text',
            {
              x: x + (x < 200 ? 14 : x > 200 ? -14 : 0),
              y: y + (lower ? -40 : 32) + 18 * index,
              class: 'note',
              'text-anchor': 'middle',
            },
            line,
          ),
        ),
      ];
    }),
    load === undefined
      ? undefined
      : [
          svg('circle', { cx: at.x, cy: at.y, r: 44, class: 'target' }),
          svg('path', { d: `M${at.x - 30} ${at.y + 26}l6 -40h48l6 40z`, class: 'weight' }),
          svg('circle', { cx: at.x, cy: at.y - 22, r: 9, class: 'weight' }),
          svg('text', { x: at.x, y: at.y + 12, class: 'mass', 'text-anchor': 'middle' }, load.text),
        ],
  );
}
