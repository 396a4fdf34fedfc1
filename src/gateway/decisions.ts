import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { BasketSnapshot } from '#basket/basket.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import type { CommandOutcome } from '#pipeline/commands.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Pipeline, PipelineState } from '#pipeline/pipeline.ts';
import { GatewayError } from './errors.ts';
import { Ingest } from './ingest.ts';
import { buildOnSaved, type StateChanges, StateTracker, type StoredState, setAside } from './state.ts';

/** Where events and state are made durable together. */
export interface Store {
  /** Resolves when both are on disk. */
  store(events: readonly CartEvent[], state?: StateChanges): Promise<void>;
}

export interface DecisionLoopOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly store: Store;
  readonly stored: StoredState;
  /** Makes the pipeline, with the sink that collects its events, on what an earlier run saved. */
  readonly pipeline: (sink: (event: CartEvent) => void, state: PipelineState | undefined) => Pipeline;
  /** Sees each input as the pipeline takes it, in that order. */
  readonly onInput?: (input: PipelineInput) => void;
  /** Events that are on disk: from now on they may be shown and published. */
  readonly onStored: (events: readonly CartEvent[]) => void;
  /** The basket after a change that is on disk; undefined when its session has ended. */
  readonly onBasket: (basket: BasketSnapshot | undefined) => void;
  /** Events could not be stored and never will be: going on would leave a hole in the row. */
  readonly onLost: (error: unknown) => void;
}

/**
 * Inputs in, stored events out: the one loop in which decisions are made. Whatever comes of a batch of inputs goes to
 * disk in one transaction together with the state that follows from it, and nothing is shown before that.
 */
export class DecisionLoop {
  readonly #options: DecisionLoopOptions;
  readonly #pipeline: Pipeline;
  /** What an earlier run knew and this one goes on with. */
  readonly restored: PipelineState | undefined;
  /** Why what was saved could not be used. */
  readonly #damage: string | undefined;
  readonly #ingest: Ingest;
  readonly #tracker: StateTracker;
  #fresh: CartEvent[] = [];
  /** State to be stored with the events that are still to be stored. */
  #withFresh: StateChanges = {};
  /** Null before the first one was shown: a basket left from an earlier run is replaced or cleared at the start. */
  #shownMark: string | null = null;
  /** What the basket was when it was last on its way to be shown. */
  #lastMark = '';
  #storing: Promise<void> = Promise.resolve();
  #failed = false;
  #stopped = false;

