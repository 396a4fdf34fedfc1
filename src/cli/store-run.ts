import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { Book } from '#store/book.ts';
import { type Heard, Store } from '#store/service.ts';
import type { TillPolicy } from '#store/till.ts';
import { readTyped, typedHelp } from '#store/typed.ts';
import { type BrokerOptions, connectBroker } from './broker.ts';
import { privateKeyOf } from './key-files.ts';
import { StoreScreen } from './store-screen.ts';

export interface RunOptions extends BrokerOptions, TillPolicy {
  readonly store: string;
  readonly till: string;
  /** File, or `:memory:`. */
  readonly book: string;
  readonly ack: boolean;
  readonly timeout: number;
  /** File of the private key that signs what is asked of devices. */
  readonly key?: string | undefined;
}

const closeWithinMs = 1_500;

/** A running store: its part on the broker. */
export interface RunningStore {
  readonly store: Store;
  /** Rejects when the book can't be written any more: nothing is acknowledged from then on. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * Opens the book, connects with a session that misses nothing while this process is away, and begins to work.
 * Rejects with CW-STO-001 to -003, CW-CLI-002 or CW-CLI-004, and with CW-IDN-007 for a key that can't be used.
 */
export async function openStore(options: RunOptions, tell: (heard: Heard) => void): Promise<RunningStore> {
  const key = options.key === undefined ? undefined : await privateKeyOf(options.key);
  const book = new Book(options.book, options.store, () => systemClock.utcMs());
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => {});
  let client: MqttClient | undefined;
  const store = new Store({
    store: options.store,
    till: options.till,
    policy: options,
    book,
    clock: systemClock,
    acknowledges: options.ack,
    tell,
    key,
    publish: (topic, payload, { retain }) => client?.publish(topic, Buffer.from(payload), { qos: 1, retain }),
  });
  try {
    client = await connectBroker(options, options.timeout, {
      clientId: `store-${options.store}-${options.till}`,
      // Acknowledged to the broker when it is in the book; what can't be written stays with the broker.
      prepare: (connecting) => {
        connecting.handleMessage = (packet, done) => {
          try {
            store.take(packet.topic, Buffer.from(packet.payload));
            done();
          } catch (error) {
            reject(error);
          }
        };
      },
    });
    await client.subscribeAsync([...store.topics], { qos: 1 });
    store.start();
  } catch (error) {
    store.stop();
    book.close();
    await client?.endAsync(true);
    throw error;
  }
  const open = client;
  return {
    store,
    failed,
    close: async () => {
      store.stop();
      // What is still to be sent has its time; a broker that is away has not.
      await Promise.race([open.endAsync().catch(() => {}), sleep(closeWithinMs, undefined, { ref: false })]);
      await open.endAsync(true).catch(() => {});
      book.close();
    },
  };
}

/** Runs a store until `stop`, with what people and programs see of it, and takes what is typed. */
export async function runStore(
  options: RunOptions & { readonly json?: boolean | undefined },
  stop: { readonly promise: Promise<void>; now(): void },
): Promise<void> {
  const isScreen = options.json !== true && process.stdout.isTTY === true;
  let screen: StoreScreen | undefined;
  // What is retained comes with the subscription, before there is anything to show it on.
  const early: Heard[] = [];
  const running = await openStore(options, (heard) => {
    if (screen === undefined) early.push(heard);
    else screen.heard(heard);
  });
  const { store } = running;
  const view = new StoreScreen(store, isScreen ? 'screen' : options.json === true ? 'json' : 'lines');
  screen = view;
  for (const heard of early) view.heard(heard);
  const input = createInterface({
    input: process.stdin,
    ...(isScreen ? { output: process.stdout, prompt: 'till> ' } : {}),
  });
  input.on('line', (text) => {
    view.entered();
    void type(store, text, view, stop.now).catch((error: unknown) => view.say(describeError(error)));
  });
  input.on('SIGINT', () => stop.now());
  view.start(() => input.prompt(true));
  try {
    await Promise.race([stop.promise, running.failed]);
  } finally {
    input.close();
    process.stdin.unref?.();
    view.stop();
    await running.close();
  }
}

async function type(store: Store, text: string, view: StoreScreen, quit: () => void): Promise<void> {
  const typed = readTyped(text);
  if (typed === undefined) return;
  if (typed.what === 'quit') quit();
  else if (typed.what === 'help') for (const line of typedHelp) view.say(line);
  else await store.typed(typed.work);
}
