import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '#commands/messages.ts';
import type { CartEvent } from '#events/event.ts';
import { openStore, type RunningStore } from '../store-run.ts';
import { heardLine } from '../store-text.ts';
import type { SendCommand } from './shopper.ts';

interface DemoTillOptions {
  readonly broker: string;
  readonly store: string;
  readonly device: string;
  /** For the store's book. */
  readonly folder: string;
  readonly send: SendCommand;
  readonly say: (text: string) => void;
}

/** Something may still be decided on when she comes to the till. */
const askAgain = 'CW-BSK-010';
const mostAsked = 20;
const askEveryMs = 250;
const mostTries = 3;
/** A till that takes longer is told, and she leaves without it. */
const paidWithinMs = 60_000;

/** The demo's store: the reference store with a till that does everything by itself, and the shopper's way there. */
export class DemoTill {
  readonly #options: DemoTillOptions;
  readonly #running: RunningStore;
  #paid: () => void = () => {};
  #closed = false;

  /** Rejects as `openStore` does. */
  static async open(options: DemoTillOptions): Promise<DemoTill> {
    const { broker, store, device, folder, say } = options;
    const running = await openStore(
      {
        broker,
        store,
        // Not the usual one: who runs a store beside the demo has that.
        till: 'demo-till',
        book: join(folder, 'book.sqlite'),
        pay: 'auto',
        weigh: 'auto',
        age: 'auto',
        // Left to whoever tries a consumer of their own on the demo.
        ack: false,
        timeout: 10,
      },
      (heard) => {
        const line = heardLine(heard);
        if (line !== undefined && heard.kind !== 'event') say(line.replace(`${device}: `, 'till: '));
      },
    );
    running.failed.catch((error: unknown) => say(`till: its book can't be written: ${String(error)}`));
    return new DemoTill(options, running);
  }

  private constructor(options: DemoTillOptions, running: RunningStore) {
    this.#options = options;
    this.#running = running;
  }

  happened(event: CartEvent): void {
    if (event.type === 'basket.closed') this.#paid();
  }

  /** She begins to pay, waits for the receipt, and leaves. The answer is that of the last thing she did. */
  async pay(): Promise<Answer> {
    const { say } = this.#options;
    const { promise: paid, resolve } = Promise.withResolvers<'paid'>();
    this.#paid = () => resolve('paid');
    const begun = await this.#begin();
    if (begun.status === 'refused') {
      // An empty basket, say: she leaves without paying.
      say(`till: ${begun.code} ${begun.message}`);
      return await this.#send('session.end');
    }
    const late = sleep(paidWithinMs, 'late' as const, { ref: false });
    if ((await Promise.race([paid, late])) === 'late') {
      say(`till: nobody took the money within ${paidWithinMs / 1000} s; she leaves without paying`);
      await this.#send('checkout.cancel');
    }
    return await this.#send('session.end');
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running.close();
  }

  async #begin(): Promise<Answer> {
    for (let asked = 1; ; asked++) {
      const answer = await this.#send('basket.checkout');
      const again = answer.status === 'refused' && answer.code === askAgain && asked < mostAsked;
      if (!again) return answer;
      await sleep(askEveryMs);
    }
  }

  /** A cart on a busy machine may take long to answer; what she wants is the same a second time. */
  async #send(command: string): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#options.send(command, {});
      } catch (error) {
        if (tries >= mostTries || this.#closed) throw error;
      }
    }
  }
}
