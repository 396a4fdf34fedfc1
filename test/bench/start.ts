import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { findTool } from '#test/tools.ts';
import { readState } from '#uplink/payloads.ts';
import { Observer } from './support/observer.ts';
import type { BenchContext, Part } from './support/part.ts';
import { cpuUs, rssBytes, startNode } from './support/processes.ts';
import { measured, type Row } from './support/report.ts';

const name = 'start';
const mib = (bytes: number) => bytes / 1_048_576;

/** CARTWRIGHT_BENCH_RELEASE: the folder of an unpacked release, in place of the checkout. */
const release = process.env.CARTWRIGHT_BENCH_RELEASE ?? '';
const program = ['src/main.ts', 'config/demo.yaml'].map((path) => join(release, path));

type Cache = 'none' | 'warm';

interface Start {
  readonly birthMs: number;
  readonly cpuMs: number;
  readonly idleMiB: number;
}

/** How long the daemon needs until the store knows that the device lives, and how much memory it takes. */
export const startPart: Part = {
  name,
  about: 'from the start of the process to its birth on MQTT; memory of the idle and the busy daemon',
  async run(context: BenchContext) {
    if (findTool('mosquitto') === undefined) return [{ part: name, why: 'mosquitto is not installed' }];
    const broker = await startMosquitto();
    const observer = await Observer.connect(broker.url, ['cw/1/+/+/state', 'cw/1/+/+/event/#']);
    try {
      const runs = context.quick ? 2 : 7;
      const starts: Record<Cache, Start[]> = { none: [], warm: [] };
      // Fills the cache; the first run of the others warms the disk's.
      await startOnce(context, broker.url, observer, 'warm', 0);
      for (let run = 0; run < runs; run++) {
        for (const cache of ['none', 'warm'] as const) {
          context.say(`start to birth, compile cache ${cache}, run ${run + 1} of ${runs}`);
          starts[cache].push(await startOnce(context, broker.url, observer, cache, 1_500));
        }
      }
      const busy = await busyMiB(context, broker.url, observer);
      const of = (cache: Cache, pick: (start: Start) => number) => starts[cache].map(pick);
      const rows: Row[] = [
        measured(
          name,
          'process start to birth, no compile cache',
          'ms',
          of('none', (start) => start.birthMs),
        ),
        measured(
          name,
          'process start to birth, warm compile cache',
          'ms',
          of('warm', (start) => start.birthMs),
        ),
        measured(
          name,
          'CPU until then, no compile cache',
          'ms',
          of('none', (start) => start.cpuMs),
        ),
        measured(
          name,
          'CPU until then, warm compile cache',
          'ms',
          of('warm', (start) => start.cpuMs),
        ),
        measured(
          name,
          'memory (RSS) when idle',
          'MiB',
          of('warm', (start) => start.idleMiB),
          {
            note: 'demo cart, four cells at 80 samples/s and nothing happening, catalogue of the demo, status page on',
          },
        ),
        { part: name, what: 'memory (RSS) after a shopping trip', value: busy, unit: 'MiB' },
      ];
      return rows;
    } finally {
      await observer.close();
      await broker.remove();
    }
  },
};

function environment(context: BenchContext, url: string, cache: Cache): Record<string, string> {
  return {
    CARTWRIGHT_BROKER__URL: url,
    CARTWRIGHT_BROKER__EMBEDDED: 'false',
    CARTWRIGHT_DATA: join(context.folder, 'start-data'),
    CARTWRIGHT_STATUS__PORT: '0',
    CARTWRIGHT_DISPLAY__PORT: '0',
    ...(cache === 'none'
      ? { NODE_DISABLE_COMPILE_CACHE: '1' }
      : { NODE_COMPILE_CACHE: join(context.folder, 'compile-cache') }),
  };
}

const isBirth = (topic: string, payload: Buffer) =>
  topic.endsWith('/state') && payload.length > 0 && readState(payload)?.online === true;

async function startOnce(
  context: BenchContext,
  url: string,
  observer: Observer,
  cache: Cache,
  idleMs: number,
): Promise<Start> {
  const data = join(context.folder, 'start-data');
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true });
  const born = observer.next(isBirth, 'the birth of the daemon');
  const began = performance.now();
  const daemon = startNode(program, environment(context, url, cache));
  try {
    const birthMs = (await born) - began;
    const cpuMs = cpuUs(daemon.pid) / 1_000;
    await sleep(idleMs);
    return { birthMs, cpuMs, idleMiB: mib(rssBytes(daemon.pid)) };
  } catch (error) {
    throw new Error(`the daemon was not born; the last it said: ${daemon.tail()}`, { cause: error });
  } finally {
    await daemon.stop();
  }
}

/** The demo cart through its trip of a minute, as `cartwright demo` plays it. */
async function busyMiB(context: BenchContext, url: string, observer: Observer): Promise<number> {
  context.say('a shopping trip of a minute');
  await rm(join(context.folder, 'start-data'), { recursive: true, force: true });
  const daemon = startNode(program, environment(context, url, 'warm'));
  try {
    let most = 0;
    const until = performance.now() + (context.quick ? 15_000 : 65_000);
    while (performance.now() < until) {
      await sleep(500);
      most = Math.max(most, rssBytes(daemon.pid));
    }
    if (observer.count('event/movement/settled') === 0) throw new Error(`nothing happened: ${daemon.tail()}`);
    return mib(most);
  } finally {
    await daemon.stop();
  }
}
