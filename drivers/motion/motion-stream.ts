import { standardGravityMmS2 } from '#base/units.ts';
import type { FaultLatch } from '../polled/fault-latch.ts';
import type { PolledTools } from '../polled/polled-device.ts';
import { type Axes, mounted, upwards, type Vector } from './mounting.ts';

/** What is watched is judged over this, µs. */
const windowUs = 500_000;
/** A sensor that feels gravity measures about 1 g on average, however it lies; outside of this it is broken. */
const leastG = 0.5;
const mostG = 1.5;
/** A cart leans, but not so far (60°): then it is the mounting that is other than said. */
const leastUpPart = 0.5;
/** Of a window, so much may be at the end of the range: carts bump. */
const toleratedAtLimit = 0.5;
/** Windows of fewer samples say nothing. */
const leastSamples = 5;

export interface MotionStreamOptions {
  readonly source: string;
  readonly axes: Axes;
  /** One count of the sensor, mm/s². */
  readonly mmS2PerCount: number;
  /** The largest count. */
  readonly limit: number;
}

/** Turns the counts of an accelerometer into readings, and watches whether they can be true. */
export class MotionStream {
  readonly #options: MotionStreamOptions;
  readonly #faults: FaultLatch;
  #beganUs: number | undefined;
  #samples = 0;
  #sum: [number, number, number] = [0, 0, 0];
  #atLimit = 0;
  #changes = 0;
  #last: Vector | undefined;

  constructor(options: MotionStreamOptions, faults: FaultLatch) {
    this.#options = options;
    this.#faults = faults;
  }

  /** HOT PATH: one sample, in counts along the sensor's own axes. */
  sample(counts: Vector, atUs: number, deliver: PolledTools['deliver']): void {
    const { source, axes, mmS2PerCount } = this.#options;
    const [right, forward, up] = mounted(axes, counts);
    this.#see(counts, atUs);
    deliver({
      kind: 'motion',
      source,
      atUs,
      accelerationMmS2: [
        Math.round(right * mmS2PerCount),
        Math.round(forward * mmS2PerCount),
        Math.round(up * mmS2PerCount),
      ],
    });
  }

  #see(counts: Vector, atUs: number): void {
    this.#beganUs ??= atUs;
    this.#samples += 1;
    const last = this.#last;
    if (last === undefined || counts[0] !== last[0] || counts[1] !== last[1] || counts[2] !== last[2]) {
      this.#changes += 1;
    }
    this.#last = counts;
    const { limit } = this.#options;
    let isAtLimit = false;
    for (let axis = 0; axis < 3; axis++) {
      const value = counts[axis] ?? 0;
      this.#sum[axis] = (this.#sum[axis] ?? 0) + value;
      if (value >= limit || value <= -limit) isAtLimit = true;
    }
    if (isAtLimit) this.#atLimit += 1;
    if (atUs - this.#beganUs >= windowUs && this.#samples >= leastSamples) this.#judge(atUs);
  }

  #judge(atUs: number): void {
    const { source, axes, mmS2PerCount } = this.#options;
    const samples = this.#samples;
    const own: Vector = [this.#sum[0] / samples, this.#sum[1] / samples, this.#sum[2] / samples];
    const g = (Math.hypot(...own) * mmS2PerCount) / standardGravityMmS2;
    // The first of a window may differ from the one before it.
    const isStuck = this.#changes <= 1;
    const isSaturated = this.#atLimit > samples * toleratedAtLimit;
    const isUntrue = !isStuck && !isSaturated && (g < leastG || g > mostG);
    const up = mounted(axes, own)[2] / Math.max(1e-9, Math.hypot(...own));
    const isTurned = !isStuck && !isSaturated && !isUntrue && up < leastUpPart;
    this.#faults.set(isStuck, {
      fault: 'stuck',
      code: 'CW-DRV-015',
      message: `${source}: every sample of ${windowUs / 1000} ms is the same; check its supply, or replace the sensor`,
    });
    this.#faults.set(isSaturated, {
      fault: 'saturated',
      code: 'CW-DRV-015',
      message: `${source}: most samples are at the end of the range; choose a larger one, or look for what shakes it`,
    });
    this.#faults.set(isUntrue, {
      fault: 'integrity',
      code: 'CW-DRV-015',
      message: `${source}: it feels ${g.toFixed(2)} g on average, and gravity is 1 g; the sensor is broken or of another type`,
    });
    this.#faults.set(isTurned, {
      fault: 'configuration',
      code: 'CW-DRV-015',
      message: `${source}: gravity says that its axis ${upwards(own)} points up, not ${axes[2]}; is the cart lying down? If not, correct the option axes`,
    });
    this.#beganUs = atUs;
    this.#samples = 0;
    this.#sum = [0, 0, 0];
    this.#atLimit = 0;
    this.#changes = 0;
  }
}
