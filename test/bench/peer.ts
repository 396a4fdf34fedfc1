import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isKnown } from '#events/codec.ts';
import { readEventPayload } from '#events/payload.ts';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { findTool } from '#test/tools.ts';
import { readState } from '#uplink/payloads.ts';
import { Feed } from './peer/feed.ts';
import { type FlowStyle, makeFlow, peerTopics, writePeer } from './peer/flow.ts';
import { installPeer, peerVersion } from './peer/install.ts';
import { type Layout, makeLayout, writeGatewayConfig } from './peer/layout.ts';
import { Observer } from './support/observer.ts';
import type { BenchContext, Part, PartResult } from './support/part.ts';
import { cpuUs, type Running, rssBytes, startNode } from './support/processes.ts';
import { measured, type Row } from './support/report.ts';
import { median } from './support/statistics.ts';

const name = 'peer';

/** Who reads the feed: the gateway's daemon, or Node-RED with one of two flows. */
type Reader = 'cartwright' | FlowStyle;
const titles: Readonly<Record<Reader, string>> = {
  cartwright: 'Cartwright',
  lines: `Node-RED ${peerVersion}`,
  buffers: `Node-RED ${peerVersion}, chunks taken apart by hand`,
};

interface Load {
  readonly title: string;
  readonly layout: Layout;
  readonly warmMs: number;
  readonly measureMs: number;
  /** Feeds for so long. */
  readonly feed: (feed: Feed, forMs: number) => Promise<void>;
}

interface Outcome {
  readonly cpuUsPerSample: number;
  readonly samplesPerSecond: number;
  readonly cpuShare: number;
  readonly rssMiB: number;
  readonly birthMs: number;
}

/** The daemon against a Node-RED flow that does the same: samples over TCP in, movements over MQTT out. */
export const peerPart: Part = {
  name,
  about: `CPU per cell sample against a Node-RED ${peerVersion} flow on the same feed and broker`,
  async run(context: BenchContext): Promise<PartResult> {
    if (findTool('mosquitto') === undefined) return [{ part: name, why: 'mosquitto is not installed' }];
    context.say(`installing Node-RED ${peerVersion} unless it is there`);
    const peer = await installPeer();
    const readers: readonly Reader[] = 'entry' in peer ? ['cartwright', 'lines', 'buffers'] : ['cartwright'];
    const entry = 'entry' in peer ? peer.entry : '';
    const broker = await startMosquitto();
    try {
      const rows: Row[] = [];
      for (const [load, goal] of await makeLoads(context)) {
        rows.push(...(await compare(context, broker, entry, readers, load, goal)));
      }
      return 'why' in peer ? [...rows, { part: name, why: peer.why }] : rows;
    } finally {
      await broker.remove();
    }
  },
};

async function makeLoads(context: BenchContext): Promise<[Load, number][]> {
  const shelf = await makeLayout(4, 2, 320);
  const wall = await makeLayout(128, 4, 1_500);
  const times = context.quick ? { warmMs: 6_000, measureMs: 8_000 } : { warmMs: 8_000, measureMs: 20_000 };
  const steady = (perChunk: number): Load => ({
    title: `640 samples/s, ${perChunk === 1 ? 'a chunk each' : `${perChunk} a chunk`}`,
    layout: shelf,
    ...times,
    feed: (feed, forMs) => feed.steady(80, perChunk, forMs),
  });
  const saturated: Load = {
    title: 'as fast as accepted',
    layout: wall,
    warmMs: 6_000,
    measureMs: context.quick ? 5_000 : 10_000,
    feed: (feed, forMs) => feed.flood(forMs),
  };
  return [
    [steady(1), 1 / 3],
    [steady(8), 1 / 3],
    [saturated, 1 / 10],
  ];
}

