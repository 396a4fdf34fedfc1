import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import { configSchema } from '#config/schema.ts';
import { encodeEvent } from '#events/codec.ts';
import type { CartEvent } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { Uplink } from '#uplink/uplink.ts';

export interface UplinkBench {
  /** QoS 1 messages per second from memory to PUBACK, MQTT.js alone. */
  readonly bareEventsPerSecond: number;
  /** Events per second from `store` through disk and broker to PUBACK. */
  readonly outboxEventsPerSecond: number;
  /** The latter in terms of the former; goal: at least 0.5. */
  readonly ratio: number;
  /** Processor time of the whole process (both threads) per event through the outbox at saturation, µs. */
  readonly cpuUsPerEvent: number;
  readonly eventBytes: number;
  readonly saturated: DiskFigures;
  /** Ten groups of four events a second, as a busy cart makes them. */
  readonly steady: DiskFigures;
  /** From `store` to its promise at that pace (one fsync included), ms. */
  readonly storeMs: { readonly p50: number; readonly p99: number };
}

export interface DiskFigures {
  /** Bytes that reached the block device per event (whole machine, less nothing), where the device can be found. */
  readonly deviceBytesPerEvent: number | undefined;
  /** Bytes that this process gave to the page cache for writing per event (/proc/self/io). */
  readonly processBytesPerEvent: number | undefined;
}

interface DiskMark {
  readonly device: number | undefined;
  readonly process: number | undefined;
}

const rounds = 3;
const eventsPerRound = 40_000;
const batchSize = 16;
const window = 64;

/**
 * Measures the uplink against bare MQTT.js on the same Mosquitto in one run: rounds of both alternate, medians count.
 * Takes about 20 s. Needs Mosquitto. `folder` decides which disk is measured.
 */
export async function benchUplink(parent = tmpdir()): Promise<UplinkBench> {
  const folder = await mkdtemp(join(parent, 'bench-uplink-'));
  const broker = await startMosquitto({ settings: [`max_inflight_messages ${window}`] });
  try {
    const bare: number[] = [];
    const outbox: Saturated[] = [];
    for (let round = 0; round < rounds; round++) {
      bare.push(await bareRate(broker.url));
      outbox.push(await saturate(broker.url, join(folder, String(round))));
    }
    const steady = await steadyPace(broker.url, join(folder, 'steady'));
    const best = median(outbox.map(({ rate }) => rate));
    const middle = outbox.find(({ rate }) => rate === best) ?? outbox[0];
    if (middle === undefined) throw new Error('no round was run');
    return {
      bareEventsPerSecond: Math.round(median(bare)),
      outboxEventsPerSecond: Math.round(best),
      ratio: Number((best / median(bare)).toFixed(3)),
      cpuUsPerEvent: Number(middle.cpuUsPerEvent.toFixed(1)),
      eventBytes: middle.eventBytes,
      saturated: middle.disk,
      steady: steady.disk,
      storeMs: steady.storeMs,
    };
  } finally {
    await broker.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** MQTT 5, QoS 1, a window of 64, the bytes of a real event, nothing else. */
async function bareRate(url: string): Promise<number> {
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, clientId: 'bare' });
  const payload = Buffer.from(encodeEvent(makeEvents(newLedger('0'.repeat(16), 1, 1), 1)[0] ?? fail()));
  const began = performance.now();
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    let acknowledged = 0;
    const next = () => {
      if (sent >= eventsPerRound) return;
      sent++;
      client.publish('cw/1/bench/bare/event/item/added', payload, { qos: 1 }, (error) => {
        if (error) reject(error);
        acknowledged++;
        if (acknowledged === eventsPerRound) resolve();
        else next();
      });
    };
    for (let i = 0; i < window; i++) next();
  });
  const seconds = (performance.now() - began) / 1_000;
  await client.endAsync();
  return eventsPerRound / seconds;
}

interface Saturated {
  readonly rate: number;
  readonly cpuUsPerEvent: number;
  readonly eventBytes: number;
  readonly disk: DiskFigures;
}

