import { Worker } from 'node:worker_threads';
import type { FoundCode } from './evidence.ts';
import type { Luma } from './luma.ts';
import type { ReadEffort } from './zxing.ts';

/** What the thread is asked. */
export interface SearchJob {
  readonly id: number;
  readonly luma: Luma;
  readonly effort: ReadEffort;
}

/** What it answers; after `failed` it is of no use any more: WebAssembly that has aborted stays broken. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'found'; readonly id: number; readonly codes: readonly FoundCode[] }
  | { readonly kind: 'failed'; readonly why: string };

export interface ThreadListener {
  message(message: FromThread): void;
  /** It ended, or could not begin. Nothing comes afterwards. */
  ended(why: string): void;
}

/** A thread that looks for codes. */
export interface CodeThread {
  /** Hands a job over; the luma plane's memory goes with it. */
  post(job: SearchJob): void;
  /** Ends it at once, whatever it does; its listener hears nothing more. */
  end(): Promise<void>;
}

/** Starts a thread. Lets the process end while no job runs. */
export type StartThread = (listener: ThreadListener) => CodeThread;

/** Bound of the thread's own memory besides WebAssembly's, which the size of the pictures bounds. */
const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 };

/** Starts a worker thread with ZXing in it, or with another program that speaks the same messages. */
export function startCodeThread(
  listener: ThreadListener,
  program: URL = new URL('./code-worker.ts', import.meta.url),
): CodeThread {
  const worker = new Worker(program, { resourceLimits });
  let over = false;
  const ended = (why: string) => {
    if (over) return;
    over = true;
    listener.ended(why);
  };
  worker.on('message', (message: FromThread) => {
    if (over) return;
    // While nothing is searched, the thread keeps no process running.
    worker.unref();
    listener.message(message);
  });
  worker.on('error', (error) => ended(error instanceof Error ? error.message : String(error)));
  worker.on('exit', (code) => ended(`its thread ended (${code})`));
  return {
    post(job) {
      worker.ref();
      worker.postMessage(job, [job.luma.data.buffer as ArrayBuffer]);
    },
    async end() {
      over = true;
      await worker.terminate();
    },
  };
}
