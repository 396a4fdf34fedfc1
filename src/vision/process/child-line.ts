import { type ChildProcess, fork } from 'node:child_process';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { RateLimit } from '#base/rate-limit.ts';
import type { FromVision, ToVision } from './messages.ts';
import { fromVisionSchema } from './schemas.ts';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LineListener {
  message(message: FromVision): void;
  /** Something else than a message came; `what` is safe to be logged. */
  nonsense(what: string): void;
  /** Once. Nothing is heard afterwards. */
  ended(ended: Ended): void;
}

/** Of what native code writes to standard error at once, so much is logged, characters. */
const longestText = 200;
/** Memory of JavaScript's own objects in the child, MB: frames lie outside of it. */
const heapMegabytes = 192;
const youngMegabytes = 4;

/**
 * What of the gateway's surroundings the vision process gets: what finds and loads programs and libraries, says language and
 * zone, and bounds what native code takes. Passwords that the gateway was given this way are none of a picture decoder's
 * business.
 */
const passedOn = [
  ...['PATH', 'HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'LANG', 'LC_ALL', 'TZ'],
  ...['LD_LIBRARY_PATH', 'LD_PRELOAD', 'MALLOC_ARENA_MAX', 'UV_THREADPOOL_SIZE', 'VIPS_CONCURRENCY'],
  // Where it keeps compiled code.
  ...['NODE_COMPILE_CACHE', 'CACHE_DIRECTORY', 'XDG_CACHE_HOME'],
  ...['NODE_OPTIONS', 'NODE_PATH', 'NODE_V8_COVERAGE'],
  // rpicam-vid's.
  ...['LIBCAMERA_IPA_MODULE_PATH', 'LIBCAMERA_IPA_CONFIG_PATH', 'LIBCAMERA_RPI_CONFIG_FILE'],
];

/** One vision process and the line to it: everything that comes over it is checked. */
export class ChildLine {
  /** Resolves when the process is gone. */
  readonly over: Promise<void>;
  readonly #child: ChildProcess;

  constructor(entry: string, log: Logger, listener: LineListener) {
    // A group of its own: programs that it started to capture pictures end with it.
    const child = fork(entry, [], {
      serialization: 'advanced',
      detached: true,
      execArgv: [`--max-old-space-size=${heapMegabytes}`, `--max-semi-space-size=${youngMegabytes}`],
      env: environment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    let over = false;
    const end = (ended: Ended) => {
      if (over) return;
      over = true;
      resolve();
      listener.ended(ended);
    };
    child.on('message', (value: unknown) => {
      if (over) return;
      const result = fromVisionSchema.safeParse(value);
      if (result.success) listener.message(result.data);
      else listener.nonsense(describeNonsense(result.error.issues[0]));
    });
    child.once('exit', (code, signal) => end({ code, signal }));
    // Could not be started at all, or could not be sent to: `exit` need not follow the former.
    child.on('error', (error) => {
      log.warn({ err: error.message }, 'the line to the vision process failed');
      if (child.pid === undefined) end({ code: null, signal: null });
    });
    if (child.stderr !== null) pass(child.stderr, log);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Lost where the process is gone. */
  send(message: ToVision): void {
    if (!this.#child.connected) return;
    this.#child.send(message, () => {
      // A process that ends while it is spoken to is heard of by its end.
    });
  }

  /** Ends it at once, with all that it started. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL');
    }
  }
}

function environment(): NodeJS.ProcessEnv {
  const given = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  // Fewer pools for the buffers that native code frees: a tenth less memory, measured.
  return { MALLOC_ARENA_MAX: '1', ...Object.fromEntries(given) };
}

/** Where it is wrong and why, never what was there: that might be a piece of a frame. */
function describeNonsense(
  issue: { readonly path: readonly PropertyKey[]; readonly code?: string } | undefined,
): string {
  const path = issue?.path.map(String).join('.').slice(0, 80) ?? '';
  return `${path === '' ? 'as a whole' : path}: ${issue?.code ?? 'unknown'}`;
}

/** What native libraries print: the first printable characters, a few times a minute, which is enough to know the library. */
function pass(stream: NonNullable<ChildProcess['stderr']>, log: Logger): void {
  const limit = new RateLimit(10, 10);
  stream.on('data', (chunk: Buffer) => {
    if (!limit.admits(systemClock.nowUs())) return;
    const text = chunk
      .subarray(0, longestText)
      .toString('latin1')
      .replace(/[^\x20-\x7e]/g, '?');
    log.warn({ text }, 'the vision process printed');
  });
}