async function saturate(url: string, folder: string): Promise<Saturated> {
  const { uplink, ledger } = await openUplink(url, folder);
  const before = await markDisk(folder);
  const cpu = process.cpuUsage();
  const began = performance.now();
  let waiting: Promise<void>[] = [];
  for (let done = 0; done < eventsPerRound; done += batchSize) {
    waiting.push(uplink.store(makeEvents(ledger, batchSize), { basket: `{"revision":${done}}` }));
    if (waiting.length >= 128) {
      await Promise.all(waiting);
      waiting = [];
    }
  }
  await Promise.all(waiting);
  await deliveredThrough(uplink, eventsPerRound);
  const seconds = (performance.now() - began) / 1_000;
  const used = process.cpuUsage(cpu);
  await uplink.stop();
  const disk = await diskSince(folder, before, eventsPerRound);
  return {
    rate: eventsPerRound / seconds,
    cpuUsPerEvent: (used.user + used.system) / eventsPerRound,
    eventBytes: encodeEvent(makeEvents(ledger, 1)[0] ?? fail()).length,
    disk,
  };
}

async function steadyPace(
  url: string,
  folder: string,
): Promise<{ disk: DiskFigures; storeMs: UplinkBench['storeMs'] }> {
  const { uplink, ledger } = await openUplink(url, folder);
  const before = await markDisk(folder);
  const times: number[] = [];
  const groups = 50;
  for (let group = 0; group < groups; group++) {
    const began = performance.now();
    await uplink.store(makeEvents(ledger, 4), { basket: `{"revision":${group}}` });
    times.push(performance.now() - began);
    await sleep(Math.max(0, 100 - (performance.now() - began)));
  }
  await deliveredThrough(uplink, groups * 4);
  await uplink.stop();
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2));
  return { disk: await diskSince(folder, before, groups * 4), storeMs: { p50: at(0.5), p99: at(0.99) } };
}

function deliveredThrough(uplink: Uplink, sequence: number): Promise<void> {
  return new Promise((resolve) => {
    if (uplink.status().releasedThrough >= sequence) resolve();
    uplink.onStatus((status) => {
      if (status.releasedThrough >= sequence) resolve();
    });
  });
}

async function openUplink(url: string, folder: string): Promise<{ uplink: Uplink; ledger: Ledger }> {
  const config = configSchema.parse({ cartwright: 1, store: 'bench', device: 'cart-1', board: 'bench' });
  const uplink = await Uplink.open({
    store: 'bench',
    device: 'cart-1',
    folder,
    encoding: 'cbor',
    broker: { ...config.broker, url, protocol: '5' },
    outbox: { ...config.outbox, window },
  });
  const connected = new Promise<void>((resolve) => {
    uplink.onStatus((status) => {
      if (status.connected) resolve();
    });
  });
  uplink.setBirth({ software: 'cartwright/bench' });
  await connected;
  return { uplink, ledger: newLedger(uplink.start.ledger, uplink.start.boot, uplink.start.nextSequence) };
}

function newLedger(ledger: string, boot: number, nextSequence: number): Ledger {
  return new Ledger(
    { store: 'bench', device: 'cart-1', ledger },
    {
      boot,
      nextSequence,
      versions: { software: 'cartwright/bench', catalogue: '2026-11-22.1', calibration: 7 },
    },
  );
}

function makeEvents(ledger: Ledger, count: number): CartEvent[] {
  return Array.from({ length: count }, (_, i) =>
    ledger.append(
      {
        type: 'basket.alert',
        session: '0f8fad5b-d9cb-469f',
        data: { kind: 'no-session', massMg: 412_000, plate: 'basket', blocking: false },
      },
      { atUs: 1_000_000 * i + 12_345_678, time: 1_795_000_000_000, timeQuality: 'synced' },
    ),
  );
}

function fail(): never {
  throw new Error('no event was made');
}

/** `/sys/dev/block/MAJOR:MINOR/stat`: sectors of 512 bytes written is the seventh field (kernel: block/stat). */
async function deviceBytes(folder: string): Promise<number | undefined> {
  try {
    const { dev } = await stat(folder);
    const major = ((dev >> 8) & 0xfff) >>> 0;
    const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
    execFileSync('sync', ['-f', folder]);
    const text = await readFile(`/sys/dev/block/${major}:${minor}/stat`, 'utf8');
    return Number(text.trim().split(/\s+/)[6]) * 512;
  } catch {
    return undefined;
  }
}

async function processBytes(): Promise<number | undefined> {
  try {
    return Number(/^write_bytes: (\d+)/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

export async function markDisk(folder: string): Promise<DiskMark> {
  return { device: await deviceBytes(folder), process: await processBytes() };
}

export async function diskSince(folder: string, before: DiskMark, events: number): Promise<DiskFigures> {
  const now = await markDisk(folder);
  const per = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : Math.round((to - from) / events);
  return {
    deviceBytesPerEvent: per(before.device, now.device),
    processBytesPerEvent: per(before.process, now.process),
  };
}

if (import.meta.main) console.log(JSON.stringify(await benchUplink(process.argv[2]), null, 2));
