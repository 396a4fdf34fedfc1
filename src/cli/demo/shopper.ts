import type { Clock } from '#base/clock.ts';
import type { Answer } from '#commands/messages.ts';
import type { CartEvent } from '#events/event.ts';
import { loadScenarioFiles } from '#simulation/files.ts';
import { type TimelineStep, timeline } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';
import type { TimedTruth } from '#traces/replay.ts';

export type SendCommand = (command: string, args: Readonly<Record<string, unknown>>) => Promise<Answer>;

export interface ShopperOptions {
  readonly scenarioPath: string;
  readonly clock: Clock;
  readonly send: SendCommand;
  readonly onAnswer: (command: string, answer: Answer) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * The virtual shopper, as far as she isn't physical: the world puts goods into the cart, she touches the display, which
 * is to say that she sends the scenario's commands over MQTT at their times. She knows when her trip began from the
 * event that answers her first scan, as monotonic time is the same in all processes of a machine.
 */
export class Shopper {
  readonly #options: ShopperOptions;
  readonly #trips: (seedOffset: number) => readonly TimelineStep[];
  #cancels: (() => void)[] = [];
  #trip = 0;
  #truths: TimedTruth[] = [];

  static async load(options: ShopperOptions): Promise<Shopper> {
    const scenario = await loadScenario(options.scenarioPath);
    const files = await loadScenarioFiles(scenario);
    return new Shopper(options, (offset) => timeline({ scenario, ...files, seed: scenario.seed + offset }));
  }

  private constructor(options: ShopperOptions, trips: (seedOffset: number) => readonly TimelineStep[]) {
    this.#options = options;
    this.#trips = trips;
  }

  /** What really happened on this trip so far known, for the summary. */
  get truths(): readonly TimedTruth[] {
    return this.#truths;
  }

  /** Seconds that a trip takes. */
  get tripSeconds(): number {
    return Math.round((this.#trips(0).at(-1)?.endUs ?? 0) / 1_000_000);
  }

  /** The cart has opened the basket: the trip's clock is known, and her commands are set. */
  begin(opened: CartEvent): void {
    const steps = this.#trips(this.#trip);
    this.#trip += 1;
    const first = steps.find((step) => step.action === 'scan');
    if (first === undefined) return;
    const offsetUs = opened.atUs - first.startUs;
    this.#truths = steps.flatMap((step) =>
      step.truths.map(({ atUs, truth }) => ({ truth, atUs: atUs + offsetUs })),
    );
    for (const { command, startUs } of steps) {
      if (command === undefined) continue;
      const delayUs = startUs + offsetUs - this.#options.clock.nowUs();
      this.#cancels.push(this.#options.clock.after(delayUs, () => this.#send(command.name, command.args)));
    }
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  #send(name: string, args: Readonly<Record<string, unknown>>): void {
    this.#options.send(name, args).then(
      (answer) => this.#options.onAnswer(name, answer),
      (error: unknown) => this.#options.onError(error),
    );
  }
}
