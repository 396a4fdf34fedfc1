import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { systemClock } from '#base/clock.ts';
import type { McuFault } from '#drivers/virtual/microcontroller/faults.ts';
import type { Running } from '#drivers/virtual/microcontroller/running.ts';
import { runInThread } from '#drivers/virtual/microcontroller/thread.ts';
import { findTool } from '../../tools.ts';

const firmware = 'boards/firmware/load-cell-bridge/load-cell-bridge.hex';
/** The world is told so far ahead, so often: a busy machine may be late by less. */
const aheadUs = 5_000_000;
const feedEveryMs = 1_000;
const periodUs = 12_500;
/** Nobody reads the line: what an adapter would drop as well. */
const mostWaitingBytes = 65_536;

/** What the cell of a channel reads; `countsOf` the channel that a reading can only be of. */
export const baseCounts = (channel: number): number => 100_000 * (channel + 1);
const ripple = 1_000;
export const isCountOf = (channel: number, counts: number): boolean =>
  Math.abs(counts - baseCounts(channel)) <= ripple;

/** The real firmware on the simulated microcontroller in real time, behind a pty as behind a USB adapter. */
export class SimulatedPort {
  readonly path: string;
  #running: Running | undefined;
  #socat: ChildProcess | undefined;
  #fedUntilUs = systemClock.nowUs();
  #timer: NodeJS.Timeout | undefined;
  readonly #sources: readonly string[];

  constructor(path: string, channels: number) {
    this.path = path;
    this.#sources = Array.from({ length: channels }, (_, channel) => `cell-${channel}`);
  }

  async start(): Promise<void> {
    this.#running = await runInThread(
      {
        hex: await readFile(firmware, 'utf8'),
        channels: this.#sources,
        chips: [],
        seed: 1,
        crystalPpm: 2000,
        strappedRate: 80,
        baudRate: 115_200,
      },
      {
        bytes: (bytes) => {
          const line = this.#socat?.stdin;
          if (line?.writable === true && line.writableLength < mostWaitingBytes) line.write(bytes);
        },
        slipped: () => {},
        failed: (error) => {
          throw error;
        },
      },
    );
    this.#feed();
    this.#timer = setInterval(() => this.#feed(), feedEveryMs);
    await this.plugIn();
  }

  /** Makes the pty, as plugging in an adapter does. */
  async plugIn(): Promise<void> {
    const socat = spawn(
      findTool('socat') ?? 'socat',
      ['-d', '-d', `pty,raw,echo=0,link=${this.path}`, 'stdio'],
      {
        stdio: 'pipe',
      },
    );
    socat.stdin.on('error', () => {});
    socat.stdout.on('data', (bytes: Buffer) => this.#running?.send(new Uint8Array(bytes)));
    for await (const line of createInterface({ input: socat.stderr })) {
      if (!line.includes('starting data transfer loop')) continue;
      socat.stderr.resume();
      this.#socat = socat;
      return;
    }
    throw new Error('socat ended before its pty was there');
  }

  /** The adapter vanishes; the bridge itself keeps its power and goes on. */
  async pull(): Promise<void> {
    const socat = this.#socat;
    this.#socat = undefined;
    if (socat === undefined || socat.exitCode !== null || socat.signalCode !== null) return;
    const exited = once(socat, 'exit');
    socat.kill('SIGTERM');
    await exited;
  }

  /** As `beginFault` of the simulated microcontroller; the returned function ends it. */
  async fault(what: McuFault): Promise<() => Promise<void>> {
    await this.#running?.beginFault(1, what);
    return async () => this.#running?.endFault(1);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.pull();
    await this.#running?.stop();
  }

  #feed(): void {
    const untilUs = systemClock.nowUs() + aheadUs;
    const timesUs: number[] = [];
    for (; this.#fedUntilUs < untilUs; this.#fedUntilUs += periodUs) timesUs.push(this.#fedUntilUs);
    const sources = this.#sources.map((source, channel) => ({
      source,
      timesUs,
      values: timesUs.map((atUs) => baseCounts(channel) + Math.round(ripple * Math.sin(atUs / 1e5))),
    }));
    this.#running?.feed({ sources, knownUntilUs: this.#fedUntilUs });
  }
}
