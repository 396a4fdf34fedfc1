import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import mqtt from 'mqtt';
import type { LiveCellRow } from '#cli/live-table.ts';
import { runCli, startCli } from '#test/support/cli.ts';
import {
  type DaemonUnderTest,
  device,
  makeGatewayFolder,
  startGateway,
  store,
} from '#test/support/gateway.ts';

interface Site {
  readonly url: string;
  readonly daemon: DaemonUnderTest;
  call(command: string, ...more: string[]): ReturnType<typeof runCli>;
}

/** A cart with a broker inside, on which nothing moves for a while. */
async function openSite(t: ExecutionContext): Promise<Site> {
  const folder = await makeGatewayFolder({
    brokerUrl: 'mqtt://127.0.0.1:0',
    scenario: 'put-back',
    config: { broker: { embedded: true } },
  });
  t.teardown(() => folder.remove());
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  const line = daemon.log.find((entry) => entry.includes('"embedded broker"')) ?? '{}';
  const { url } = JSON.parse(line) as { url: string };
  const call = (command: string, ...more: string[]) =>
    runCli(['call', command, '-s', store, '-d', device, '-b', url, ...more]);
  return { url, daemon, call };
}

test('tail shows events as they come, and call carries commands there and answers back', async (t) => {
  t.timeout(600_000);
  const site = await openSite(t);
  const readable = startCli(['tail', '-b', site.url, '-d', device]);
  t.teardown(() => readable.child.kill());
  const decoded = startCli(['tail', '-b', site.url, '--json', '-t', 'basket', '-n', '2']);
  t.teardown(() => decoded.child.kill());
  await readable.shows('time');
  await sleep(1_000);

  const info = await site.call('gateway.info', '--json');
  t.is(info.code, 0, info.stderr);
  const answer = JSON.parse(info.stdout) as { status: string; data: { device: string; boot: number } };
  t.is(answer.status, 'done');
  t.is(answer.data.device, device);
  t.is(answer.data.boot, 1);
  const shown = await site.call('gateway.info');
  t.regex(shown.stdout, /\nboard +light-cart\n/);

  const begin = await site.call('session.begin', 'token=QR-4200', '--transaction', 'once');
  t.is(begin.code, 0, begin.stderr);
  const again = await site.call('session.begin', 'token=QR-4200', '--transaction', 'once');
  t.is(again.stdout, begin.stdout, 'the same transaction is carried out once');
  const other = await site.call('session.begin', 'token=QR-4300', '--transaction', 'once');
  t.is(other.code, 1);
  t.regex(other.stderr, /^refused: CW-CMD-005 /);
  t.is((await site.call('session.end')).code, 0);

  const tailed = await decoded.ended;
  t.is(tailed.code, 0);
  const events = tailed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; source: string });
  t.is(events.length, 2);
  for (const { type, source } of events) {
    // Which two depends on the machine: a slow one sees goods move before the basket is open, and an alert.
    t.regex(type, /^basket\./);
    t.is(source, `${store}/${device}`);
  }
  await readable.shows('basket.opened');
  await readable.shows('basket.closed');
  readable.child.kill('SIGINT');
  const { code, stdout, stderr } = await readable.ended;
  t.is(code, 0, 'Ctrl-C is how a tail ends');
  t.is(stderr, '');
  t.regex(stdout, /\d\d:\d\d:\d\d\.\d{3} basket\.opened +trip \w{8} begins +EUR 0\.00\n/);
});

test('a refusal ends with 1 and its code, on standard error or as data', async (t) => {
  t.timeout(600_000);
  const site = await openSite(t);
  const unknown = await site.call('make.coffee');
  t.is(unknown.code, 1);
  t.regex(
    unknown.stderr,
    /^refused: CW-CMD-002 there is no command make\.coffee; these are: .*gateway\.info/,
  );
  t.is(unknown.stdout, '');
  const asData = await site.call('make.coffee', '--json');
  t.is(asData.code, 1);
  t.is(asData.stderr, '');
  const refused = JSON.parse(asData.stdout) as { status: string; code: string };
  t.deepEqual([refused.status, refused.code], ['refused', 'CW-CMD-002']);
  const wrong = await site.call('log.level', 'level=loud');
  t.is(wrong.code, 1);
  t.regex(wrong.stderr, /CW-CMD-008 log\.level: level/);
  const fraction = await site.call('item.identify', '{"plu":"4011","count":1.5}');
  t.true(fraction.code === 1 || fraction.code === 2, 'no count is a fraction');
  t.regex(fraction.stderr, /CW-/);
});

