import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { findTool } from '../tools.ts';

/** Two ptys joined by socat at two paths: a serial line with a device's end and a host's end. */
export class PtyPair {
  readonly #socat: ChildProcess;
  readonly device: string;
  readonly host: string;

  constructor(socat: ChildProcess, device: string, host: string) {
    this.#socat = socat;
    this.device = device;
    this.host = host;
  }

  /** Resolves when both ends are there. */
  static async make(device: string, host: string): Promise<PtyPair> {
    const end = (link: string) => `pty,raw,echo=0,link=${link}`;
    const socat = spawn(findTool('socat') ?? 'socat', ['-d', '-d', end(device), end(host)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const pair = new PtyPair(socat, device, host);
    for await (const line of createInterface({ input: socat.stderr })) {
      if (line.includes('starting data transfer loop')) {
        socat.stderr.resume();
        return pair;
      }
    }
    throw new Error('socat ended before its ptys were there');
  }

  /** Both ends vanish, as when the adapter is pulled. */
  async pull(): Promise<void> {
    if (this.#socat.exitCode !== null || this.#socat.signalCode !== null) return;
    this.#socat.kill('SIGTERM');
    await once(this.#socat, 'exit');
  }
}