async function compare(
  context: BenchContext,
  broker: Mosquitto,
  entry: string,
  readers: readonly Reader[],
  load: Load,
  goal: number,
): Promise<Row[]> {
  const outcomes = new Map<Reader, Outcome[]>(readers.map((reader) => [reader, []]));
  const rounds = context.quick ? 1 : 3;
  for (let round = 0; round < rounds; round++) {
    // In turn from either end, so that what the machine does meanwhile falls on all alike.
    const order = round % 2 === 0 ? readers : [...readers].reverse();
    for (const reader of order) {
      context.say(`${load.title}: ${titles[reader]}, round ${round + 1} of ${rounds}`);
      outcomes.get(reader)?.push(await runReader(context, broker, entry, reader, load));
    }
  }
  const rows: Row[] = [];
  const of = (reader: Reader, pick: (outcome: Outcome) => number) => (outcomes.get(reader) ?? []).map(pick);
  for (const reader of readers) {
    const rate = median(of(reader, (outcome) => outcome.samplesPerSecond));
    const rss = median(of(reader, (outcome) => outcome.rssMiB));
    const share = median(of(reader, (outcome) => outcome.cpuShare));
    rows.push(
      measured(
        name,
        `${load.title}: ${titles[reader]}`,
        'µs CPU/sample',
        of(reader, (outcome) => outcome.cpuUsPerSample),
        {
          note: `${Math.round(rate)} samples/s, ${Math.round(share * 100)} % of a core, ${Math.round(rss)} MiB, start to birth ${Math.round(median(of(reader, (outcome) => outcome.birthMs)))} ms`,
        },
      ),
    );
  }
  const ours = median(of('cartwright', (outcome) => outcome.cpuUsPerSample));
  for (const reader of readers) {
    if (reader === 'cartwright') continue;
    const theirs = median(of(reader, (outcome) => outcome.cpuUsPerSample));
    const row = {
      part: name,
      what: `${load.title}: ours to ${titles[reader]}`,
      value: ours / theirs,
      unit: '',
    };
    rows.push(reader === 'lines' ? { ...row, goal: { atMost: goal } } : row);
  }
  return rows;
}

async function runReader(
  context: BenchContext,
  broker: Mosquitto,
  entry: string,
  reader: Reader,
  load: Load,
): Promise<Outcome> {
  const folder = join(context.folder, `peer-${reader}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const feed = await Feed.open(load.layout);
  const observer = await Observer.connect(broker.url, ['cw/1/bench/shelf/#', 'bench/peer/#']);
  const born = observer.next(
    (topic, payload) =>
      topic === peerTopics.state || (topic.endsWith('/shelf/state') && readState(payload)?.online === true),
    `the birth of ${titles[reader]}`,
  );
  const args =
    reader === 'cartwright'
      ? ['src/main.ts', await writeGatewayConfig(folder, load.layout, feed.port, broker.url)]
      : [entry, ...(await writePeer(folder, makeFlow(reader, load.layout, feed.port, broker.port)))];
  const began = performance.now();
  const running = startNode(args, { NODE_COMPILE_CACHE: join(context.folder, 'compile-cache') });
  try {
    const birthMs = (await born) - began;
    await feed.connected();
    return { birthMs, ...(await measure(feed, observer, running, reader, load)) };
  } catch (error) {
    throw new Error(`${titles[reader]}: the last it said was\n${running.tail()}`, { cause: error });
  } finally {
    await running.stop();
    await observer.clear('cw/1/bench/shelf/state');
    await observer.close();
    await feed.close();
  }
}

/** Feeds, warm-up first; what the process used between two marks that it answered counts. */
async function measure(
  feed: Feed,
  observer: Observer,
  { pid }: Running,
  reader: Reader,
  load: Load,
): Promise<Omit<Outcome, 'birthMs'>> {
  await load.feed(feed, load.warmMs);
  await marked(feed, observer, reader);
  const samples = feed.samples;
  const began = performance.now();
  const cpu = cpuUs(pid);
  await load.feed(feed, load.measureMs);
  await marked(feed, observer, reader);
  const used = cpuUs(pid) - cpu;
  const seconds = (performance.now() - began) / 1_000;
  const rssMiB = rssBytes(pid) / 1_048_576;
  const changes = feed.changes();
  await sleep(200);
  const seen = observer.count('event/movement/settled');
  if (seen < changes) throw new Error(`it published ${seen} movements of at least ${changes}`);
  const taken = feed.samples - samples;
  return {
    cpuUsPerSample: used / taken,
    samplesPerSecond: taken / seconds,
    cpuShare: used / 1_000_000 / seconds,
    rssMiB,
  };
}

/** Sends a mark and waits until its answer came; fails where samples before it were lost. */
async function marked(feed: Feed, observer: Observer, reader: Reader): Promise<void> {
  let answer = '';
  const wanted = `${feed.nextMark} `;
  const answered = observer.next(
    (topic, payload) => {
      const text =
        reader === 'cartwright'
          ? readMark(topic, payload)
          : topic === peerTopics.mark
            ? payload.toString()
            : '';
      if (!text.startsWith(wanted)) return false;
      answer = text;
      return true;
    },
    'the answer to a mark',
    120_000,
  );
  feed.mark();
  await answered;
  const taken = Number(answer.split(' ')[1]);
  if (taken !== feed.samples) throw new Error(`it took ${taken} samples of ${feed.samples}`);
}

/** The bench driver's marks come as scans of a code that nobody knows. */
function readMark(topic: string, payload: Buffer): string {
  if (!topic.endsWith('/event/scan/read')) return '';
  const event = readEventPayload(payload);
  if (!isKnown(event) || event.type !== 'scan.read' || event.data.raw === undefined) return '';
  return Buffer.from(event.data.raw)
    .toString('latin1')
    .replace(/^mark /, '');
}
