import { Worker } from 'node:worker_threads';
import { describeError } from '#base/errors.ts';
import { createRandom } from '#base/random.ts';
import { Backoff } from '#base/retry.ts';
import { fromPlain, UplinkError } from './errors.ts';
import type { EngineOptions, FromWorker, Ping, ToWorker, WorkerStart } from './thread.ts';

type Opened = Extract<FromWorker, { kind: 'opened' }>;

export interface SupervisorHooks {
  /** Everything that a thread says after its first `opened`. */
  message(message: FromWorker): void;
  /** A new thread has taken over; its `opened` was passed to `message`. */
  replaced(): void;
  fault(error: UplinkError): void;
}

/** A thread that hangs is found after so many questions without an answer. */
const questions = 6;
/** Opening an outbox takes no longer: it is bounded, and so is reading it once, ms. */
const openWithinMs = 90_000;

/** Keeps one uplink thread alive: one that ends unasked is reported and replaced, with growing delays. */
export class Supervisor {
  readonly #options: EngineOptions;
  readonly #hooks: SupervisorHooks;
  readonly #backoff: Backoff;
  #worker: Worker | undefined;
  #boot: number | undefined;
  #ready = false;
  #generation = 0;
  #stopping: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onReady: (() => void)[] = [];
  #failed: UplinkError | undefined;
  readonly #watch: NodeJS.Timeout;
  /** Questions in a row without a word of the thread. */
  #unanswered = 0;
  #spawnedMs = 0;
  #hangs = false;

  constructor(options: EngineOptions, hooks: SupervisorHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#backoff = new Backoff(
      { firstMs: 50, maxMs: 10_000 },
      createRandom(options.seed).fork('supervisor'),
    );
    this.#watch = setInterval(() => this.#look(), options.silentMs / questions);
    this.#watch.unref();
  }

  /** Counts the threads: what belongs to an earlier one is told apart by it. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * For how long the thread has not said a word, ms. It counts questions, not time: where this thread was held up itself,
   * answers wait to be read. Opening an outbox may take its time.
   */
  get silentMs(): number {
    if (this.#ready && !this.#hangs) return (this.#unanswered * this.#options.silentMs) / questions;
    return Math.max(0, performance.now() - this.#spawnedMs - (this.#hangs ? 0 : openWithinMs));
  }

  /** Asks the thread for a word; ends one that has not answered for too long: another takes over where it stopped. */
  #look(): void {
    if (!this.#ready || this.#hangs) return;
    if (this.#unanswered < questions) {
      this.#unanswered++;
      this.#worker?.postMessage({ kind: 'ping' } satisfies Ping);
      return;
    }
    this.#hangs = true;
    this.#spawnedMs = performance.now() - this.#options.silentMs;
    const seconds = this.#options.silentMs / 1000;
    this.#failed = new UplinkError(
      'CW-UPL-014',
      `the uplink's thread did not answer for ${seconds} s; a new one takes over and stores what this one had not confirmed`,
      { details: { silentMs: this.#options.silentMs } },
    );
    void this.#worker?.terminate();
  }

  /** Starts the first thread. Rejects with what kept it from opening the outbox. */
  open(): Promise<Opened> {
    return new Promise((resolve, reject) => {
      this.#spawn((opened) => {
        if (opened instanceof UplinkError) reject(opened);
        else resolve(opened);
      });
    });
  }

  /** Dropped while there is no thread: `replaced` is the occasion to say everything again. */
  post(message: ToWorker): void {
    if (this.#ready) this.#worker?.postMessage(message);
  }

  /** Ends the thread at once and waits for the next one. */
  async restart(): Promise<void> {
    if (this.#stopping !== undefined) return;
    const ready = new Promise<void>((resolve) => this.#onReady.push(resolve));
    await this.#worker?.terminate();
    await ready;
  }

  /** Lets the thread finish within the bound, then ends it. Idempotent. */
  stop(withinMs: number): Promise<void> {
    this.#stopping ??= this.#stop(withinMs);
    return this.#stopping;
  }

  async #stop(withinMs: number): Promise<void> {
    clearInterval(this.#watch);
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === undefined || !this.#ready) {
      await worker?.terminate();
      return;
    }
    await new Promise<void>((resolve) => {
      // The thread keeps to its own bound; a disk that hangs must not keep us for ever.
      const timer = setTimeout(resolve, withinMs + 2_000);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'stopped') done();
      });
      worker.once('exit', done);
      worker.postMessage({ kind: 'stop', withinMs } satisfies ToWorker);
    });
    await worker.terminate();
  }

  #spawn(first?: (opened: Opened | UplinkError) => void): void {
    const start: WorkerStart = {
      options: this.#options,
      resume: this.#boot === undefined ? undefined : { boot: this.#boot },
    };
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: start, name: 'uplink' });
    this.#worker = worker;
    this.#generation++;
    this.#ready = false;
    this.#hangs = false;
    this.#unanswered = 0;
    this.#spawnedMs = performance.now();
    this.#failed = undefined;
    let reason = 'it ended';
    worker.on('message', (message: FromWorker) => {
      this.#unanswered = 0;
      if (message.kind === 'failed') this.#failed = fromPlain(message.error);
      else if (message.kind === 'opened') this.#opened(message, first);
      else this.#hooks.message(message);
    });
    worker.on('error', (error) => {
      reason = describeError(error);
    });
    worker.once('exit', () => this.#exited(reason, this.#boot === undefined ? first : undefined));
  }

  #opened(opened: Opened, first: ((opened: Opened) => void) | undefined): void {
    this.#ready = true;
    this.#boot = opened.start.boot;
    if (first !== undefined) first(opened);
    else {
      this.#hooks.message(opened);
      this.#hooks.replaced();
    }
    for (const resolve of this.#onReady.splice(0)) resolve();
  }

  #exited(reason: string, first: ((opened: UplinkError) => void) | undefined): void {
    this.#ready = false;
    if (this.#stopping !== undefined) return;
    const error =
      this.#failed ??
      new UplinkError('CW-UPL-012', `the uplink's thread ended (${reason}); a new one takes over`, {
        details: { reason },
      });
    if (first !== undefined) {
      first(error);
      return;
    }
    this.#hooks.fault(error);
    this.#timer = setTimeout(() => this.#spawn(), this.#backoff.nextMs());
  }
}
