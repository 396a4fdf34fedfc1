import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '#base/random.ts';

/** What TCP over Ethernet carries in one packet, bytes. */
const segmentBytes = 1_460;
/** After so many losses of one segment in a row the connection is taken for broken. */
const mostRepeats = 6;

/** What the network does to each segment, and to whole connections. */
interface Weather {
  loss: number;
  held: Promise<void> | undefined;
  vanished: boolean;
  /** New connections are reset after so many bytes from the client. */
  cutAfterBytes: () => number;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

/** One connection and its other half. */
class Pair {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #weather: Weather;
  readonly #draw: () => number;
  readonly #retryMs: number;
  #left: number;
  /** Nothing gets through any more, and nobody is told. */
  ghost = false;

  constructor(near: Socket, target: Target, weather: Weather, draw: () => number, retryMs: number) {
    this.#near = near;
    this.#weather = weather;
    this.#draw = draw;
    this.#retryMs = retryMs;
    this.#left = weather.cutAfterBytes();
    this.ghost = weather.vanished;
    this.#far = connect(target);
    void this.#carry(near, this.#far, true);
    void this.#carry(this.#far, near, false);
  }

  async #carry(from: Socket, to: Socket, isOut: boolean): Promise<void> {
    from.on('error', () => {});
    from.setNoDelay(true);
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length; at += segmentBytes) {
          await this.#segment(chunk.subarray(at, at + segmentBytes), to, isOut);
        }
      }
    } catch {
      // Reset by its owner: the other half hears of it below.
    }
    await this.#weather.held;
    if (!this.ghost) to.destroy();
  }

  async #segment(bytes: Buffer, to: Socket, isOut: boolean): Promise<void> {
    for (let tries = 0; this.#draw() < this.#weather.loss; tries++) {
      if (tries === mostRepeats) return this.cut();
      await sleep(this.#retryMs * 2 ** tries);
    }
    await this.#weather.held;
    if (this.ghost) return;
    if (isOut) this.#left -= bytes.length;
    if (this.#left < 0) return this.cut();
    if (!to.write(bytes) && !to.destroyed)
      await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => {});
  }

  /** Both ends get a reset. */
  cut(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  close(): void {
    this.#near.destroy();
    this.#far.destroy();
  }
}

/**
 * A network between a gateway and a broker on loopback, as bad as a test wants it. What TCP makes of lost packets is modelled:
 * each lost segment holds up all behind it, longer each time, and in the end the connection breaks.
 */
export class FaultProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #weather: Weather = {
    ...{ loss: 0, held: undefined, vanished: false },
    cutAfterBytes: () => Number.POSITIVE_INFINITY,
  };
  #release: (() => void) | undefined;
  /** Connections that were taken so far. */
  connections = 0;

  /** `retryMs`: how long a lost segment holds up the others the first time. */
  static async open(port: number, { seed = 1, retryMs = 10, host = '127.0.0.1' } = {}): Promise<FaultProxy> {
    const proxy = new FaultProxy({ host, port }, seed, retryMs);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(target: Target, seed: number, retryMs: number) {
    const random = createRandom(seed);
    this.#server = createServer((near) => {
      this.connections++;
      const pair = new Pair(near, target, this.#weather, () => random.next(), retryMs);
      this.#pairs.add(pair);
      near.once('close', () => {
        // A ghost's other half stays with the broker, which knows of nothing.
        if (!pair.ghost) this.#pairs.delete(pair);
      });
    });
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy is closed');
    return `mqtt://127.0.0.1:${address.port}`;
  }

  /** Share of segments that are lost, 0 to 1. */
  lose(share: number): void {
    this.#weather.loss = share;
  }

  /** Nothing moves until `release`; no connection breaks. */
  hold(): void {
    if (this.#release !== undefined) return;
    this.#weather.held = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#weather.held = undefined;
    this.#release?.();
    this.#release = undefined;
  }

  /** The other side is gone without a word: connections stay open, what is sent is lost for good. New ones fare alike. */
  vanish(): void {
    this.#weather.vanished = true;
    for (const pair of this.#pairs) pair.ghost = true;
  }

  /** New connections get through again. */
  appear(): void {
    this.#weather.vanished = false;
  }

  /** All connections are reset. */
  cut(): void {
    for (const pair of this.#pairs) if (!pair.ghost) pair.cut();
  }

  /** Each further connection is reset after so many bytes from the gateway. */
  cutAfter(bytes: () => number): void {
    this.#weather.cutAfterBytes = bytes;
  }

  close(): void {
    this.release();
    for (const pair of this.#pairs) pair.close();
    this.#pairs.clear();
    this.#server.close();
  }
}
