import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import type { Clock } from '#base/clock.ts';
import type { TimeQuality } from '#events/event.ts';

const fileName = 'clock-floor';
/** A clock that runs a little behind what it said before was put right, and is not behind the floor, ms. */
const toleranceMs = 10_000;

/**
 * The latest instant that this device knows to have been, across restarts: a clock that says less is wrong. The machine's
 * clock is set forward to it at boot (`systemd/set-clock`), so that certificates hold before there is a time server.
 */
export class ClockFloor {
  readonly #path: string;
  readonly #clock: Pick<Clock, 'nowUs' | 'utcMs'>;
  #floorMs: number;
  #keptUs: number;

  /** Reads the floor; one that is missing or no number is none. */
  static async open(dataFolder: string, clock: Pick<Clock, 'nowUs' | 'utcMs'>): Promise<ClockFloor> {
    const path = join(dataFolder, fileName);
    const text = await readFile(path, 'utf8').catch(() => '');
    const value = /^\d{1,15}\n?$/.test(text) ? Number(text) : 0;
    return new ClockFloor(path, clock, value);
  }

  private constructor(path: string, clock: Pick<Clock, 'nowUs' | 'utcMs'>, floorMs: number) {
    this.#path = path;
    this.#clock = clock;
    this.#floorMs = floorMs;
    this.#keptUs = clock.nowUs();
  }

  /** UTC ms; 0 where none is known. What passed since it was kept counts. */
  get atMs(): number {
    if (this.#floorMs === 0) return 0;
    return this.#floorMs + Math.floor((this.#clock.nowUs() - this.#keptUs) / 1000);
  }

  /** The clock is behind what is known to have been. */
  get isBehind(): boolean {
    return this.#clock.utcMs() < this.#floorMs - toleranceMs;
  }

  /**
   * Keeps the present instant: of a synchronized clock whatever it says, also where a wrong one had gone ahead of it; of
   * one that runs by itself only what is later. Rejects where it can't be written.
   */
  async keep(quality: TimeQuality): Promise<void> {
    const nowMs = this.#clock.utcMs();
    if (quality === 'unset' || (quality === 'holdover' && nowMs <= this.#floorMs)) return;
    this.#floorMs = nowMs;
    this.#keptUs = this.#clock.nowUs();
    await writeFileAtomic(this.#path, `${nowMs}\n`, 0o640);
  }
}
