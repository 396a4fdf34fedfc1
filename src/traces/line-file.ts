import { createWriteStream, type WriteStream } from 'node:fs';
import { TraceError } from './errors.ts';

/** More than this waiting in memory means that the disk doesn't keep up, bytes. */
const mostWaiting = 16 * 1_048_576;

/** Lines to a file, bounded in memory; its first failure is its last, told to `onFailure` as CW-TRC-008. */
export class LineFile {
  readonly #stream: WriteStream;
  readonly #onFailure: (error: TraceError) => void;
  #failure: TraceError | undefined;

  constructor(path: string, onFailure: (error: TraceError) => void) {
    this.#stream = createWriteStream(path);
    this.#onFailure = onFailure;
    this.#stream.on('error', (error) => this.#fail(error.message, error));
  }

  write(line: string): void {
    if (this.#failure !== undefined) return;
    this.#stream.write(`${line}\n`);
    const waiting = this.#stream.writableLength;
    if (waiting > mostWaiting) this.#fail(`${waiting} bytes wait for a disk that does not keep up`);
  }

  async drain(): Promise<void> {
    this.#check();
    if (this.#stream.writableNeedDrain) await this.#next('drain');
    this.#check();
  }

  async close(): Promise<void> {
    this.#check();
    this.#stream.end();
    await this.#next('finish');
    this.#check();
  }

  /** A failure also ends the waiting, since it closes the stream. */
  #next(event: 'drain' | 'finish'): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.once(event, () => resolve());
      this.#stream.once('close', () => resolve());
    });
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(why: string, cause?: Error): void {
    if (this.#failure !== undefined) return;
    const { path } = this.#stream;
    const message = `${path} can't be written any further: ${why}; what is in it up to here can be replayed`;
    this.#failure = new TraceError('CW-TRC-008', message, { cause });
    this.#stream.destroy();
    this.#onFailure(this.#failure);
  }
}
