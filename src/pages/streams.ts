import type { ServerResponse } from 'node:http';

/** What a page tells its clients. Of every kind but `event` only the latest one matters. */
export interface PageUpdate {
  readonly kind: string;
}

/** Events that wait for a slow client; with more it is cut off, and gets a fresh picture when it comes back. */
const waitingEvents = 200;
const pingEveryMs = 2_000;
/** A client that has not taken anything for so long is gone. */
const stalledAfterMs = 15_000;

/**
 * One client of the event stream (Server-Sent Events). While its connection can't take more, events queue
 * up to a bound and of everything else the latest is kept: a slow client costs little and delays nobody.
 */
export class PageStream {
  readonly #response: ServerResponse;
  readonly #latest = new Map<string, PageUpdate>();
  #events: PageUpdate[] = [];
  #blocked = false;
  #stalled: NodeJS.Timeout | undefined;
  readonly #ping: NodeJS.Timeout;

  /** @param picture what the client gets first */
  constructor(response: ServerResponse, picture: object) {
    this.#response = response;
    response.on('drain', () => this.#drained());
    response.on('close', () => this.#stop());
    this.#ping = setInterval(() => {
      if (!this.#blocked) this.#write('ping', {});
    }, pingEveryMs);
    this.#ping.unref();
    response.write('retry: 1000\n\n');
    this.#write('picture', picture);
  }

  send(update: PageUpdate): void {
    if (!this.#blocked) {
      this.#write(update.kind, update);
    } else if (update.kind === 'event') {
      this.#events.push(update);
      if (this.#events.length > waitingEvents) this.close();
    } else {
      this.#latest.set(update.kind, update);
    }
  }

  close(): void {
    this.#stop();
    this.#response.destroy();
  }

  #write(name: string, payload: object): void {
    // JSON has no raw line ends, so one `data:` line holds all of it.
    const taken = this.#response.write(`event: ${name}\ndata: ${JSON.stringify(payload)}\n\n`);
    if (taken || this.#blocked) return;
    this.#blocked = true;
    this.#stalled = setTimeout(() => this.close(), stalledAfterMs).unref();
  }

  #drained(): void {
    this.#blocked = false;
    clearTimeout(this.#stalled);
    const waiting = [...this.#events, ...this.#latest.values()];
    this.#events = [];
    this.#latest.clear();
    for (const update of waiting) this.send(update);
  }

  #stop(): void {
    clearInterval(this.#ping);
    clearTimeout(this.#stalled);
  }
}
