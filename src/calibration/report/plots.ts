import { mgPerGram, mgPerKilogram } from '#base/units.ts';
import { html, type Markup } from './html.ts';
import { type Axis, axisOf, coordinate } from './scale.ts';

const width = 520;
const height = 320;
const left = 64;
const right = 506;
const top = 16;
const bottom = 268;

/** Shapes and colours of series: told apart without colour too. */
type SeriesKind = 'up' | 'down' | 'other';

interface PlotPoint {
  /** Along, in the unit of the axis. */
  readonly x: number;
  /** Error, mg. */
  readonly yMg: number;
}

export interface PlotSeries {
  readonly kind: SeriesKind;
  readonly name: string;
  readonly points: readonly PlotPoint[];
  /** Points are joined by a line. */
  readonly joined: boolean;
}

interface ErrorPlot {
  /** What a reader who doesn't see it is told. */
  readonly label: string;
  readonly xName: string;
  readonly xMost: number;
  readonly series: readonly PlotSeries[];
  /** Limits by x, mg, rising in x: the band of ± `limitMg` up to each `upTo`. */
  readonly limits: readonly { readonly upTo: number; readonly limitMg: number }[];
}

/** A drawing of errors over loads or times, with the band that is allowed. */
export function errorPlot(plot: ErrorPlot): Markup {
  const most = Math.max(
    ...plot.limits.map(({ limitMg }) => limitMg),
    ...plot.series.flatMap(({ points }) => points.map(({ yMg }) => Math.abs(yMg))),
    1,
  );
  const yMost = (1.15 * most) / mgPerGram;
  const x = axisOf(0, plot.xMost, left, right, 6);
  const y = axisOf(-yMost, yMost, bottom, top, 6);
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${plot.label}">
${band(plot, x, y)}${grid(x, y, plot.xName)}
${plot.series.map((series) => drawSeries(series, x, y))}
${legend(plot.series)}</svg>`;
}

function band(plot: ErrorPlot, x: Axis, y: Axis): Markup {
  const upper: string[] = [];
  const lower: string[] = [];
  let from = 0;
  for (const { upTo, limitMg } of plot.limits) {
    const to = Math.min(upTo, plot.xMost);
    if (to <= from && from > 0) break;
    const grams = limitMg / mgPerGram;
    for (const at of [from, to]) {
      upper.push(`${coordinate(x.at(at))},${coordinate(y.at(grams))}`);
      lower.push(`${coordinate(x.at(at))},${coordinate(y.at(-grams))}`);
    }
    from = to;
  }
  return html`<polygon class="allowed" points="${[...upper, ...lower.toReversed()].join(' ')}"/>
<polyline class="limit" points="${upper.join(' ')}"/><polyline class="limit" points="${lower.join(' ')}"/>`;
}

function grid(x: Axis, y: Axis, xName: string): Markup {
  const rows = y.ticks.map((tick) => {
    const at = coordinate(y.at(tick));
    const text = tick === 0 ? '0' : `${tick > 0 ? '+' : '−'}${Math.abs(tick).toFixed(y.digits)}`;
    return html`<line class="${Math.abs(tick) < 1e-9 ? 'zero' : 'grid'}" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text x="${left - 8}" y="${at}" dy="0.35em" text-anchor="end">${text}</text>`;
  });
  const columns = x.ticks.map((tick) => {
    const at = coordinate(x.at(tick));
    return html`<line class="tick" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}"/><text x="${at}" y="${bottom + 20}" text-anchor="middle">${tick.toFixed(x.digits)}</text>`;
  });
  return html`${rows}<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>${columns}
<text class="name" x="${right}" y="${height - 12}" text-anchor="end">${xName}</text>
<text class="name" x="14" y="${(top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(top + bottom) / 2})">error in g</text>`;
}

function drawSeries(series: PlotSeries, x: Axis, y: Axis): Markup {
  const points = series.points.map((point) => [x.at(point.x), y.at(point.yMg / mgPerGram)] as const);
  const line = points.map(([px, py]) => `${coordinate(px)},${coordinate(py)}`).join(' ');
  return html`${series.joined ? html`<polyline class="line ${series.kind}" points="${line}"/>` : undefined}${points.map(([px, py]) => marker(series.kind, px, py))}`;
}

function marker(kind: SeriesKind, x: number, y: number): Markup {
  const [px, py] = [coordinate(x), coordinate(y)];
  if (kind === 'other') return html`<circle class="mark other" cx="${px}" cy="${py}" r="4.5"/>`;
  const tip = kind === 'up' ? -6 : 6;
  const points = `${px},${coordinate(y + tip)} ${coordinate(x - 5.5)},${coordinate(y - 0.7 * tip)} ${coordinate(x + 5.5)},${coordinate(y - 0.7 * tip)}`;
  return html`<polygon class="mark ${kind}" points="${points}"/>`;
}

function legend(series: readonly PlotSeries[]): Markup {
  let x = left + 6;
  const parts = series.map(({ kind, name }) => {
    const part = html`${marker(kind, x, height - 17)}<text x="${x + 11}" y="${height - 12}">${name}</text>`;
    x += 28 + 8 * name.length;
    return part;
  });
  return html`<g class="legend">${parts}</g>`;
}

/** One corner of a plate, or its middle. */
export interface CornerMark {
  readonly name: string;
  /** mm right of and forward of the centre. */
  readonly positionMm: readonly [number, number];
  readonly text?: string;
  readonly passed?: boolean;
}

/** The plate from above, front side up, with what each corner was wrong by. */
export function cornerMap(marks: readonly CornerMark[], label: string): Markup {
  const farX = Math.max(1, ...marks.map(({ positionMm }) => Math.abs(positionMm[0])));
  const farY = Math.max(1, ...marks.map(({ positionMm }) => Math.abs(positionMm[1])));
  // As long as it is wide on paper, within what leaves room for the words.
  const ratio = Math.max(0.55, Math.min(1.5, farX / farY));
  const halfY = 88;
  const halfX = Math.min(170, Math.max(80, halfY * ratio));
  const [cx, cy] = [width / 2, 150];
  const drawn = marks.map((mark) => {
    const x = cx + (mark.positionMm[0] / farX) * halfX;
    const y = cy - (mark.positionMm[1] / farY) * halfY;
    const state = mark.passed === undefined ? 'silent' : mark.passed ? 'good' : 'bad';
    const word = mark.text ?? 'not tested';
    return html`<circle class="corner ${state}" cx="${coordinate(x)}" cy="${coordinate(y)}" r="9"/>${mark.passed === false ? html`<path class="cross" d="M${coordinate(x - 4)} ${coordinate(y - 4)}l8 8m0-8l-8 8"/>` : undefined}
<text class="value" x="${coordinate(x)}" y="${coordinate(y - 17)}" text-anchor="middle">${word}</text><text class="name" x="${coordinate(x)}" y="${coordinate(y + 26)}" text-anchor="middle">${mark.name}</text>`;
  });
  return html`<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
<rect class="plate" x="${coordinate(cx - halfX - 62)}" y="${cy - halfY - 42}" width="${coordinate(2 * halfX + 124)}" height="${2 * halfY + 84}" rx="14"/>
${drawn}<text class="name" x="${cx}" y="${height - 14}" text-anchor="middle">seen from above; the front is up</text></svg>`;
}

export const toKilograms = (massMg: number): number => massMg / mgPerKilogram;
