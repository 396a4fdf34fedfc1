import { describeError, isCoded } from '#base/errors.ts';
import type { Reading, ReadingSink } from '#readings/readings.ts';
import type { Device, DeviceIdentity, DriverContext } from '../driver.ts';
import { FaultBus } from '../fault-bus.ts';
import type { Port } from '../ports/ports.ts';
import { FaultLatch } from './fault-latch.ts';
import { Ended, Lifetime } from './lifetime.ts';

/** What a device that is asked again and again does; the rest is the same for all of them. */
export interface PolledPlan {
  readonly identity: DeviceIdentity;
  /** Closed when the device stops. */
  readonly port: Port;
  /** From the beginning of one round to that of the next, µs; a slow one is followed at once. */
  readonly periodUs: number;
  /** Without a reading for so long it is told as missing, µs. */
  readonly silenceUs: number;
  /** Brings the device into its working state: at the start, and again when it was missing or had reset itself. */
  setUp(tools: PolledTools): Promise<void>;
  /** Asks once, and delivers what is there. */
  round(tools: PolledTools): Promise<void>;
  /** Where the port tells that it is lost; its transfers may tell it as well, with CW-DRV-005. */
  onLost?(listener: (error: unknown) => void): void;
}

export interface PolledTools {
  readonly life: Lifetime;
  readonly faults: FaultLatch;
  readonly deliver: ReadingSink;
}

/** What fails for less than this is not told: a transfer that was disturbed is repeated by the next round, µs. */
const patienceUs = 300_000;
/** A round that took so long to fail has held the bus, as a board does that waits for an answer, µs: others get a turn. */
const slowUs = 50_000;
const calmUs = 100_000;
/** Between attempts to set up what is missing, µs. */
const againUs = 500_000;
/** What delivers nothing although it answers is set up anew after this, µs. */
const silentSetUpUs = 2_000_000;
/** Before silence is told, it is looked at once more after this, µs. */
const secondLookUs = 100_000;

/**
 * A device that is asked in rounds. A round that fails is tried again; what goes on failing, and what is silent, is
 * told as `missing` and set up anew until it delivers again, which clears the fault. A port that is lost ends it with
 * `disconnected`, once: the supervisor opens it again.
 */
export function polledDevice(plan: PolledPlan, context: DriverContext): Device {
  const rounds = new Rounds(plan, context);
  return {
    identity: plan.identity,
    faults: rounds.bus,
    start: (sink) => rounds.start(sink),
    stop: () => rounds.stop(),
  };
}

class Rounds {
  readonly bus: FaultBus;
  readonly #plan: PolledPlan;
  readonly #context: DriverContext;
  readonly #life: Lifetime;
  readonly #latch: FaultLatch;
  #started = false;
  #lost = false;
  #isSetUp = false;
  #setUpUs = 0;
  #deliveredUs = 0;
  /** Since when every round has failed, and how the last one did. */
  #failing: { readonly sinceUs: number; readonly code: string; readonly message: string } | undefined;
  #cancelWatch: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(plan: PolledPlan, context: DriverContext) {
    this.#plan = plan;
    this.#context = context;
    this.bus = new FaultBus((error) =>
      context.log.error({ err: describeError(error) }, 'a fault listener threw'),
    );
    this.#life = new Lifetime(context.clock);
    this.#latch = new FaultLatch(this.bus);
    plan.onLost?.((error) => this.#lose(error));
  }

