import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draft } from '#events/event.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { BenchDevice, until } from '#test/uplink/support/bench-device.ts';
import { median } from './support/statistics.ts';
import { type DiskFigures, diskSince, markDisk } from './uplink.ts';

/** Events that come one by one, each on disk before the next. */
export interface SteadyFigures {
  readonly events: number;
  readonly perSecond: number;
  readonly groupMs: number;
  readonly cpuUsPerEvent: number;
  readonly storeMs: { readonly p50: number; readonly p99: number };
  readonly disk: DiskFigures;
}

/** As the outbox comes configured. */
const groupMs = 20;
const everyMs = 50;
/** Others write to the same disk, in bursts: the median of rounds leaves most of that out. */
const rounds = 10;

const draft: Draft = {
  type: 'movement.settled',
  data: {
    plate: 'basket',
    massMg: 412_310,
    sigmaMg: 640,
    beforeMg: 1_204_020,
    afterMg: 1_616_330,
    startedAtUs: 73_000_120,
    settledAtUs: 73_905_620,
    moving: false,
  },
};

/** Stores `count` events, one every 50 ms, on a device that is connected to a real Mosquitto. */
async function oneByOne(parent: string, count: number): Promise<SteadyFigures> {
  const folder = await mkdtemp(join(parent, 'single-'));
  const broker = await startMosquitto();
  const ends: (() => Promise<unknown> | unknown)[] = [];
  try {
    const device = await BenchDevice.open(
      { teardown: (end) => void ends.push(end as () => Promise<unknown>) },
      { url: broker.url, folder, outbox: { groupMs } },
    );
    await device.connected();
    await device.store(20, draft);
    await until(() => device.status.outboxEvents === 0, 'the first events are delivered');
    const idle = await cpuDuring(() => sleep(count * everyMs));
    const times: number[] = [];
    const written: DiskFigures[] = [];
    let busy = 0;
    for (let round = 0; round < rounds; round++) {
      const before = await markDisk(folder);
      busy += await cpuDuring(async () => {
        for (let i = 0; i < count / rounds; i++) {
          const began = performance.now();
          await device.store(1, draft);
          times.push(performance.now() - began);
          await sleep(Math.max(0, everyMs - (performance.now() - began)));
        }
        await until(() => device.status.outboxEvents === 0, 'all events are delivered');
      });
      written.push(await diskSince(folder, before, count / rounds));
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(2));
    return {
      events: count,
      perSecond: 1_000 / everyMs,
      groupMs,
      cpuUsPerEvent: Math.round((busy - idle) / count),
      storeMs: { p50: at(0.5), p99: at(0.99) },
      disk: {
        deviceBytesPerEvent: middle(written, (one) => one.deviceBytesPerEvent),
        processBytesPerEvent: middle(written, (one) => one.processBytesPerEvent),
      },
    };
  } finally {
    for (const end of ends) await end();
    await broker.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

function middle(
  written: readonly DiskFigures[],
  pick: (one: DiskFigures) => number | undefined,
): number | undefined {
  const known = written.map(pick).filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.round(median(known));
}

async function cpuDuring(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const used = process.cpuUsage(before);
  return used.user + used.system;
}

if (import.meta.main) {
  const [parent = '', count = '300'] = process.argv.slice(2);
  console.log(JSON.stringify(await oneByOne(parent, Number(count))));
}
