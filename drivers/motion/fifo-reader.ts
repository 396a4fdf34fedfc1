import { DriverError } from '../errors.ts';
import type { PolledTools } from '../polled/polled-device.ts';
import { SampleClock } from '../polled/sample-clock.ts';
import { MotionStream, type MotionStreamOptions } from './motion-stream.ts';
import type { Vector } from './mounting.ts';

/**
 * The queue of an accelerometer is emptied this often, µs: each transfer through a board costs milliseconds, and the
 * gateway waits 40 ms for inputs that are late.
 */
export const emptyEveryUs = 20_000;
/** Without a sample for so long it is missing, µs. */
export const motionSilenceUs = 500_000;

/** How many samples wait in a queue. */
export interface FifoLevel {
  readonly samples: number;
  /** When the chip was asked. */
  readonly atUs: number;
  /** Older samples were overwritten. */
  readonly overflowed: boolean;
}

/** An accelerometer with a queue of its own. */
export interface FifoChip {
  setUp(tools: PolledTools): Promise<void>;
  level(): Promise<FifoLevel>;
  /** The oldest samples, no more than asked for, in counts along the chip's axes. */
  read(samples: number): Promise<readonly Vector[]>;
  /** Empties the queue and begins anew. */
  flush(): Promise<void>;
  /** Rejects with CW-DRV-018 where its settings are gone. */
  check(): Promise<void>;
}

/** The chip's settings are looked at this often, µs: a short loss of supply resets them without another sign. */
const checkEveryUs = 250_000;

/** Empties the queue of an accelerometer round by round, and gives its samples their times. */
export class FifoReader {
  readonly #chip: FifoChip;
  readonly #options: MotionStreamOptions;
  readonly #times: SampleClock;
  #stream: MotionStream | undefined;
  #checkedUs = Number.NEGATIVE_INFINITY;
  #overflowed = false;

  /** @param samplesPerSecond by the data sheet */
  constructor(chip: FifoChip, samplesPerSecond: number, options: MotionStreamOptions) {
    this.#chip = chip;
    this.#options = options;
    this.#times = new SampleClock(1_000_000 / samplesPerSecond);
  }

  async setUp(tools: PolledTools): Promise<void> {
    this.#stream ??= new MotionStream(this.#options, tools.faults);
    await this.#chip.setUp(tools);
    this.#times.restart();
    this.#checkedUs = Number.NEGATIVE_INFINITY;
  }

  async round(tools: PolledTools): Promise<void> {
    const { samples, atUs, overflowed } = await this.#chip.level();
    if (atUs - this.#checkedUs >= checkEveryUs) {
      await this.#chip.check();
      this.#checkedUs = atUs;
    }
    if (overflowed) {
      await this.#overflow(tools);
      return;
    }
    if (samples === 0) return;
    const counts = await this.#chip.read(samples);
    if (counts.length > samples)
      throw new DriverError('CW-DRV-006', 'the sensor gave more samples than it had');
    const times = this.#times.take(counts.length, atUs - this.#times.periodUs, atUs);
    counts.forEach((vector, index) => {
      const sampledUs = times[index];
      if (sampledUs !== undefined) this.#stream?.sample(vector, sampledUs, tools.deliver);
    });
    if (this.#overflowed) tools.faults.clear('timing');
    this.#overflowed = false;
  }

  async #overflow({ faults }: PolledTools): Promise<void> {
    this.#overflowed = true;
    faults.raise({
      fault: 'timing',
      code: 'CW-DRV-017',
      message: `${this.#options.source}: its queue ran over because nobody read it in time; samples are lost`,
    });
    await this.#chip.flush();
    this.#times.restart();
  }
}
