import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import mqtt from 'mqtt';
import { parse, stringify } from 'yaml';
import { statePayload } from '#events/mqtt-payloads.ts';
import { runCli } from '#test/support/cli.ts';
import {
  type DaemonUnderTest,
  type GatewayFolder,
  makeGatewayFolder,
  startGateway,
} from '#test/support/gateway.ts';
import { type Mosquitto, startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { decodePayload } from '#uplink/payloads.ts';

/** A technician at the command line, a real broker, the real daemon on a virtual cart with hands. */
const test = needs(
  anyTest as TestFn<{ broker: Mosquitto; folder: GatewayFolder; gateway: DaemonUnderTest; hands: string }>,
  'mosquitto',
);

test.beforeEach(async (t) => {
  const broker = await startMosquitto();
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'demo-trip',
    config: { calibrationWarmUpS: 0 },
  });
  const hands = `calibrate-${broker.port}`;
  const path = join(folder.path, 'board.yaml');
  const board = parse(await readFile(path, 'utf8'));
  for (const device of board.devices) {
    if (device.driver !== 'virtual-world') continue;
    device.options = { scenario: resolve('config/scenarios/demo-trip.yaml'), startOn: 'call', hands };
  }
  await writeFile(path, stringify(board));
  Object.assign(t.context, { broker, folder, hands, gateway: await startGateway(folder) });
});

test.afterEach.always(async (t) => {
  await t.context.gateway?.stop();
  await t.context.folder?.remove();
  await t.context.broker?.remove();
});

test('a cart is calibrated by a script, and its report is a page', async (t) => {
  t.timeout(300_000);
  const { broker, folder, hands } = t.context;
  const script = join(folder.path, 'weights.yaml');
  const weights = [
    { id: 'w10', kg: 10, class: 'M1' },
    { id: 'w5', kg: 5, class: 'M1' },
  ];
  const place = [resolve('scripts/virtual-hands'), hands, '{plate}', '{massMg}', '{at}'];
  await writeFile(script, stringify({ calibrate: 1, weights, model: 'span', place }));
  const on = ['-s', 'test-store', '-b', broker.url];
  const run = await runCli(['calibrate', 'cart-0001', ...on, '--script', script, '--json']);
  const told = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.is(run.code, 0, `${run.stdout}\n${run.stderr}`);
  t.like(told.at(-1), { device: 'cart-0001', outcome: 'committed', revision: 2, plates: ['basket'] });
  t.is(told.filter(({ what }) => what === 'refused').length, 0, run.stdout);
  const client = await mqtt.connectAsync(broker.url);
  const state = await new Promise<Buffer>((resolve) => {
    client.on('message', (_topic, payload) => resolve(payload));
    void client.subscribeAsync('cw/1/test-store/cart-0001/state');
  });
  await client.endAsync(true);
  t.is(decodePayload(statePayload, state).versions?.calibration, 2, 'the birth tells it too');
  const page = join(folder.path, 'report.html');
  const report = await runCli(['report', 'cart-0001', ...on, '-o', page]);
  t.is(report.code, 0, report.stderr);
  t.regex(await readFile(page, 'utf8'), /Calibration report[\s\S]*revision 2[\s\S]*w10/);
  const diagnosis = await runCli(['diagnose', 'cart-0001', ...on, '--seconds', '4']);
  t.is(diagnosis.code, 0, diagnosis.stderr);
  t.regex(diagnosis.stdout, /cell-fl.*good/);
});

test('a technician who lets go in the middle leaves the scale as it was', async (t) => {
  t.timeout(300_000);
  const { broker } = t.context;
  const on = ['-s', 'test-store', '-b', broker.url];
  const run = await runCli(['calibrate', 'cart-0001', ...on, '--weights', '10kg,5kg', '--json'], {
    input: 'done\nabort\n',
  });
  t.is(run.code, 1, run.stderr);
  const last = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '');
  t.like(last, { outcome: 'aborted' });
  const list = await runCli(['call', 'calibration.status', ...on, '-d', 'cart-0001', '--json']);
  const { data } = JSON.parse(list.stdout) as { data: { revision: number; session?: unknown } };
  t.deepEqual([data.revision, data.session], [1, undefined]);
});
