import uPlot from 'uplot';
import type { PlateWeight, WeightHistory } from '../source.ts';
import { seriesColours } from './plates.ts';

/** The plot shows the last minute. */
const windowS = 60;
const height = 220;

/** 0 at rest, 1 not at rest, 2 rolling: as in WeightHistory. */
type Unrest = number;

/**
 * The live plot: one line a plate over the last minute, with bands where a plate was not at rest or the cart rolled.
 * The x axis is the time before now in seconds, so it needs no clock that agrees with the gateway's.
 */
export class WeightPlot {
  readonly #root: HTMLElement;
  #plot: uPlot | undefined;
  #plates: readonly string[] = [];
  #atS: number[] = [];
  #kilograms: (number | null)[][] = [];
  #unrest: Unrest[] = [];
  /** Gateway's monotonic seconds less this page's. */
  #offsetS = 0;
  #live = false;

  constructor(root: HTMLElement) {
    this.#root = root;
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#width(), height })).observe(root);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build());
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    setInterval(() => this.#draw(), calm ? 1_000 : 100);
  }

  /** Starts anew with what the gateway remembers. */
  show(plates: readonly string[], history: WeightHistory, nowUs: number): void {
    this.#offsetS = nowUs / 1e6 - performance.now() / 1e3;
    this.#atS = history.atUs.map((atUs) => atUs / 1e6);
    this.#kilograms = plates.map((id) =>
      (history.netMg[id] ?? []).map((mg) => (mg === null ? null : mg / 1e6)),
    );
    this.#unrest = [...history.unrest];
    this.#live = true;
    this.#plates = plates;
    this.#build();
  }

  add(atUs: number, weights: readonly PlateWeight[]): void {
    const atS = atUs / 1e6;
    // The gateway's clock may run a little faster or slower than the browser's: follow it without a visible jump.
    this.#offsetS += 0.05 * (atS - performance.now() / 1e3 - this.#offsetS);
    this.#atS.push(atS);
    this.#plates.forEach((id, index) => {
      const mg = weights.find((weight) => weight.id === id)?.netMg;
      this.#kilograms[index]?.push(mg === undefined ? null : mg / 1e6);
    });
    this.#unrest.push(weights.some((w) => w.moving) ? 2 : weights.some((w) => !w.stable) ? 1 : 0);
    while ((this.#atS[0] ?? atS) < atS - windowS - 2) {
      this.#atS.shift();
      this.#unrest.shift();
      for (const series of this.#kilograms) series.shift();
    }
  }

  /** While the connection is lost time stands still: the plot must not suggest that nothing happened. */
  freeze(): void {
    this.#live = false;
  }

  #width(): number {
    return Math.max(240, this.#root.clientWidth);
  }

  #draw(): void {
    if (this.#plot === undefined || !this.#live || document.hidden) return;
    const now = performance.now() / 1e3 + this.#offsetS;
    const ago = this.#atS.map((atS) => atS - now);
    this.#plot.setData([ago, ...this.#kilograms], false);
    this.#plot.setScale('x', { min: -windowS, max: 0 });
  }

  #build(): void {
    this.#plot?.destroy();
    const style = getComputedStyle(this.#root);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--quiet'),
      font: '12px system-ui, sans-serif',
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
    };
    this.#plot = new uPlot(
      {
        width: this.#width(),
        height,
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { range: (_, low, high) => around(low, high) } },
        axes: [
          {
            ...axis,
            space: 60,
            size: 34,
            gap: 10,
            values: (_, splits) => splits.map((s) => (s === 0 ? 'now' : `${s} s`.replace('-', '−'))),
          },
          { ...axis, size: 62, values: (_, splits) => splits.map((kg) => `${trim(kg)} kg`) },
        ],
        series: [
          {},
          ...this.#plates.map((label, index) => ({
            label,
            stroke: colour(`--series-${index % seriesColours}`),
            width: 2,
            points: { show: false },
            spanGaps: false,
          })),
        ],
        hooks: {
          drawClear: [(plot: uPlot) => this.#bands(plot, colour('--band-settling'), colour('--band-moving'))],
        },
      },
      [[], ...this.#plates.map(() => [])],
      this.#root,
    );
    this.#draw();
  }

  /** Bands behind the lines where the mass was not at rest. */
  #bands(plot: uPlot, settling: string, moving: string): void {
    const { ctx, bbox } = plot;
    const ago = plot.data[0];
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    let start = 0;
    for (let index = 1; index <= ago.length; index++) {
      const state = this.#unrest[start];
      if (index < ago.length && this.#unrest[index] === state) continue;
      if (state === 1 || state === 2) {
        const left = plot.valToPos(ago[start] ?? 0, 'x', true);
        const right = plot.valToPos(ago[Math.min(index, ago.length - 1)] ?? 0, 'x', true);
        ctx.fillStyle = state === 2 ? moving : settling;
        ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
      }
      start = index;
    }
    ctx.restore();
  }
}

/** The y range: what was seen with some room, from zero where that costs little, and never so narrow that noise fills it. */
function around(low: number | null, high: number | null): [number, number] {
  const [a, b] = [low ?? 0, high ?? 1];
  const room = Math.max(0.05, (b - a) * 0.15);
  const bottom = a >= 0 && a - room < 0.35 * b ? Math.min(0, a) : a - room;
  return [bottom, b + room];
}

function trim(kg: number): string {
  return kg
    .toFixed(3)
    .replace(/\.?0+$/, '')
    .replace('-', '−');
}
