import { type Clock, systemClock } from '#base/clock.ts';
import { VisionError } from '../errors.ts';
import type { FoundCode } from './evidence.ts';
import type { Luma } from './luma.ts';
import { type CodeThread, type FromThread, type StartThread, startCodeThread } from './thread.ts';
import type { ReadEffort } from './zxing.ts';

interface CodeReaderOptions {
  readonly clock?: Clock;
  readonly startThread?: StartThread;
  /** A search that takes longer has hung, ms. Default 3000: fifty times what a large picture takes. */
  readonly limitMs?: number;
}

/** Loading WebAssembly on a small machine with a slow card, µs. */
const startLimitUs = 20_000_000;
/** After a second failure in a row nothing is started for a while, ms: doubling, up to half a minute. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

interface Job {
  readonly luma: Luma;
  readonly effort: ReadEffort;
  readonly resolve: (codes: readonly FoundCode[] | undefined) => void;
  readonly reject: (error: VisionError) => void;
}

/**
 * Looks for codes in a thread of its own, so that nothing waits for it: one search at a time, and of each view at most
 * one that waits, the newest. A thread that hangs or dies is ended and replaced.
 */
export class CodeReader {
  readonly #clock: Clock;
  readonly #startThread: StartThread;
  readonly #limitUs: number;
  /** By view of a camera; it keeps its place in the row when a newer picture takes the older one's. */
  readonly #waiting = new Map<string, Job>();
  #thread: CodeThread | undefined;
  #ready = false;
  #running: (Job & { readonly id: number }) | undefined;
  #cancelLimit: (() => void) | undefined;
  #lastId = 0;
  #failures = 0;
  #pausedUntilUs = 0;
  #closed = false;

  constructor({
    clock = systemClock,
    startThread = startCodeThread,
    limitMs = 3_000,
  }: CodeReaderOptions = {}) {
    this.#clock = clock;
    this.#startThread = startThread;
    this.#limitUs = limitMs * 1000;
  }

  /**
   * The codes in a luma plane, whose memory is given away. `undefined` where a newer picture of the same view (a camera,
   * or a part of what it sees) took its place before its turn came. Rejects with CW-VIS-018 where the search failed or took too long, or after `close`.
   */
  search(view: string, luma: Luma, effort: ReadEffort): Promise<readonly FoundCode[] | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#clock.nowUs() < this.#pausedUntilUs) {
        const why = this.#closed ? 'the reader of codes is closed' : 'the reader of codes failed again';
        reject(new VisionError('CW-VIS-018', `${why}; codes of ${view} are not looked for`));
        return;
      }
      this.#waiting.get(view)?.resolve(undefined);
      this.#waiting.set(view, { luma, effort, resolve, reject });
      this.#next();
    });
  }

  /** Ends the thread; searches that are under way or wait are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    const thread = this.#thread;
    this.#giveUp('the reader of codes is closed');
    await thread?.end();
  }

  #next(): void {
    if (this.#running !== undefined || this.#closed) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    if (this.#thread === undefined) this.#start();
    if (!this.#ready) return;
    const [view, job] = first;
    this.#waiting.delete(view);
    const id = ++this.#lastId;
    this.#running = { ...job, id };
    this.#limit(this.#limitUs, `a search took longer than ${this.#limitUs / 1000} ms`);
    this.#thread?.post({ id, luma: job.luma, effort: job.effort });
  }

  #start(): void {
    this.#ready = false;
    this.#limit(startLimitUs, `ZXing was not ready after ${startLimitUs / 1e6} s`);
    const thread: CodeThread = this.#startThread({
      message: (message) => {
        if (thread === this.#thread) this.#hear(message);
      },
      ended: (why) => {
        if (thread === this.#thread) this.#fail(why);
      },
    });
    this.#thread = thread;
  }

  #hear(message: FromThread): void {
    if (message.kind === 'failed') {
      this.#fail(message.why);
      return;
    }
    if (message.kind === 'ready') {
      this.#ready = true;
      this.#cancelLimit?.();
    } else if (message.id === this.#running?.id) {
      this.#cancelLimit?.();
      this.#failures = 0;
      const { resolve } = this.#running;
      this.#running = undefined;
      resolve(message.codes);
    }
    this.#next();
  }

  #limit(afterUs: number, why: string): void {
    this.#cancelLimit?.();
    this.#cancelLimit = this.#clock.after(afterUs, () => this.#fail(why));
  }

  /** The thread is of no use any more: it is ended, and the next search starts another, at once after a first failure. */
  #fail(why: string): void {
    const thread = this.#thread;
    this.#failures += 1;
    const pauseMs =
      this.#failures < 2 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures - 2, 10));
    if (pauseMs > 0) this.#pausedUntilUs = this.#clock.nowUs() + pauseMs * 1000;
    const running = this.#running;
    const keepWaiting = running !== undefined && pauseMs === 0;
    if (keepWaiting) {
      this.#running = undefined;
      this.#thread = undefined;
      this.#cancelLimit?.();
      running.reject(failure(why));
    } else this.#giveUp(why);
    void thread?.end();
    this.#next();
  }

  #giveUp(why: string): void {
    this.#cancelLimit?.();
    const jobs = [this.#running, ...this.#waiting.values()];
    this.#running = undefined;
    this.#thread = undefined;
    this.#ready = false;
    this.#waiting.clear();
    for (const job of jobs) job?.reject(failure(why));
  }
}

function failure(why: string): VisionError {
  return new VisionError(
    'CW-VIS-018',
    `codes of a frame could not be looked for: ${why}; the next frame is tried with a new thread`,
  );
}
