import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetConsumer } from '#test/support/fleet-consumer.ts';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { makeAuthority } from '#test/support/openssl-authority.ts';
import { findTool } from '#test/tools.ts';
import { quantile } from './accuracy/intervals.ts';
import { Fleet, incomplete, perSecond } from './fleet/fleet.ts';
import type { BenchContext, Part, PartResult } from './support/part.ts';
import type { Row } from './support/report.ts';

const name = 'storm';
const store = 'storm';
const many = 500;
const manyQuick = 40;
const processes = 4;
/** Between two events of one gateway, ms. */
const everyMs = 5_000;

const clockMs = () => performance.timeOrigin + performance.now();

/** Five hundred gateways lose one Mosquitto in the same moment: how they come back. */
export const stormPart: Part = {
  name,
  about: `${many} gateways' links on one Mosquitto that is restarted: how their reconnects spread`,
  async run(context: BenchContext): Promise<PartResult> {
    for (const tool of ['mosquitto', 'openssl']) {
      if (findTool(tool) === undefined) return [{ part: name, why: `${tool} is not installed` }];
    }
    const site = await openSite(context);
    try {
      const rows: Row[] = [];
      const outages = context.quick ? [1] : [1, 60];
      for (const seconds of outages) rows.push(...(await storm(context, site, seconds)));
      return [...rows, await nothingLost(site)];
    } finally {
      await site.fleet.stop();
      await site.consumer.close();
      await site.broker.remove();
    }
  },
};

interface Site {
  readonly broker: Mosquitto;
  readonly consumer: FleetConsumer;
  readonly fleet: Fleet;
  readonly count: number;
}

async function openSite(context: BenchContext): Promise<Site> {
  const folder = join(context.folder, name);
  await mkdir(folder, { recursive: true });
  const authority = makeAuthority(folder, 'store');
  const server = authority.issue('broker', 'IP:127.0.0.1');
  // One for all: what a handshake costs is the same.
  const client = authority.issue('cart', 'DNS:cart');
  const broker = await startMosquitto({
    settings: [
      ...['persistence true', 'set_tcp_nodelay true', `cafile ${authority.ca}`],
      ...[
        `certfile ${server.cert}`,
        `keyfile ${server.key}`,
        'require_certificate true',
        'tls_version tlsv1.2',
      ],
    ],
  });
  const files = { caFile: authority.ca, certFile: client.cert, keyFile: client.key };
  const url = `mqtts://127.0.0.1:${broker.port}`;
  const consumer = await FleetConsumer.open({ urls: [url], store, clientId: 'ledger', tls: files });
  const count = context.quick ? manyQuick : many;
  context.say(`${count} gateways connect`);
  const gateways = Array.from({ length: count }, (_, i) => ({
    ...{ device: `cart-${i + 1}`, seed: i + 1, broker: { url, ...files } },
  }));
  const fleet = await Fleet.start({ store, folder, gateways, everyMs, processes });
  return { broker, consumer, fleet, count };
}

/** Stops the broker for so long, and looks how everybody comes back. */
async function storm(context: BenchContext, site: Site, seconds: number): Promise<Row[]> {
  const { broker, fleet, count } = site;
  // Connections that lasted, as in a shop.
  await sleep(12_000);
  context.say(`the broker is away for ${seconds} s`);
  await fleet.mark();
  await broker.stop();
  await sleep(seconds * 1_000);
  await broker.start();
  const backMs = clockMs();
  await fleet.until(({ connected }) => connected === count, 'all are back', 180_000);
  const report = await fleet.until(({ waiting }) => waiting < count, 'the queues are sent', 180_000);
  const ups = report.gateways.flatMap(({ upMs }) => upMs).sort((a, b) => a - b);
  const delays = ups.map((at) => (at - backMs) / 1_000);
  const accepted = perSecond(ups, backMs);
  const tried = perSecond(report.attemptsMs, backMs);
  const what = `${count} gateways, broker away for ${seconds} s`;
  const row = (title: string, value: number, unit: string, more: Partial<Row> = {}): Row => ({
    ...{ part: name, what: `${what}: ${title}`, value, unit },
    ...more,
  });
  return [
    row('all are back', delays.at(-1) ?? Number.NaN, 's', {
      note: `half after ${quantile(delays, 0.5).toFixed(1)} s, 99 % after ${quantile(delays, 0.99).toFixed(1)} s; ${ups.length} connections accepted`,
    }),
    row('accepted in the busiest second', Math.max(...accepted), '/s', {
      runs: accepted,
      note: `each second: ${accepted.join(' ')}`,
    }),
    row('attempts in the busiest second', Math.max(...tried), '/s', { runs: tried }),
    row('storing an event, slowest', report.slowestStoreMs, 'ms', {
      note: `the processes of the fleet were held up by ${Math.round(report.heldUpMs)} ms at most`,
    }),
  ];
}

async function nothingLost({ fleet, consumer }: Site): Promise<Row> {
  await fleet.quiet();
  const { gateways } = await fleet.until(({ waiting }) => waiting === 0, 'all is sent', 120_000);
  const stored = gateways.reduce((sum, gateway) => sum + gateway.stored, 0);
  for (let tries = 0; tries < 240 && consumer.count < stored; tries++) await sleep(250);
  const lost = incomplete(gateways, (device, through) => consumer.missing(device, through));
  const problems = [...lost, ...consumer.problems];
  if (problems.length > 0) throw new Error(`events were lost: ${problems.slice(0, 5).join('; ')}`);
  return {
    ...{ part: name, what: 'events that never came', value: stored - consumer.count, unit: `of ${stored}` },
    goal: { atMost: 0 },
    note: `${consumer.repeats} repeats removed by id`,
  };
}
