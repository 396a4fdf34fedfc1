import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** QEMU's own control protocol (QMP) on a pair of streams: commands in order, one answer each. */
export class Qmp {
  readonly #out: Writable;
  readonly #waiting: Waiting[] = [];
  readonly #listeners = new Set<(event: string, data: Record<string, unknown>) => void>();
  readonly #greeting: Promise<void>;
  #ended: Error | undefined;

  constructor(input: Readable, out: Writable) {
    this.#out = out;
    out.on('error', () => {});
    let greeted: () => void = () => {};
    let failed: (error: Error) => void = () => {};
    this.#greeting = new Promise<void>((resolve, reject) => {
      greeted = resolve;
      failed = reject;
    });
    this.#greeting.catch(() => {});
    const lines = createInterface({ input });
    lines.on('line', (line) => {
      const message = JSON.parse(line) as Record<string, unknown>;
      if ('QMP' in message) return greeted();
      if (typeof message.event === 'string') {
        for (const listener of this.#listeners)
          listener(message.event, (message.data ?? {}) as Record<string, unknown>);
        return;
      }
      const next = this.#waiting.shift();
      if ('error' in message) {
        next?.reject(new Error(`QEMU refused: ${(message.error as { desc?: string }).desc ?? line}`));
      } else next?.resolve(message.return);
    });
    lines.once('close', () => {
      this.#ended = new Error('QEMU has ended');
      failed(this.#ended);
      for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
    });
  }

  /** Resolves when commands are taken. Rejects where QEMU ends before. */
  async open(): Promise<void> {
    await this.#greeting;
    await this.execute('qmp_capabilities');
  }

  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#out.write(`${JSON.stringify({ execute: command, ...(args && { arguments: args }) })}\n`);
    });
  }

  /** A command of QEMU's human monitor; rejects where it prints anything, which only failures do for those used here. */
  async monitor(line: string): Promise<void> {
    const printed = await this.execute('human-monitor-command', { 'command-line': line });
    if (typeof printed === 'string' && printed.trim() !== '')
      throw new Error(`QEMU: ${line}: ${printed.trim()}`);
  }

  onEvent(listener: (event: string, data: Record<string, unknown>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
