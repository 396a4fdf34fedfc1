import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DeviceIdentity } from '#drivers/driver.ts';
import type { ByteRequest } from '#drivers/ports/ports.ts';
import type { SystemRoot } from '#drivers/ports/root.ts';
import type { PortAnswer, PortCall } from './port-server.ts';

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

/** Ports of a process of their own, and what came of them. */
export class PortProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #told: (() => void)[] = [];
  readonly data = new Map<number, { text: string; atUs: number }[]>();
  readonly lost = new Map<number, { code: string; message: string }[]>();
  #id = 0;

  constructor() {
    this.#child = fork(fileURLToPath(new URL('port-server.ts', import.meta.url)), { stdio: 'inherit' });
    this.#child.on('message', (answer) => this.#take(answer as PortAnswer));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Opens a port and listens to it. Rejects with the code and message of its error. */
  async open(
    request: ByteRequest,
    options: { root?: SystemRoot; listen?: boolean } = {},
  ): Promise<{ port: number; identity: DeviceIdentity }> {
    const value = await this.ask({ do: 'open', request, ...options });
    return value as { port: number; identity: DeviceIdentity };
  }

  ask(call: PortCall): Promise<unknown> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, call });
    });
  }

  text(port: number): string {
    return (this.data.get(port) ?? []).map(({ text }) => text).join('');
  }

  /** Waits until something is so, looking after every message. Fails after ten seconds. */
  async until(done: () => boolean, what: string): Promise<void> {
    const timeout = AbortSignal.timeout(10_000);
    while (!done()) {
      await new Promise<void>((resolve, reject) => {
        this.#told.push(resolve);
        timeout.addEventListener('abort', () => reject(new Error(`${what} did not happen`)), { once: true });
      });
    }
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  #take(answer: PortAnswer): void {
    if ('id' in answer) {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('error' in answer) waiting?.reject(Object.assign(new Error(answer.error.message), answer.error));
      else waiting?.resolve(answer.value);
    } else if ('lost' in answer) {
      this.lost.set(answer.port, [...(this.lost.get(answer.port) ?? []), answer.lost]);
    } else {
      const { port, data: text, atUs } = answer;
      this.data.set(port, [...(this.data.get(port) ?? []), { text, atUs }]);
    }
    for (const told of this.#told.splice(0)) told();
  }
}