  constructor(options: DecisionLoopOptions) {
    this.#options = options;
    const { value, state, damage } = buildOnSaved(options.stored, (saved) => {
      this.#fresh = [];
      return options.pipeline((event) => this.#fresh.push(event), saved);
    });
    this.#pipeline = value;
    this.restored = state;
    this.#damage = damage;
    if (damage !== undefined) options.log.error({ code: 'CW-GWY-003' }, damage);
    this.#tracker = new StateTracker(options.stored);
    this.#ingest = new Ingest(options.clock, {
      accept: (input) => {
        options.onInput?.(input);
        return this.#pipeline.accept(input);
      },
      advance: (toUs) => this.#pipeline.advance(toUs),
      settled: () => {
        if (this.#fresh.length > 0) this.#store();
        else if (this.#pipeline.basketMark !== this.#lastMark) this.#showBasket();
      },
    });
  }

  get pipeline(): Pipeline {
    return this.#pipeline;
  }

  /** Inputs whose time could not be kept. */
  get late(): number {
    return this.#ingest.late;
  }

  /** Time up to which has been decided, µs. */
  get decidedUs(): number {
    return this.#ingest.reachedUs;
  }

  /** Begins to take inputs. State that could not be used is told in the ledger, and kept beside in the same write. */
  start(): void {
    this.#ingest.start();
    if (this.#damage === undefined) return;
    this.#withFresh = { ...this.#withFresh, ...setAside(this.#options.stored) };
    this.push({
      kind: 'device-fault',
      source: 'gateway',
      atUs: this.#options.clock.nowUs(),
      fault: { fault: 'configuration', code: 'CW-GWY-003', message: this.#damage },
    });
  }

  /**
   * Stops taking inputs, decides on what is waiting and resolves when all of it is on disk. The outbox closes next: what
   * is asked for from now on is refused (CW-GWY-007) rather than lost in it.
   */
  async stop(): Promise<void> {
    this.#ingest.stop();
    this.#ingest.flush();
    this.#store();
    this.#stopped = true;
    await this.#storing;
  }

  push(input: PipelineInput): void {
    this.#ingest.push(input);
  }

  /** Decides now on what is waiting, without holding it back: at the start, when nothing earlier can come. */
  flush(): void {
    this.#ingest.flush();
  }

  /**
   * Carries a command out in its turn; the outcome is on disk when this resolves, in one write with the state that
   * `stateOf` gives for it and with events that it appends to the pipeline. Rejects where that is lost, and
   * with CW-GWY-007 after `stop`.
   */
  async command(
    command: string,
    args: Readonly<Record<string, unknown>>,
    transaction: string,
    stateOf: (outcome: CommandOutcome) => StateChanges = () => ({}),
  ): Promise<CommandOutcome> {
    this.#assertRuns();
    const atUs = this.#options.clock.nowUs();
    const input = { kind: 'command', atUs, command, args, transaction } as const;
    const outcome = await this.#ingest.command(input, (result) => {
      this.#withFresh = { ...this.#withFresh, ...stateOf(result) };
    });
    // Also what changed without an event, as a tare does.
    this.#store();
    await this.#storing;
    return outcome;
  }

  /**
   * Adds an event of the gateway's own to the row; resolves when it is on disk, rejects where it is lost, and with
   * CW-GWY-007 after `stop`.
   */
  async append(draft: Draft, state?: StateChanges): Promise<void> {
    this.#assertRuns();
    this.#pipeline.append(draft);
    this.#store(state);
    await this.#storing;
  }

  /** Saves state that changed without an event (a baseline that crept, say), or `state` given. Rejects as `append` does. */
  async saveState(state?: StateChanges): Promise<void> {
    this.#assertRuns();
    this.#store(state);
    await this.#storing;
  }

  #assertRuns(): void {
    if (!this.#stopped) return;
    throw new GatewayError('CW-GWY-007', 'the gateway is stopping; ask again when it runs');
  }

  #store(extra: StateChanges = {}): void {
    if (this.#failed) return;
    const events = this.#fresh;
    this.#fresh = [];
    const state = { ...this.#tracker.changes(this.#pipeline), ...this.#withFresh, ...extra };
    this.#withFresh = {};
    if (events.length === 0 && Object.keys(state).length === 0) return;
    const basket = this.#pipeline.snapshot();
    const mark = this.#pipeline.basketMark;
    this.#lastMark = mark;
    const stored = this.#options.store.store(events, state);
    // In order: a later batch is never shown before an earlier one, nor after one that was lost.
    this.#storing = Promise.all([this.#storing, stored]).then(() => this.#shown(events, basket, mark));
    this.#storing.catch((error: unknown) => this.#lost(error));
  }

  /** Time alone changed the basket, without an event: it is shown after what is still on its way to the disk. */
  #showBasket(): void {
    if (this.#failed) return;
    const basket = this.#pipeline.snapshot();
    const mark = this.#pipeline.basketMark;
    this.#lastMark = mark;
    this.#storing = this.#storing.then(() => this.#shown([], basket, mark));
    this.#storing.catch((error: unknown) => this.#lost(error));
  }

  /** The first failure ends it all: whoever waits for something to be stored, now or later, hears of it. */
  #lost(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.log.error({ err: describeError(error) }, 'events could not be stored');
    this.#options.onLost(error);
  }

  /** Never throws: what is stored is safe, whatever becomes of showing it. */
  #shown(events: readonly CartEvent[], basket: BasketSnapshot | undefined, mark: string): void {
    try {
      if (events.length > 0) this.#options.onStored(events);
      if (mark === this.#shownMark) return;
      this.#shownMark = mark;
      this.#options.onBasket(basket);
    } catch (error) {
      this.#options.log.error({ err: describeError(error) }, 'stored events could not be shown');
    }
  }
}