test('a device that does not answer ends a call with 3, whatever else is said on its topic', async (t) => {
  t.timeout(600_000);
  const site = await openSite(t);
  const client = await mqtt.connectAsync(site.url);
  t.teardown(() => client.endAsync(true));
  const topic = `cw/1/${store}/cart-0099/response/gateway/info`;
  const chatter = setInterval(() => {
    for (const noise of ['', '{', '{"transaction":5}', '\u{0}\u{ff}']) client.publish(topic, noise);
  }, 50);
  t.teardown(() => clearInterval(chatter));
  const silent = await runCli([
    'call',
    'gateway.info',
    '-s',
    store,
    '-d',
    'cart-0099',
    '-b',
    site.url,
    '--timeout',
    '10.5',
  ]);
  t.is(silent.code, 3);
  t.regex(silent.stderr, /^CW-CLI-003 test-store\/cart-0099 did not answer gateway\.info within 10\.5 s/);
});

test('live shows every cell and every plate while it is watched, and ends its lease', async (t) => {
  t.timeout(600_000);
  const site = await openSite(t);
  const live = (...more: string[]) => ['live', ...more, '-s', store, '-d', device, '-b', site.url];
  const readable = startCli(live());
  t.teardown(() => readable.child.kill());
  let lines = 0;
  readable.child.stdout?.on('data', (text: string) => {
    lines += text.split('\n').length;
  });
  await readable.shows('noise');
  const data = await runCli(live('cells', '--json', '-n', '15'));
  t.is(data.code, 0, data.stderr);
  const messages = data.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { atUs: number; cells: LiveCellRow[] });
  t.is(messages.length, 15);
  const cells = messages.at(-1)?.cells ?? [];
  t.is(cells.length, 4);
  for (const [index, cell] of cells.entries()) {
    t.like(cell, { device: 'bridge', channel: index });
    t.true(Number.isInteger(cell.counts) && Number.isInteger(cell.massMg), JSON.stringify(cell));
    t.true((cell.noiseCounts ?? 0) > 0 && (cell.noiseMg ?? 0) > 0 && (cell.ratePerMinute ?? 0) > 0);
  }
  const plates = await runCli(live('weight', '-n', '1'));
  t.is(plates.code, 0, plates.stderr);
  t.regex(
    plates.stdout,
    /^plate +gross +noise +tare +net +state\nbasket +-?\d+\.\d g .*(?:stable|settling|moving)\n/,
  );

  // The other watcher took the lease with it: it is asked for again, and values go on.
  const before = lines;
  await sleep(6_000);
  t.true(lines > before);
  readable.child.kill('SIGINT');
  const { code, stdout, stderr } = await readable.ended;
  t.is(code, 0, 'Ctrl-C is how it ends');
  const halts =
    /^(?:no live values from test-store\/cart-0001; asking for them again\nlive values come again\n)*$/;
  t.regex(stderr, halts, 'a busy machine may hold the gateway up; nothing else is said');
  t.regex(stdout, /^device +ch +cell +counts +noise +mass +noise +rate +fault\nbridge +0 +cell-fl +-?\d+ /);
  t.notRegex(stdout.replaceAll('\n', ''), /\p{Cc}/u, 'no terminal, nothing to steer');

  const client = await mqtt.connectAsync(site.url);
  t.teardown(() => client.endAsync(true));
  let heard = 0;
  client.on('message', () => {
    heard += 1;
  });
  await client.subscribeAsync(`cw/1/${store}/${device}/live/#`);
  await sleep(1_000);
  t.is(heard, 0, 'its lease ended with it');
  t.is((await runCli(live('fish'))).code, 2);
});

test('tail passes over what is no event, and waits for a broker that goes away', async (t) => {
  t.timeout(600_000);
  const site = await openSite(t);
  const run = startCli(['tail', '-b', site.url]);
  let stderr = '';
  run.child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await run.shows('time');
  await sleep(500);
  const client = await mqtt.connectAsync(site.url);
  await client.publishAsync(`cw/1/${store}/${device}/event/item/added`, Buffer.from([0xff, 0x00]), {
    qos: 1,
  });
  await client.publishAsync(`cw/1/${store}/\u{1b}[31m/event/x`, '{"type":', { qos: 1 });
  await client.endAsync();
  await site.call('session.begin', 'token=QR-4200');
  await run.shows('basket.opened');
  await site.daemon.stop();
  for (let tries = 0; tries < 1_200 && !stderr.includes('waiting for it'); tries++) await sleep(25);
  t.regex(stderr, /event\/item\/added: CW-EVT-\d{3} /);
  t.regex(stderr, /is gone; waiting for it/);
  t.false(stderr.includes('\u{1b}'), 'nothing reaches the terminal as a command');
  run.child.kill('SIGTERM');
  t.is((await run.ended).code, 0);
});

test('something that is no broker is told apart from one in time', async (t) => {
  const server = createServer((socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const result = await runCli(['tail', '-b', `127.0.0.1:${port}`]);
  t.is(result.code, 3);
  t.regex(result.stderr, /^CW-CLI-002 the broker at mqtt:\/\/127\.0\.0\.1:\d+ can't be reached/);
  t.notRegex(result.stderr, /\n\s+at /);
});
