import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

type Said = Readonly<Record<string, unknown>>;

/** A store as a process of its own, as people run it. */
export class StoreProcess {
  readonly said: Said[] = [];
  readonly errors: string[] = [];
  readonly #child: ChildProcess;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [resolve('src/cli/main.ts'), 'store', 'run', '--json', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    createInterface({ input: stdout }).on('line', (line) => this.said.push(JSON.parse(line) as Said));
    createInterface({ input: stderr }).on('line', (line) => this.errors.push(line));
  }

  type(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  /** What of this kind was said. */
  of(kind: string, like: Said = {}): Said[] {
    const fits = (one: Said) => Object.entries(like).every(([key, value]) => one[key] === value);
    return this.said.filter((one) => one.kind === kind && fits(one));
  }

  /** Waits for something to be said; generous, as machines are busy. */
  async until(kind: string, like: Said = {}, count = 1): Promise<Said> {
    for (let tries = 0; tries < 6_000; tries++) {
      const found = this.of(kind, like)[count - 1];
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) break;
      await sleep(20);
    }
    const last = this.said.filter((one) => one.kind !== 'event').slice(-8);
    throw new Error(
      `no ${kind} ${JSON.stringify(like)}: ${[...last.map((one) => JSON.stringify(one)), ...this.errors.slice(-8)].join('\n')}`,
    );
  }

  /** Waits for a line with this code on standard error. */
  async untilError(code: string, count = 1): Promise<string> {
    for (let tries = 0; tries < 6_000; tries++) {
      const found = this.errors.filter((line) => line.includes(code))[count - 1];
      if (found !== undefined) return found;
      await sleep(20);
    }
    throw new Error(`no ${code}: ${this.errors.slice(-8).join('\n')}`);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** An orderly end; the exit code. */
  async stop(): Promise<number | null> {
    await this.#end('SIGTERM');
    return this.#child.exitCode;
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}
