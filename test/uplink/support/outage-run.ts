import { randomInt } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { readEventPayload } from '#events/payload.ts';
import { EngineDevice } from '#test/support/engine-device.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { VirtualProcess } from '#test/support/virtual-process.ts';
import { place, telling } from './bench-device.ts';

/** How an outage went. */
export interface OutageReport {
  readonly hours: number;
  readonly stored: number;
  /** Longest time that storing one event took, of the virtual clock, ms: the bound of a group and nothing else. */
  readonly slowestStoreMs: number;
  readonly attempts: number;
  /** Longest time between two attempts, ms. */
  readonly longestPauseMs: number;
  /** From the broker's return to the link's, ms. */
  readonly backMs: number;
  readonly missing: number;
  readonly unordered: number;
  readonly repeats: number;
  readonly faults: readonly string[];
  readonly dropped: number;
  /** How much more memory was in use after the outage than after its first tenth, MiB. */
  readonly grownMiB: number;
}

/** What is in use, bytes; with `--expose-gc` without what only waits to be collected. */
function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Outages of so many hours, each of a device of its own; an event is stored every so often. */
const [outages = '1', everyMs = '10000'] = process.argv.slice(2);

/**
 * A free port below those that the kernel gives to whoever connects (32,768 and up): of thousands of attempts to reach a port up
 * there that nobody listens on, one would be given that very port, and reach itself.
 */
async function lowPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + randomInt(12_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}

/** One outage with the real outbox, link and broker: only the clock is virtual. */
async function run(folder: string, hours: number): Promise<OutageReport> {
  const broker = await startMosquitto({ port: await lowPort(), settings: ['persistence true'] });
  try {
    const session = { clientId: 'ledger', clean: false, reconnectPeriod: 0, keepalive: 0 };
    const early = await mqtt.connectAsync(broker.url, session);
    await early.subscribeAsync(`cw/1/${place.store}/${place.device}/event/#`, { qos: 1 });
    await early.endAsync();
    // From here on time stands still unless it is told to pass.
    const time = new VirtualProcess();
    const device = new EngineDevice({ ...place, folder, broker: { url: broker.url }, seed: 11 });
    device.connect();
    void device.store(telling('gateway.born'), 0);
    await time.until(() => device.status.published === 1, 'the link is up', 20_000);
    await time.pass(60_000);
    await broker.stop();
    await time.until(() => !device.status.connected, 'the link is down', 20_000);
    const outage = await sitOut(time, device, hours);
    await broker.start();
    const late = mqtt.connect(broker.url, session);
    const seen: { id: string; sequence: number }[] = [];
    late.on('message', (_topic, payload) => seen.push(readEventPayload(payload)));
    await new Promise((resolve) => late.once('connect', resolve));
    const returnedMs = time.nowMs;
    let tried = false;
    const note = () => {
      tried = true;
    };
    subscribe('net.client.socket', note);
    while (!tried) await time.pass(100);
    unsubscribe('net.client.socket', note);
    await time.until(() => device.status.connected, 'the link is back', 20_000);
    const backMs = time.nowMs - returnedMs;
    const isThrough = () => new Set(seen.map(({ id }) => id)).size >= device.ids.length;
    await time.until(() => isThrough() && device.status.outboxEvents === 0, 'all arrive', 120_000);
    late.end(true);
    const stopped = device.stop(1_000);
    await time.pass(2_000);
    await stopped;
    return { ...outage, backMs, ...compare(device.ids, seen), faults: device.faults };
  } finally {
    await broker.remove();
  }
}

/** The broker is away for the whole time, and the cart is in use. */
async function sitOut(time: VirtualProcess, device: EngineDevice, hours: number) {
  const endMs = time.nowMs + hours * 3_600_000;
  const earlyMs = time.nowMs + hours * 360_000;
  let slowestStoreMs = 0;
  let earlyBytes = 0;
  let stored = 0;
  const attempts: number[] = [];
  const note = () => attempts.push(time.nowMs);
  subscribe('net.client.socket', note);
  while (time.nowMs < endMs) {
    const from = time.nowMs;
    const draft = telling(stored % 3 === 0 ? 'gateway.health' : 'gateway.born');
    void device.store(draft, Math.round(from * 1_000)).then(() => {
      stored++;
      slowestStoreMs = Math.max(slowestStoreMs, time.nowMs - from);
    });
    await time.pass(Number(everyMs));
    if (earlyBytes === 0 && time.nowMs >= earlyMs) earlyBytes = usedBytes();
  }
  unsubscribe('net.client.socket', note);
  const pauses = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0));
  return {
    ...{ hours, stored, slowestStoreMs, attempts: attempts.length },
    longestPauseMs: Math.max(0, ...pauses),
    grownMiB: Math.round((usedBytes() - earlyBytes) / 1_048_576),
    dropped: device.status.dropped,
  };
}

/** What the store's session got, against what was stored. */
function compare(
  ids: readonly string[],
  seen: readonly { readonly id: string; readonly sequence: number }[],
) {
  const first = new Map<string, number>();
  for (const { id, sequence } of seen) if (!first.has(id)) first.set(id, sequence);
  const order = [...first.values()];
  return {
    missing: ids.filter((id) => !first.has(id)).length,
    unordered: order.filter((sequence, i) => sequence !== i + 1).length,
    repeats: seen.length - first.size,
  };
}

for (const hours of outages.split(',').map(Number)) {
  const folder = await mkdtemp(join(tmpdir(), 'outage-'));
  try {
    process.stdout.write(`${JSON.stringify(await run(folder, hours))}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
process.exit(0);
