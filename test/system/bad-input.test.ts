import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt, { type MqttClient } from 'mqtt';
import { callDevice } from '#cli/call.ts';
import type { Answer } from '#commands/messages.ts';
import { encodeRecord } from '#events/codec.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { Collector } from '#test/support/collector.ts';
import { waitFor } from '#test/support/crash.ts';
import {
  type DaemonUnderTest,
  device,
  makeGatewayFolder,
  startGateway,
  store,
} from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { decodePayload } from '#uplink/payloads.ts';

const test = needs(anyTest, 'mosquitto');
const prefix = `cw/1/${store}/${device}`;
const itemsOfTheTrip = 8;

/** A request as anybody may send it, valid but for `changes`. */
function request(transaction: string, changes: object = {}): Buffer {
  const issued = Date.now();
  const whole = { transaction, issued, expires: issued + 60_000, args: {}, ...changes };
  return Buffer.from(encodeRecord(requestPayload, whole));
}

const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);

/** What no request looks like. */
const malformed: Readonly<Record<string, Buffer | string>> = {
  nothing: '',
  'a break without a beginning': Buffer.from([0xff]),
  'an endless map': Buffer.from([0xbf]),
  'a cut request': request('cut').subarray(0, 20),
  'a request with more behind it': Buffer.concat([request('tail'), Buffer.from([0])]),
  'a length beyond all memory': Buffer.from([0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  'text that is no UTF-8': Buffer.from([0xa1, 0x01, 0x62, 0xc3, 0x28]),
  'CBOR nested 50,000 deep': Buffer.concat([Buffer.alloc(50_000, 0x81), Buffer.from([0])]),
  'half an object': '{"transaction":',
  'an object that says nothing': '{}',
  'a list': '[]',
  'a transaction that is a number': '{"transaction":7,"issued":1,"expires":2}',
  'times that are no integers': '{"transaction":"t","issued":1.5,"expires":1e400}',
  'JSON nested 20,000 deep': `{"transaction":"t","args":${nested('[', ']', 20_000)}}`,
  'a key of 60,000 letters': `{"transaction":"t","issued":1,"expires":2,"${'k'.repeat(60_000)}":1}`,
  'a transaction of 60,000 letters': `{"transaction":"${'t'.repeat(60_000)}","issued":1,"expires":2}`,
};

/** Below `request/`: names that no command has. */
const hostileTopics: readonly string[] = [
  'request',
  'request/',
  'request//',
  'request/session//begin',
  'request/session/begin/',
  'request/../state',
  'request/session.begin',
  'request/SESSION/BEGIN',
  'request/größe/☃/\u{1f6d2}',
  'request/a b',
  'request/%2e%2e/%00',
  'request/$SYS/broker',
  'request/__proto__',
  'request/constructor',
  `request/${'x'.repeat(60_000)}`,
  `request${'/a'.repeat(150)}`,
];

interface Site {
  readonly daemon: DaemonUnderTest;
  readonly url: string;
  readonly attacker: MqttClient;
  readonly collector: Collector;
  readonly answers: Answer[];
}

async function openSite(t: ExecutionContext, broker: 'mosquitto' | 'embedded'): Promise<Site> {
  const mosquitto = broker === 'mosquitto' ? await startMosquitto() : undefined;
  if (mosquitto !== undefined) {
    t.teardown(() => mosquitto.remove());
    const early = await mqtt.connectAsync(mosquitto.url);
    const options = { qos: 1, retain: true } as const;
    await early.publishAsync(`${prefix}/request/session/end`, request('retained'), options);
    await early.endAsync();
  }
  const folder = await makeGatewayFolder({
    brokerUrl: mosquitto?.url ?? 'mqtt://127.0.0.1:0',
    scenario: 'several-items',
    config: mosquitto === undefined ? { broker: { embedded: true } } : {},
  });
  t.teardown(() => folder.remove());
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  const line = daemon.log.find((entry) => entry.includes('"embedded broker"'));
  const url = mosquitto?.url ?? (JSON.parse(line ?? '{}') as { url: string }).url;
  const collector = await Collector.connect(url, store, device);
  t.teardown(() => collector.close());
  const attacker = await mqtt.connectAsync(url, { protocolVersion: mosquitto === undefined ? 4 : 5 });
  t.teardown(() => attacker.endAsync(true));
  const answers: Answer[] = [];
  attacker.on('message', (_topic, payload) => {
    answers.push(decodePayload(responsePayload, payload) as Answer);
  });
  await attacker.subscribeAsync(`${prefix}/response/#`, { qos: 1 });
  return { daemon, url, attacker, collector, answers };
}

/** Resident memory now (`VmRSS`) or at its highest (`VmHWM`), MB. */
async function residentMb(pid: number, what: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024);
}

/** Sends each malformed payload and waits for its answer. */
async function sendMalformed(t: ExecutionContext, { attacker, answers }: Site): Promise<void> {
  for (const [what, payload] of Object.entries(malformed)) {
    const before = answers.length;
    await attacker.publishAsync(`${prefix}/request/gateway/info`, payload, { qos: 1 });
    t.true(await waitFor(() => answers.length > before, 5_000), `${what} is answered`);
    const answer = answers.at(-1);
    t.is(answer?.status, 'refused', what);
    if (answer?.status !== 'refused') continue;
    t.is(answer.code, 'CW-CMD-001', what);
    t.true(answer.message.length < 1_000, `${what}: the answer is for people`);
  }
}

/** Brokers cut off who uses some of these topics, so each has a client of its own. */
async function sendToHostileTopics(t: ExecutionContext, { url }: Site): Promise<void> {
  let taken = 0;
  for (const [index, topic] of hostileTopics.entries()) {
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, protocolVersion: 4 });
    client.on('error', () => {});
    const cut = new Promise<boolean>((resolve) => {
      client.once('close', () => resolve(false));
    });
    const publish = async () => {
      await client.publishAsync(`${prefix}/${topic}`, request(`topic-${index}`), { qos: 1 });
      await client.publishAsync(`${prefix}/${topic}`, 'no request at all', { qos: 1 });
      return true;
    };
    if (await Promise.race([publish().catch(() => false), cut])) taken += 1;
    await client.endAsync(true);
  }
  t.log(`${taken} of ${hostileTopics.length} hostile topics taken by the broker`);
  t.true(taken >= 8, 'most reach the gateway');
}

