import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { DeviceEntry } from '#config/board.ts';
import type { Ports } from '#drivers/driver.ts';
import { recordPorts } from '#drivers/registry.ts';
import { TraceError } from './errors.ts';
import { LineFile } from './line-file.ts';

/** Where the raw recordings of a trace's devices lie, beside it. */
export const rawFolder = 'raw';

/** The very bytes of every device of a board, one file each: `<trace folder>/raw/<device>.ndjson`. */
export class RawRecorder {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #originUs: number;
  readonly #onFailure: (error: TraceError) => void;
  readonly #files: LineFile[] = [];
  readonly #taps = new Map<string, (ports: Ports) => Ports>();

  /**
   * Makes the folder. Rejects with CW-TRC-005. What can't be written later is told to `onFailure` as CW-TRC-008: that
   * device's recording has ended, the others go on.
   *
   * @param originUs what `t` counts from, as in the trace
   */
  static async open(
    traceFolder: string,
    clock: Clock,
    originUs: number,
    onFailure: (error: TraceError) => void,
  ): Promise<RawRecorder> {
    const folder = join(traceFolder, rawFolder);
    try {
      await mkdir(folder, { recursive: true });
    } catch (cause) {
      throw new TraceError('CW-TRC-005', `${folder} can't be written: ${(cause as Error).message}`, {
        cause,
      });
    }
    return new RawRecorder(folder, clock, originUs, onFailure);
  }

  private constructor(
    folder: string,
    clock: Clock,
    originUs: number,
    onFailure: (error: TraceError) => void,
  ) {
    this.#folder = folder;
    this.#clock = clock;
    this.#originUs = originUs;
    this.#onFailure = onFailure;
  }

  /** The device's ports, which from now on are recorded; one that is opened anew goes on in its file. */
  tap({ id, driver, options }: DeviceEntry, ports: Ports): Ports {
    let wrap = this.#taps.get(id);
    if (wrap === undefined) {
      const file = new LineFile(join(this.#folder, `${id}.ndjson`), this.#onFailure);
      this.#files.push(file);
      const header = {
        raw: 1 as const,
        device: id,
        driver,
        options,
        originUs: this.#originUs,
        started: new Date(this.#clock.utcMs()).toISOString(),
      };
      wrap = recordPorts(header, this.#clock, (line) => file.write(line));
      this.#taps.set(id, wrap);
    }
    return wrap(ports);
  }

  /** Ends all of them, and rejects with CW-TRC-008 where the end of one could not be written. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled(this.#files.map((file) => file.close()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}
