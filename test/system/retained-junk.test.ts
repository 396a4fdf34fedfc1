import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt from 'mqtt';
import { callDevice } from '#cli/call.ts';
import { Collector } from '#test/support/collector.ts';
import { waitFor } from '#test/support/crash.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { temporaryFolder } from '#test/uplink/support/bench-device.ts';

const test = needs(anyTest, 'mosquitto');

/** What may lie on a topic: of another program, another version, or somebody's who meant harm. */
const junk: readonly Buffer[] = [
  Buffer.from('junk'),
  Buffer.from([0xbf]),
  Buffer.from('{"transaction":'),
  Buffer.from([0xa1, 0x01, 0x62, 0xc3, 0x28]),
  Buffer.from('{}'),
  Buffer.alloc(300_000, 0x61),
  Buffer.from([0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from(`{"__proto__":${'['.repeat(5_000)}`),
];

/** Filters that the gateway subscribed to, as the broker's log has them, a line for each time. */
async function subscribed(log: string): Promise<string[]> {
  const lines = (await readFile(log, 'utf8')).split('\n');
  return lines.flatMap((line) => new RegExp(`cw-${store}-${device} \\d (\\S+)$`).exec(line)?.[1] ?? []);
}

/** A topic under a filter. */
const topicOf = (filter: string) => filter.replaceAll('+', 'junk').replace(/#$/, 'gateway/info');

async function openSite(t: ExecutionContext) {
  const place = await temporaryFolder(t);
  const log = join(place, 'broker.log');
  const broker = await startMosquitto({
    settings: ['persistence true', `log_dest file ${log}`, 'log_type subscribe'],
  });
  t.teardown(() => broker.remove());
  const folder = await makeGatewayFolder({ brokerUrl: broker.url, scenario: 'several-items' });
  t.teardown(() => folder.remove());
  const collector = await Collector.connect(broker.url, store, device);
  t.teardown(() => collector.close());
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  return { log, broker, collector, daemon };
}

test.serial(
  'junk on every topic that the gateway subscribes to, sent or retained, stops neither it nor its trade',
  async (t) => {
    t.timeout(120_000);
    const { log, broker, collector, daemon } = await openSite(t);
    await collector.until(({ type }) => type === 'gateway.born', 20_000, 'the birth');
    await sleep(500);
    const filters = [...new Set(await subscribed(log))].sort();
    t.log(filters.join(' '));
    for (const end of ['/ack', '/state', '/request/#', '_store/release'])
      t.true(
        filters.some((filter) => filter.endsWith(end)),
        end,
      );

    // All of it while the gateway listens; the last piece stays, another one on each topic.
    const writer = await mqtt.connectAsync(broker.url, { protocolVersion: 5 });
    for (const [index, filter] of filters.entries()) {
      for (let i = 0; i < junk.length; i++) {
        const payload = junk[(index + i) % junk.length] ?? '';
        await writer.publishAsync(topicOf(filter), payload, { qos: 1, retain: true });
      }
    }
    await writer.endAsync();
    // The next connection begins with what lies there.
    const before = (await subscribed(log)).length;
    await broker.stop();
    await broker.start();
    let again = before;
    for (let tries = 0; tries < 600 && again < before + filters.length; tries++) {
      await sleep(50);
      again = (await subscribed(log)).length;
    }
    t.true(again >= before + filters.length, 'it is back');
    const added = () => collector.events.filter(({ type }) => type === 'item.added').length;
    t.true(await waitFor(() => added() >= 8, 60_000), `${added()} of 8 items`);
    const call = { broker: broker.url, store, device, timeout: 10 };
    const answer = await callDevice({ ...call, command: 'gateway.info', args: {} });
    t.is(answer.status, 'done', 'it serves as before');
    t.true(daemon.running());
    t.is(await daemon.stop(), 0);
    await waitFor(() => collector.gaps().length === 0, 5_000);
    t.deepEqual(collector.gaps(), [], 'no event is lost');
    t.deepEqual(collector.problems, []);
    const failed = daemon.log.filter((line) => /background work failed|"level":60/.test(line));
    t.deepEqual(failed, [], 'nothing failed inside');
    for (const code of ['CW-UPL-025', 'CW-UPL-026'])
      t.true(
        daemon.log.some((line) => line.includes(code)),
        `${code} is told`,
      );
  },
);
