/**
 * The network's faults against the real daemon and a real Mosquitto, over the kernel's own TCP: in a network namespace of its own, whose
 * only wire loses as many packets as it is told to. `unshare -n node …/on-the-wire.ts`, as root; a line of JSON for each finding.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '#base/random.ts';
import { FaultProxy } from '#test/support/fault-proxy.ts';
import { freePort, type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { BenchDevice, place, until } from '#test/uplink/support/bench-device.ts';
import { StoreModel } from '#test/uplink/support/store-model.ts';
import type { Wire } from './reflector.ts';
import { type Gateway, shopInTrouble, type TripReport } from './trip.ts';

/** What connects to the far address reaches what listens on the near one (reflector.ts). */
const near = '10.77.0.1';
const far = '10.77.0.2';

const program = fork(`${import.meta.dirname}/reflector.ts`, [], { stdio: 'inherit' });
await once(program, 'message');

async function lose(loss: number): Promise<void> {
  program.send({ loss } satisfies Wire);
  await once(program, 'message');
}

/** A broker at both ends of the wire; `work` gets the address across it. */
async function withBroker<T>(work: (broker: Mosquitto, url: string) => Promise<T>): Promise<T> {
  const port = await freePort();
  const settings = [`listener ${port} ${near}`, 'persistence true'];
  const broker = await startMosquitto({ settings });
  try {
    return await work(broker, `mqtt://${far}:${port}`);
  } finally {
    await lose(0);
    await broker.remove();
  }
}

type Trouble = (gateway: Gateway, broker: Mosquitto) => Promise<string>;

/** A trip with the daemon across the wire, in trouble once it has begun to send. */
const trip = (what: string, trouble: Trouble) =>
  withBroker((broker, url) =>
    shopInTrouble({
      ...{ what, url, storeUrl: broker.url },
      trouble: async (gateway) => {
        await until(() => gateway.arrived() > 3, 'the first events arrive');
        return trouble(gateway, broker);
      },
    }),
  );

const lossy = () =>
  trip('a fifth of all packets lost, both ways', async () => {
    await lose(0.2);
    await sleep(45_000);
    await lose(0);
    return '45 s of it';
  });

const flapping = () =>
  trip('a link that comes and goes', async () => {
    const random = createRandom(5);
    let times = 0;
    for (const end = performance.now() + 45_000; performance.now() < end; times++) {
      await lose(1);
      await sleep(300 + random.next() * 4_000);
      await lose(0);
      await sleep(300 + random.next() * 2_000);
    }
    return `gone ${times} times within 45 s`;
  });

const halfOpen = () =>
  trip('a peer that is silently gone', async ({ log }) => {
    const from = performance.now();
    await lose(1);
    await until(() => log.some((line) => line.includes('CW-UPL-023')), 'it is noticed', 60_000);
    const seconds = ((performance.now() - from) / 1_000).toFixed(0);
    await lose(0);
    return `noticed after ${seconds} s by the missing acknowledgement`;
  });

const stalled = () =>
  trip('a broker that takes everything and answers nothing', async (_gateway, broker) => {
    broker.freeze();
    await sleep(40_000);
    broker.thaw();
    return '40 s of it';
  });

const away = (seconds: number) =>
  trip(`a broker that is away for ${seconds} s`, async (_gateway, broker) => {
    await broker.stop();
    await sleep(seconds * 1_000);
    await broker.start();
    return `${seconds} s of it`;
  });

/** A long queue whose replay never gets far. */
async function interrupted(): Promise<TripReport> {
  const ends: (() => unknown)[] = [];
  const t = { teardown: (end: () => unknown) => ends.unshift(end) };
  const random = createRandom(9);
  try {
    return await withBroker(async (broker, url) => {
      const proxy = await FaultProxy.open(Number(new URL(url).port), { seed: 9, host: far });
      t.teardown(() => proxy.close());
      const store = await StoreModel.open(t, broker.url, place, true);
      const device = await BenchDevice.open(t, { url: proxy.url, silent: true });
      await device.store(20_000, undefined, 20);
      proxy.cutAfter(() => 500 + random.integer(80_000));
      await lose(0.02);
      device.uplink.setBirth({ software: 'cartwright/test' });
      const made = device.events.length;
      await until(() => store.through === made && device.status.outboxEvents === 0, 'all arrive', 300_000);
      const isOrdered = store.order.every((sequence, i) => sequence === i + 1);
      return {
        ...{ what: 'the replay of a long queue, interrupted again and again', events: made },
        ...{ repeats: store.repeats, longestGapMs: 0, happened: `${proxy.connections} connections` },
        problems: [
          ...(store.byId.size === made ? [] : [`${store.byId.size} ids of ${made} events`]),
          ...(isOrdered ? [] : ['out of order']),
          ...device.drops.map(({ first, last }) => `dropped ${first} to ${last}`),
        ],
      };
    });
  } finally {
    for (const end of ends) await end();
  }
}

const all: Readonly<Record<string, () => Promise<TripReport>>> = {
  lossy,
  flapping,
  halfOpen,
  stalled,
  away10: () => away(10),
  interrupted,
  away600: () => away(600),
};

const chosen = process.argv.slice(2);
for (const [name, run] of Object.entries(all)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const none = { what: name, events: 0, repeats: 0, longestGapMs: 0, happened: '' };
  const report = await run().catch((error: unknown) => ({ ...none, problems: [String(error)] }));
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
program.disconnect();
process.exit(0);
