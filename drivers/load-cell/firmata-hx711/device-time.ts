/** Windows of device time of which the least delayed frame each is remembered, µs; short ones first. */
const shortestWindowUs = 50_000;
const longestWindowUs = 500_000;
/** A window is this part of the time that the estimate has run. */
const windowPart = 1 / 8;
const mostPoints = 64;
/** A ceramic resonator is within ±0.5 %, an RC oscillator within ±2 %; more is no drift. */
const mostDrift = 0.025;
/** All delays so much above what was known, for so many windows: time has jumped, and the estimate begins anew. */
const jumpUs = 100_000;
const jumpWindows = 8;

/**
 * Maps a device's clock (µs, 32 bits, wrapping after 71.6 min) to the host's. Each frame arrives later than it was
 * stamped, by a delay that is never less than some minimum but often more (USB polling, scheduling); the least delayed
 * frames therefore lie on the lower envelope of arrival against device time. The line under all remembered points that
 * touches the envelope around their mean time gives offset and drift (Moon, Skelly, Towsley: Estimation and removal of
 * clock skew from network delay measurements, INFOCOM 1999).
 *
 * What it gives is never after the arrival. Where in each half second one frame comes with a delay within δ of the
 * least and the drift is steady, the error is within 2δ + 0.1 ms of that least delay, ten seconds after the start; before,
 * it is within the drift of one window and the delays that were seen.
 */
export class DeviceTime {
  /** Unwrapped device time of the newest frame, µs; NaN before the first. */
  #deviceUs = Number.NaN;
  #stamp = 0;
  /** Device time and delay of the first frame: points are relative to them, so that they stay small. */
  #originUs = 0;
  #originDelayUs = 0;
  /** Delay = offset + drift × device time, both relative to the origin. */
  #offsetUs = 0;
  #drift = 0;
  #times: number[] = [];
  #delays: number[] = [];
  #windowEndUs = 0;
  #bestTimeUs = 0;
  #bestDelayUs = 0;
  #bestAboveUs = Number.POSITIVE_INFINITY;
  #above = 0;

  /** How much slower (positive) the device's clock runs than the host's, parts per million. */
  get driftPpm(): number {
    return Math.round(this.#drift * 1e6);
  }

  /** The device began anew: nothing is known. */
  reset(): void {
    this.#deviceUs = Number.NaN;
  }

  /**
   * Takes a frame's time stamp and its arrival, and answers the unwrapped device time; NaN where the stamp is before
   * the last one, which only a device that began anew gives. HOT PATH.
   */
  observe(stamp: number, arrivalUs: number): number {
    if (Number.isNaN(this.#deviceUs)) return this.#begin(stamp, arrivalUs);
    const step = (stamp - this.#stamp) | 0;
    if (step < 0) return Number.NaN;
    this.#stamp = stamp;
    this.#deviceUs += step;
    const time = this.#deviceUs - this.#originUs;
    const delay = arrivalUs - this.#deviceUs - this.#originDelayUs;
    const above = delay - this.#offsetUs - this.#drift * time;
    if (above < 0) this.#offsetUs += above;
    if (above < this.#bestAboveUs) {
      this.#bestAboveUs = above;
      this.#bestTimeUs = time;
      this.#bestDelayUs = delay;
    }
    if (time >= this.#windowEndUs) {
      this.#closeWindow(time);
      // Another slope may lie above this frame, which need not be the window's least delayed one.
      this.#offsetUs = Math.min(this.#offsetUs, delay - this.#drift * time);
    }
    return this.#deviceUs;
  }

  /** Host time of an unwrapped device time, whole µs. HOT PATH. */
  toHost(deviceUs: number): number {
    const time = deviceUs - this.#originUs;
    return Math.floor(deviceUs + this.#originDelayUs + this.#offsetUs + this.#drift * time);
  }

  #begin(stamp: number, arrivalUs: number): number {
    this.#stamp = stamp;
    this.#deviceUs = stamp;
    this.#originUs = stamp;
    this.#originDelayUs = arrivalUs - stamp;
    this.#offsetUs = 0;
    this.#drift = 0;
    this.#times = [0];
    this.#delays = [0];
    this.#windowEndUs = shortestWindowUs;
    this.#bestAboveUs = Number.POSITIVE_INFINITY;
    this.#above = 0;
    return stamp;
  }

  #closeWindow(time: number): void {
    this.#above = this.#bestAboveUs > jumpUs ? this.#above + 1 : 0;
    if (this.#above >= jumpWindows) {
      this.#times = [];
      this.#delays = [];
      this.#above = 0;
    }
    this.#times.push(this.#bestTimeUs);
    this.#delays.push(this.#bestDelayUs);
    if (this.#times.length > mostPoints) {
      this.#times.shift();
      this.#delays.shift();
    }
    this.#bestAboveUs = Number.POSITIVE_INFINITY;
    this.#windowEndUs = time + Math.min(longestWindowUs, Math.max(shortestWindowUs, time * windowPart));
    this.#fit();
  }

  /** The edge of the points' lower hull that spans their mean time. */
  #fit(): void {
    const times = this.#times;
    const delays = this.#delays;
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const hull: { readonly time: number; readonly delay: number }[] = [];
    times.forEach((time, index) => {
      const point = { time, delay: delays[index] ?? 0 };
      for (;;) {
        const a = hull.at(-2);
        const b = hull.at(-1);
        if (a === undefined || b === undefined) break;
        const turn =
          (b.time - a.time) * (point.delay - a.delay) - (b.delay - a.delay) * (point.time - a.time);
        if (turn > 0) break;
        hull.pop();
      }
      hull.push(point);
    });
    const next = hull.findIndex(({ time }) => time > mean);
    const from = hull[next - 1];
    const to = hull[next];
    if (from !== undefined && to !== undefined) {
      const drift = (to.delay - from.delay) / (to.time - from.time);
      this.#drift = Math.min(mostDrift, Math.max(-mostDrift, drift));
    }
    let offset = Number.POSITIVE_INFINITY;
    for (const { time, delay } of hull) offset = Math.min(offset, delay - this.#drift * time);
    this.#offsetUs = offset;
  }
}
