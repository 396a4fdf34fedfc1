import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/**
 * A process whose timers and monotonic clock are virtual, while its sockets and files are real: a day without a broker passes as fast
 * as its attempts to connect fail. For programs of their own: it replaces globals.
 */
interface Timer {
  readonly at: number;
  readonly run: () => void;
  readonly everyMs: number | undefined;
}

const real = {
  now: performance.now.bind(performance),
  setTimeout: globalThis.setTimeout,
};

export class VirtualProcess {
  readonly #timers = new Map<number, Timer>();
  /** Sockets that wait for the other side's word, or whose failure nobody has heard of yet. */
  readonly #connecting = new Set<unknown>();
  #nowMs = 0;
  #next = 1;

  constructor() {
    const set = (run: (...args: unknown[]) => void, delayMs = 0, everyMs?: number, args: unknown[] = []) => {
      const id = this.#next++;
      this.#timers.set(id, { at: this.#nowMs + Math.max(1, delayMs), run: () => run(...args), everyMs });
      return id;
    };
    const clear = (id: unknown) => this.#timers.delete(Number(id));
    Object.assign(globalThis, {
      setTimeout: (run: () => void, delayMs?: number, ...args: unknown[]) =>
        set(run, delayMs, undefined, args),
      setInterval: (run: () => void, everyMs = 1, ...args: unknown[]) =>
        set(run, everyMs, Math.max(1, everyMs), args),
      clearTimeout: clear,
      clearInterval: clear,
    });
    subscribe('net.client.socket', (message) => {
      const { socket } = message as { readonly socket: Socket };
      this.#connecting.add(socket);
      for (const end of ['connect', 'close']) socket.once(end, () => this.#connecting.delete(socket));
    });
    Object.assign(performance, { now: () => this.#nowMs });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets so much time pass; whatever a timer begins on a socket is waited for before the next one runs. */
  async pass(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    for (;;) {
      const [id, timer] = this.#earliest();
      if (timer === undefined || timer.at > end) break;
      this.#nowMs = Math.max(this.#nowMs, timer.at);
      if (timer.everyMs === undefined) this.#timers.delete(id);
      else this.#timers.set(id, { ...timer, at: timer.at + timer.everyMs });
      timer.run();
      await this.#settle();
    }
    this.#nowMs = end;
  }

  #earliest(): [number, Timer | undefined] {
    let found: [number, Timer | undefined] = [0, undefined];
    for (const [id, timer] of this.#timers) {
      if (found[1] === undefined || timer.at < found[1].at) found = [id, timer];
    }
    return found;
  }

  async #settle(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#connecting.size > 0);
  }

  /** Time passes as it really does until `condition` holds; throws after `withinMs`. */
  async until(condition: () => boolean, what: string, withinMs: number): Promise<void> {
    const from = real.now();
    for (let last = from; !condition(); ) {
      await new Promise<void>((resolve) => real.setTimeout(resolve, 2));
      const now = real.now();
      if (now - from > withinMs) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
      await this.pass(now - last);
      last = now;
    }
  }
}
