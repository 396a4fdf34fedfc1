import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '#base/random.ts';
import type { Layout } from './layout.ts';

/** Part of a hold after which a change must have been published: it takes the gateway most of a second. */
const settledPart = 0.4;
/** Standard deviation of a cell's noise, counts (90 mg here: that of an HX711 on a 20 kg cell). */
const noiseCounts = 45;
const noiseLength = 4_093;

/** The samples of a shelf where every plate loses a unit, gets it back, and so on; the same for whoever reads them. */
export class Feed {
  readonly port: number;
  readonly #layout: Layout;
  readonly #server: Server;
  readonly #noise = new Int32Array(noiseLength);
  readonly #sequences: Uint32Array;
  #socket: Socket | undefined;
  #cell = 0;
  #marks = 0;
  #noiseAt = 0;
  /** Samples written so far. */
  samples = 0;

  private constructor(layout: Layout, server: Server, port: number) {
    this.#layout = layout;
    this.#server = server;
    this.port = port;
    this.#sequences = new Uint32Array(layout.cells);
    const random = createRandom(1);
    for (let i = 0; i < noiseLength; i++) this.#noise[i] = Math.round(random.gaussian() * noiseCounts);
    server.on('connection', (socket) => {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      this.#socket?.destroy();
      this.#socket = socket;
      server.emit('reader');
    });
  }

  static async open(layout: Layout): Promise<Feed> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    return new Feed(layout, server, address.port);
  }

  /** Resolves when the reader has connected. */
  async connected(): Promise<void> {
    if (this.#socket === undefined)
      await once(this.#server, 'reader', { signal: AbortSignal.timeout(30_000) });
  }

  /** Changes of mass so far that were followed by enough samples to settle. */
  changes(): number {
    let sum = 0;
    for (let plate = 0; plate < this.#layout.plates; plate++) {
      sum += this.#phase(plate, this.samples / this.#layout.cells - settledPart * this.#layout.holdRounds);
    }
    return sum;
  }

  /** How often a plate's load has changed after so many rounds of samples: each plate at a time of its own. */
  #phase(plate: number, rounds: number): number {
    const { holdRounds, plates } = this.#layout;
    return Math.max(0, Math.floor(rounds / holdRounds - 0.5 + plate / plates));
  }

  /** Feeds in real time: every cell `rate` times a second, `perChunk` samples a write, for `forMs`. */
  async steady(rate: number, perChunk: number, forMs: number): Promise<void> {
    const perMs = (rate * this.#layout.cells) / 1_000;
    const began = performance.now();
    let sent = 0;
    for (;;) {
      const elapsed = performance.now() - began;
      if (elapsed >= forMs) return;
      const due = Math.floor(elapsed * perMs);
      while (due - sent >= perChunk) {
        this.#write(perChunk);
        sent += perChunk;
      }
      await sleep(1);
    }
  }

  /** Feeds as fast as the reader takes it for `forMs`. */
  async flood(forMs: number): Promise<void> {
    const socket = this.#reader();
    const until = performance.now() + forMs;
    while (performance.now() < until) {
      if (this.#write(this.#layout.cells)) await sleep(0);
      else await once(socket, 'drain', { signal: AbortSignal.timeout(60_000) });
    }
  }

  /** The number of the next mark. */
  get nextMark(): number {
    return this.#marks + 1;
  }

  /** Sends a mark: who answers with its number has taken everything that was sent before. */
  mark(): void {
    this.#marks += 1;
    this.#reader().write(`-1 0 ${this.#marks}\n`);
  }

  #write(samples: number): boolean {
    const { cells, cellsPerPlate, unitMg, milligramsPerCount, zeroCounts } = this.#layout;
    const round = this.samples / this.#layout.cells;
    let text = '';
    for (let i = 0; i < samples; i++) {
      const cell = this.#cell;
      const plate = Math.floor(cell / cellsPerPlate);
      // At rest each plate carries four units; every other hold there are three.
      const units = 4 - (this.#phase(plate, round) % 2);
      const mg = (units * (unitMg[plate] ?? 0)) / cellsPerPlate;
      this.#noiseAt = (this.#noiseAt + 1) % noiseLength;
      const counts = zeroCounts + Math.round(mg / milligramsPerCount) + (this.#noise[this.#noiseAt] ?? 0);
      const sequence = this.#sequences[cell] ?? 0;
      this.#sequences[cell] = sequence + 1;
      text += `${cell} ${counts} ${sequence}\n`;
      this.#cell = cell + 1 === cells ? 0 : cell + 1;
    }
    this.samples += samples;
    return this.#reader().write(text, 'latin1');
  }

  #reader(): Socket {
    if (this.#socket === undefined || this.#socket.destroyed) throw new Error('nobody reads the feed');
    return this.#socket;
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
