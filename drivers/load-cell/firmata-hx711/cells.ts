import type { ReadingSink } from '#readings/readings.ts';
import { DeviceTime } from './device-time.ts';
import { ageUnitUs, mostChannels, type SampleFrame } from './protocol.ts';

/** An interval longer than this many periods has lost conversions in it. */
const longInterval = 1.5;
/** So many long intervals in a row without a lost frame: the converter is slower than was thought. */
const longIntervals = 4;
const periodWeight = 1 / 32;

/** What a frame tells beyond its samples. */
export interface FrameVerdict {
  /** Frames that are missing before this one. */
  lost: number;
  /** The device's time ran backwards: it began anew without saying so. The frame was not used. */
  disorder: boolean;
}

/** Turns frames into readings of the cells: their times on the host's clock, their running numbers. */
export class CellStream {
  readonly time = new DeviceTime();
  readonly #cells: readonly (string | undefined)[];
  readonly #sequence = new Float64Array(mostChannels);
  /** Device time of a channel's last sample in this run; NaN before the first. */
  readonly #deviceUs = new Float64Array(mostChannels).fill(Number.NaN);
  /** Host time of a channel's last sample; it outlives a reset of the device. NaN before the first. */
  readonly #hostUs = new Float64Array(mostChannels).fill(Number.NaN);
  readonly #periodUs: Float64Array;
  readonly #long = new Uint8Array(mostChannels);
  readonly #order = new Uint8Array(mostChannels);
  readonly #verdict: FrameVerdict = { lost: 0, disorder: false };
  #expected = -1;
  #lastHostUs = Number.NEGATIVE_INFINITY;
  samples = 0;

  /** @param cells ids by channel @param periodUs what is expected between conversions of one channel */
  constructor(cells: readonly (string | undefined)[], periodUs: number) {
    this.#cells = cells;
    this.#periodUs = new Float64Array(mostChannels).fill(periodUs);
  }

  /** Host time of the channel's last sample, µs; NaN where none came yet. */
  lastUs(channel: number): number {
    return this.#hostUs[channel] ?? Number.NaN;
  }

  /** Learned interval between the channel's conversions, µs of the device's clock. */
  periodUs(channel: number): number {
    return this.#periodUs[channel] ?? Number.NaN;
  }

  /** The bridge begins a new run of frames: from 0, and where it was reset also with a new clock. */
  restart(newClock: boolean): void {
    this.#expected = 0;
    if (!newClock) return;
    this.time.reset();
    this.#deviceUs.fill(Number.NaN);
  }

  /**
   * Gives the frame's samples to `sink` in order of their time. `arrivalUs` is the frame's arrival less the time that
   * it took on the line. The verdict is overwritten by the next one. HOT PATH: allocates the readings only.
   */
  accept(frame: SampleFrame, arrivalUs: number, sink: ReadingSink): FrameVerdict {
    const verdict = this.#verdict;
    verdict.lost = 0;
    verdict.disorder = false;
    const frameUs = this.time.observe(frame.timestampUs, arrivalUs);
    if (Number.isNaN(frameUs)) {
      verdict.disorder = true;
      return verdict;
    }
    if (this.#expected >= 0) {
      const gap = (frame.sequence - this.#expected) & 0xffff;
      // Half the range ahead is behind: a run that was begun without the host. Something was lost with it.
      verdict.lost = gap < 0x8000 ? gap : 1;
    }
    this.#expected = (frame.sequence + 1) & 0xffff;
    this.#sort(frame);
    for (let i = 0; i < frame.length; i++) {
      const index = this.#order[i] ?? 0;
      const channel = frame.channel[index] ?? 0;
      const source = this.#cells[channel];
      if (source === undefined) continue;
      const deviceUs = frameUs - (frame.age[index] ?? 0) * ageUnitUs;
      const atUs = Math.max(this.#lastHostUs, this.time.toHost(deviceUs));
      this.#lastHostUs = atUs;
      const sequence = this.#number(channel, deviceUs, atUs, verdict.lost > 0);
      this.samples += 1;
      sink({ kind: 'cell', source, atUs, counts: frame.counts[index] ?? 0, sequence });
    }
    return verdict;
  }

  /** Order of the frame's samples by time, the oldest first. */
  #sort(frame: SampleFrame): void {
    const order = this.#order;
    for (let i = 0; i < frame.length; i++) {
      const age = frame.age[i] ?? 0;
      let at = i;
      while (at > 0 && (frame.age[order[at - 1] ?? 0] ?? 0) < age) {
        order[at] = order[at - 1] ?? 0;
        at -= 1;
      }
      order[at] = i;
    }
  }

  /** The sample's running number: it jumps by what was lost, as far as time tells. */
  #number(channel: number, deviceUs: number, atUs: number, framesLost: boolean): number {
    const periodUs = this.#periodUs[channel] ?? 0;
    const before = this.#deviceUs[channel] ?? Number.NaN;
    const last = this.#hostUs[channel] ?? Number.NaN;
    this.#deviceUs[channel] = deviceUs;
    this.#hostUs[channel] = atUs;
    if (Number.isNaN(last)) return 0;
    const inRun = !Number.isNaN(before);
    const interval = inRun ? deviceUs - before : atUs - last;
    const steps = interval > longInterval * periodUs ? Math.round(interval / periodUs) : 1;
    if (inRun) this.#learn(channel, interval, steps, framesLost);
    const sequence = ((this.#sequence[channel] ?? 0) + steps) % 0x1_0000_0000;
    this.#sequence[channel] = sequence;
    return sequence;
  }

  #learn(channel: number, interval: number, steps: number, framesLost: boolean): void {
    const periodUs = this.#periodUs[channel] ?? 0;
    if (framesLost) return;
    if (steps === 1) {
      this.#long[channel] = 0;
      this.#periodUs[channel] = periodUs + (interval - periodUs) * periodWeight;
      return;
    }
    const long = (this.#long[channel] ?? 0) + 1;
    this.#long[channel] = long % longIntervals;
    if (long >= longIntervals) this.#periodUs[channel] = interval;
  }
}