const floodOf = 2_000;

/** More requests than anybody can work on: each is carried out, or refused as one too many. */
async function flood(t: ExecutionContext, { attacker, answers }: Site, name: string): Promise<void> {
  for (let i = 0; i < floodOf; i++) {
    attacker.publish(`${prefix}/request/gateway/info`, request(`${name}-${i}`), { qos: 1 });
  }
  const seen = () => answers.filter(({ transaction }) => transaction.startsWith(name));
  t.true(await waitFor(() => seen().length > 0, 60_000), 'the first answer');
  // Answers that pile up before a slow broker are given up: who asked repeats the transaction.
  for (let before = -1; seen().length > before && seen().length < floodOf; await sleep(2_000)) {
    before = seen().length;
  }
  const done = seen().filter(({ status }) => status === 'done').length;
  t.log(`${seen().length} of ${floodOf} answered, ${done} of them carried out`);
  t.true(done > 0);
  const codes = seen().flatMap((answer) => (answer.status === 'refused' ? [answer.code] : []));
  t.deepEqual(
    [...new Set(codes)].filter((code) => code !== 'CW-CMD-007'),
    [],
  );
}

async function attack(t: ExecutionContext, broker: 'mosquitto' | 'embedded'): Promise<void> {
  const site = await openSite(t, broker);
  const { daemon, attacker, collector, answers, url } = site;
  const call = { broker: url, store, device, timeout: 10 };
  const begun = await callDevice({ ...call, command: 'session.begin', args: { token: 'QR-TEST-0001' } });
  t.is(begun.status, 'done');
  const startMb = await residentMb(daemon.pid, 'VmRSS');

  await sendMalformed(t, site);
  const oversized = Buffer.alloc(300_000, 0x61);
  for (let i = 0; i < 50; i++) {
    await attacker.publishAsync(`${prefix}/request/gateway/info`, oversized, { qos: i % 2 === 0 ? 1 : 0 });
  }
  await sendToHostileTopics(t, site);
  const expired = { issued: Date.now() - 120_000, expires: Date.now() - 60_000 };
  attacker.publish(`${prefix}/request/session/end`, request('expired', expired), { qos: 1 });
  const endless = { expires: Date.now() + 365 * 86_400_000 };
  attacker.publish(`${prefix}/request/session/end`, request('endless', endless), { qos: 1 });
  const answered = (transaction: string) =>
    answers.find((answer) => answer.transaction === transaction) as { code?: string } | undefined;
  t.true(await waitFor(() => answered('endless') !== undefined, 60_000));
  t.is(answered('expired')?.code, 'CW-CMD-003');
  t.is(answered('endless')?.code, 'CW-CMD-006');
  if (broker === 'mosquitto') {
    const refused = () =>
      collector.events
        .flatMap(({ type, data }) => (type === 'command.refused' ? [data] : []))
        .find(({ transaction }) => transaction === 'retained');
    t.true(await waitFor(() => refused() !== undefined, 60_000));
    t.is(refused()?.code, 'CW-CMD-004');
  }

  await flood(t, site, 'first');
  const peakMb = await residentMb(daemon.pid, 'VmHWM');
  await flood(t, site, 'second');
  const laterMb = await residentMb(daemon.pid, 'VmHWM');
  t.log(`${startMb} MB before, ${peakMb} MB at most, ${laterMb} MB after as much again`);
  t.true(peakMb < startMb + 200, 'a flood takes a bounded part of the memory');
  t.true(laterMb < peakMb + 40, 'and gives it back');

  const added = () => collector.events.filter(({ type }) => type === 'item.added').length;
  t.true(await waitFor(() => added() >= itemsOfTheTrip, 180_000), `${added()} of ${itemsOfTheTrip} items`);
  t.true(daemon.running());
  const ended = await callDevice({ ...call, command: 'session.end', args: {} });
  t.is(ended.status, 'done', 'it serves as before');
  t.is(await daemon.stop(), 0);
  await waitFor(() => collector.gaps().length === 0, 5_000);
  t.deepEqual(collector.gaps(), [], 'no event is lost');
  t.deepEqual(collector.problems, []);
  t.false(
    daemon.log.some((line) => /background work failed|"level":60/.test(line)),
    'nothing failed inside',
  );
}

for (const broker of ['mosquitto', 'embedded'] as const) {
  test.serial(`nothing that anybody sends over ${broker} stops the gateway or its sensing`, async (t) => {
    t.timeout(400_000);
    await attack(t, broker);
  });
}
