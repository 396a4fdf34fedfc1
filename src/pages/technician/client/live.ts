import type { Infer } from '#events/fields.ts';
import { liveCounts, liveWeight } from '#events/mqtt-payloads.ts';
import type { Broker, Heard } from './broker.ts';
import { readRecord } from './records.ts';

export type Weights = Infer<typeof liveWeight>;
export type Counts = Infer<typeof liveCounts>;

/** One value at one time, s before or after an origin of no meaning. */
interface Sample {
  readonly atS: number;
  readonly value: number;
}

/** Plots show so long, s. */
export const windowS = 60;
const leaseS = 30;
const renewMs = 12_000;

/** Live values of one device for as long as somebody looks: raw counts of cells and mass of plates. */
export class Live {
  readonly #broker: Broker;
  readonly #device: string;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #series = new Map<string, Sample[]>();
  weights: Weights | undefined;
  counts: Counts | undefined;
  #heardMs = 0;
  #heardUs: number | undefined;

  constructor(broker: Broker, device: string) {
    this.#broker = broker;
    this.#device = device;
    broker.watch(`${device}/live/#`);
    this.#timer = setInterval(() => this.renew(), renewMs);
    this.renew();
  }

  /** Asks for more; leases that nobody renews end by themselves. */
  renew(): void {
    if (!this.#broker.connected || document.hidden) return;
    for (const what of ['weight', 'counts']) {
      void this.#broker.ask(this.#device, 'live.start', { what, seconds: leaseS }, 8_000);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#broker.unwatch(`${this.#device}/live/#`);
    if (this.#broker.connected) void this.#broker.ask(this.#device, 'live.stop', {}, 5_000);
  }

  /** Values came within the last two seconds. */
  get fresh(): boolean {
    return performance.now() - this.#heardMs < 2_000;
  }

  /** The device's own monotonic time now, µs, as far as live values tell it. */
  get nowUs(): number | undefined {
    return this.#heardUs === undefined
      ? undefined
      : this.#heardUs + (performance.now() - this.#heardMs) * 1_000;
  }

  /** Takes what came; true where it was live values of this device. */
  take({ device, topic, payload }: Heard): boolean {
    if (device !== this.#device || !topic.startsWith('live/')) return false;
    try {
      if (topic === 'live/weight') this.#weighed(readRecord(liveWeight, payload));
      else if (topic === 'live/counts') this.#counted(readRecord(liveCounts, payload));
      this.#heardMs = performance.now();
      this.#heardUs = Math.max(this.weights?.atUs ?? 0, this.counts?.atUs ?? 0);
      return true;
    } catch {
      return false;
    }
  }

  /** What was measured of a plate (`plate:ID`, mg) or a cell (`cell:ID`, counts) in the last minute. */
  series(name: string): readonly Sample[] {
    return this.#series.get(name) ?? [];
  }

  #weighed(weights: Weights): void {
    this.weights = weights;
    for (const { plate, grossMg, tareMg } of weights.plates) {
      if (grossMg !== undefined) this.#add(`plate:${plate}`, weights.atUs, grossMg - tareMg);
    }
  }

  #counted(counts: Counts): void {
    this.counts = counts;
    for (const cell of counts.cells) this.#add(`cell:${cell.cell}`, counts.atUs, cell.counts);
  }

  #add(name: string, atUs: number, value: number): void {
    const atS = atUs / 1e6;
    const series = this.#series.get(name) ?? [];
    // A device that was started again counts its time anew.
    if ((series.at(-1)?.atS ?? atS) > atS) series.length = 0;
    series.push({ atS, value });
    while ((series[0]?.atS ?? atS) < atS - windowS) series.shift();
    this.#series.set(name, series);
  }
}
