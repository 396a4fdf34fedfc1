import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetConsumer } from '#test/support/fleet-consumer.ts';
import { type NatsCluster, startNats } from '#test/support/nats.ts';
import { findTool } from '#test/tools.ts';
import { quantile } from './accuracy/intervals.ts';
import { Fleet, type FleetReport, incomplete } from './fleet/fleet.ts';
import type { BenchContext, Part, PartResult } from './support/part.ts';
import type { Row } from './support/report.ts';

const name = 'brokers';
const store = 'nodes';
const many = 200;
const manyQuick = 12;
const processes = 4;
/** Between two events of one gateway, ms. */
const everyMs = 1_000;

/** Three NATS nodes under the load of two hundred gateways, each killed in turn. */
export const brokersPart: Part = {
  name,
  about: `${many} gateways on three NATS nodes, each killed (SIGKILL) and started again in turn`,
  async run(context: BenchContext): Promise<PartResult> {
    for (const tool of ['nats-server', 'openssl']) {
      if (findTool(tool) === undefined) return [{ part: name, why: `${tool} is not installed` }];
    }
    const count = context.quick ? manyQuick : many;
    const names = Array.from({ length: count }, (_, i) => `cart-${i + 1}`);
    const cluster = await startNats(store, names);
    try {
      return await underLoad(context, cluster, names);
    } finally {
      await cluster.remove();
    }
  },
};

interface Site {
  readonly cluster: NatsCluster;
  readonly consumer: FleetConsumer;
  readonly fleet: Fleet;
  readonly count: number;
}

async function underLoad(context: BenchContext, cluster: NatsCluster, names: readonly string[]) {
  const { urls } = cluster;
  const folder = join(context.folder, name);
  await mkdir(folder, { recursive: true });
  const tls = cluster.client('store');
  const consumer = await FleetConsumer.open({ urls, store, clientId: 'ledger', tls });
  context.say(`${names.length} gateways connect to three nodes`);
  const gateways = names.map((device, i) => ({
    ...{ device, seed: i + 1 },
    broker: { url: '', urls: [...urls], subscribeQos: 0 as const, ...cluster.client(device) },
  }));
  const fleet = await Fleet.start({ store, folder, gateways, everyMs, processes });
  const site: Site = { cluster, consumer, fleet, count: names.length };
  try {
    const rows = [...(await quietTimes(context, site))];
    for (const index of cluster.nodes.keys()) rows.push(...(await loseNode(context, site, index)));
    return [...rows, await nothingLost(site)];
  } finally {
    await fleet.stop();
    await consumer.close();
  }
}

/** Longest time of each gateway without an acknowledged event, as rows. */
function silences(what: string, report: FleetReport): Row[] {
  const seconds = report.gateways.map(({ silentMs }) => silentMs / 1_000).sort((a, b) => a - b);
  const row = (title: string, value: number, note?: string): Row => ({
    ...{ part: name, what: `${what}: without publishing, ${title}`, value, unit: 's' },
    ...(note === undefined ? {} : { note }),
  });
  const nodes = Map.groupBy(report.gateways, ({ broker }) => broker);
  return [
    row('p50 of gateways', quantile(seconds, 0.5)),
    row('p99', quantile(seconds, 0.99)),
    row(
      'max',
      seconds.at(-1) ?? Number.NaN,
      `${report.gateways.filter(({ upMs }) => upMs.length > 0).length} connected anew; at the nodes ${[...nodes.values()].map(({ length }) => length).join(', ')}; storing ${Math.round(report.slowestStoreMs)} ms at most, processes held up ${Math.round(report.heldUpMs)} ms`,
    ),
  ];
}

/** What the same measures without a fault. */
async function quietTimes(context: BenchContext, { fleet, count }: Site): Promise<Row[]> {
  await sleep(15_000);
  await fleet.mark();
  context.say('nothing fails, for comparison');
  await sleep(20_000);
  return silences(`${count} gateways, three nodes`, await fleet.report());
}

async function loseNode(context: BenchContext, site: Site, index: number): Promise<Row[]> {
  const { cluster, fleet, count } = site;
  const node = cluster.nodes[index];
  if (node === undefined) return [];
  const there = (await fleet.report()).gateways.filter(({ broker }) => broker === node.url).length;
  context.say(`node ${index + 1} of three is killed, ${there} gateways are there`);
  await fleet.mark();
  await node.kill();
  await sleep(5_000);
  // Everybody is elsewhere, and no queue is longer than what is stored within a few seconds.
  const isFlowing = (report: FleetReport) =>
    report.connected === count &&
    report.gateways.every(({ waiting, broker }) => waiting < 5 && broker !== node.url);
  await fleet.until(isFlowing, `all publish without node ${index + 1}`, 240_000);
  context.say(`node ${index + 1} comes back`);
  await node.start();
  for (let tries = 0; tries < 240 && !(await node.current()); tries++) await sleep(500);
  await sleep(5_000);
  const report = await fleet.until(
    ({ connected, waiting }) => connected === count && waiting < 5 * count,
    'all publish again',
    240_000,
  );
  return silences(`${count} gateways, node ${index + 1} killed (${there} were there) and back`, report);
}

async function nothingLost({ fleet, consumer }: Site): Promise<Row> {
  await fleet.quiet();
  const { gateways } = await fleet.until(({ waiting }) => waiting === 0, 'all is sent', 240_000);
  const stored = gateways.reduce((sum, gateway) => sum + gateway.stored, 0);
  for (let tries = 0; tries < 480 && consumer.count < stored; tries++) await sleep(250);
  const lost = incomplete(gateways, (device, through) => consumer.missing(device, through));
  const problems = [...lost, ...consumer.problems];
  if (problems.length > 0) throw new Error(`events were lost: ${problems.slice(0, 5).join('; ')}`);
  return {
    ...{ part: name, what: 'events that never came', value: stored - consumer.count, unit: `of ${stored}` },
    goal: { atMost: 0 },
    note: `${consumer.repeats} repeats removed by id, the consumer connected ${consumer.connections} times`,
  };
}