  /** Rejects as the first setting up does. */
  async start(sink: ReadingSink): Promise<void> {
    if (this.#started || this.#life.over) return;
    this.#started = true;
    const tools: PolledTools = {
      life: this.#life,
      faults: this.#latch,
      deliver: (reading) => this.#deliver(reading, sink),
    };
    try {
      await this.#setUp(tools);
    } catch (error) {
      if (error instanceof Ended) return;
      throw error;
    }
    if (this.#life.over) return;
    this.#deliveredUs = this.#context.clock.nowUs();
    this.#watch(this.#plan.silenceUs - secondLookUs);
    void this.#run(tools);
  }

  async stop(): Promise<void> {
    this.#life.end();
    this.#cancelWatch?.();
    this.#closing ??= this.#plan.port.close();
    await this.#closing;
  }

  /** The port is gone. Told once; nothing is delivered afterwards. */
  #lose(error: unknown): void {
    if (this.#lost || this.#life.over) return;
    this.#lost = true;
    this.#life.end();
    this.#cancelWatch?.();
    const code = isCoded(error) ? error.code : 'CW-DRV-005';
    const message = error instanceof Error ? error.message : String(error);
    this.bus.emit({ fault: 'disconnected', code, message: `${this.#context.id}: ${message}` });
  }

  async #run(tools: PolledTools): Promise<void> {
    const { clock } = this.#context;
    let dueUs = clock.nowUs();
    while (!this.#life.over) {
      let waitUs: number;
      const beganUs = clock.nowUs();
      try {
        if (!this.#isSetUp) await this.#setUp(tools);
        await this.#plan.round(tools);
        this.#failing = undefined;
        const sinceUs = Math.max(this.#deliveredUs, this.#setUpUs);
        if (clock.nowUs() - sinceUs >= silentSetUpUs) this.#isSetUp = false;
        dueUs = Math.max(dueUs + this.#plan.periodUs, clock.nowUs());
        waitUs = dueUs - clock.nowUs();
      } catch (error) {
        if (this.#life.over || error instanceof Ended) return;
        waitUs = this.#failed(error, beganUs);
        dueUs = clock.nowUs() + waitUs;
      }
      try {
        await this.#life.rest(waitUs);
      } catch {
        return;
      }
    }
  }

  async #setUp(tools: PolledTools): Promise<void> {
    await this.#plan.setUp(tools);
    this.#isSetUp = true;
    this.#setUpUs = this.#context.clock.nowUs();
  }

  /** How long to wait before it is tried again, µs. */
  #failed(error: unknown, beganUs: number): number {
    const code = isCoded(error) ? error.code : 'CW-DRV-008';
    const message = `${this.#context.id}: ${error instanceof Error ? error.message : String(error)}`;
    if (code === 'CW-DRV-005') {
      this.#lose(error);
      return 0;
    }
    if (code === 'CW-DRV-018') {
      this.#isSetUp = false;
      this.#latch.raise({ fault: 'missing', code, message });
      return 0;
    }
    const nowUs = this.#context.clock.nowUs();
    const sinceUs = this.#failing?.sinceUs ?? nowUs;
    this.#failing = { sinceUs, code, message };
    const isPatient = this.#plan.periodUs < patienceUs && nowUs - sinceUs < patienceUs;
    if (isPatient && this.#isSetUp) {
      return nowUs - beganUs < slowUs ? this.#plan.periodUs : calmUs;
    }
    this.#isSetUp = false;
    this.#latch.raise({ fault: 'missing', code, message });
    return againUs;
  }

  #deliver(reading: Reading, sink: ReadingSink): void {
    if (this.#life.over) return;
    this.#deliveredUs = this.#context.clock.nowUs();
    this.#latch.clear('missing');
    sink(reading);
  }

  /**
   * By a timer of its own, so that it also notices a round that never ends. It looks twice: after the process slept, its
   * timer comes before what the device delivered meanwhile.
   */
  #watch(afterUs: number, isSecondLook = false): void {
    const { clock, id } = this.#context;
    const { silenceUs } = this.#plan;
    this.#cancelWatch = clock.after(afterUs, () => {
      const silentUs = clock.nowUs() - this.#deliveredUs;
      const isSilent = silentUs >= silenceUs - secondLookUs;
      if (isSilent && isSecondLook) {
        const silence = `${id}: no reading for ${silenceUs / 1_000_000} s; check its supply and wiring`;
        const { code, message } = this.#failing ?? { code: 'CW-DRV-008', message: silence };
        this.#latch.raise({ fault: 'missing', code, message });
      }
      this.#watch(isSilent ? secondLookUs : silenceUs - secondLookUs - silentUs, isSilent);
    });
  }
}
