import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt from 'mqtt';
import type { Page } from 'playwright-core';
import { callDevice } from '#cli/call.ts';
import { loadAssets } from '#pages/assets.ts';
import type { DisplayState } from '#pages/display/source.ts';
import type { StatusPicture } from '#pages/status/source.ts';
import { readQr } from '../gateway/read-qr.ts';
import { device, makeGatewayFolder, startGateway, store } from '../support/gateway.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { needs } from '../tools.ts';
import { barcodeFilm } from './barcode-film.ts';
import { openChromium } from './chromium.ts';
import { measure } from './display-measure.ts';
import { until } from './display-scenes.ts';

const test = needs(anyTest, 'chromium', 'mosquitto').serial;
const longMs = 90_000;
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What docs/mqtt.md advises of guests' rights, beside a user for the cart. */
const rights = `
user cart
topic readwrite cw/#
pattern read cw/1/${store}/+/phone/%c/#
pattern write cw/1/${store}/+/phone/%c/say
`;

/** A broker that carts reach by MQTT and phones, as guests, by WebSocket. */
async function startStore(t: ExecutionContext) {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-phone-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const rightsFile = join(folder, 'rights');
  await writeFile(rightsFile, rights, { mode: 0o600 });
  const port = await freePort();
  const settings = [`listener ${port} 127.0.0.1`, 'protocol websockets', `acl_file ${rightsFile}`];
  const broker = await startMosquitto({ settings });
  t.teardown(() => broker.remove());
  return { broker, guests: `ws://127.0.0.1:${port}/`, folder };
}

/** The store's web server: files and nothing else. */
async function startHost(t: ExecutionContext): Promise<string> {
  const assets = await loadAssets(resolve('src/pages/phone/dist'));
  const server = createServer((request, response) => {
    const asset = assets.get(request.url ?? '');
    response.writeHead(asset === undefined ? 404 : 200, { 'Content-Type': asset?.type ?? 'text/plain' });
    response.end(asset?.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** What the display shows first. */
async function displayState(url: string): Promise<DisplayState> {
  const response = await fetch(new URL('api/stream', url));
  let text = '';
  for await (const part of response.body ?? []) {
    text += Buffer.from(part).toString();
    const data = /^data: (.*)$/m.exec(text)?.[1];
    if (data !== undefined && text.includes('\n\n')) {
      return (JSON.parse(data) as { readonly state: DisplayState }).state;
    }
  }
  throw new Error('the display said nothing');
}

const seen = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor({ timeout: longMs });

test('a phone that reads the code on the display scans for the cart and shows its list, until the trip ends', async (t) => {
  t.timeout(400_000);
  const { broker, guests, folder } = await startStore(t);
  const film = join(folder, 'film.y4m');
  await writeFile(film, await barcodeFilm('8001250120076'));
  const host = await startHost(t);
  const cart = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: '../../test/fixtures/scenarios/display-trip',
    config: { broker: { username: 'cart' }, display: { port: 0, phone: { page: host, broker: guests } } },
  });
  t.teardown(() => cart.remove());
  const daemon = await startGateway(cart);
  t.teardown(() => daemon.kill());
  let shown: DisplayState['phone'];
  await until(t, 'a code', async () => {
    shown = (await displayState(daemon.displayUrl)).phone;
    return shown !== undefined;
  });
  const address = await readQr(shown?.path ?? '', shown?.side ?? 0);
  t.true(address.startsWith(host), address);

  const browser = await openChromium([
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${film}`,
  ]);
  t.teardown(() => browser.close());
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    locale: 'en-GB',
    permissions: ['camera'],
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  await seen(page, 'Cart 0001');
  await seen(page, 'Connected');
  await until(
    t,
    'the display knows',
    async () => (await displayState(daemon.displayUrl)).phone?.joined === true,
  );

  const strange: string[] = [];
  const spy = await mqtt.connectAsync(guests, { clientId: 'spy', protocolVersion: 4 });
  t.teardown(() => spy.endAsync(true));
  spy.on('message', (topic) => strange.push(topic));
  await spy.subscribeAsync(`cw/1/${store}/#`, { qos: 1 });
  spy.publish(`cw/1/${store}/${device}/request/session/end`, '{}', { qos: 1 });

  const snapshot = async () =>
    (await (await fetch(new URL('api/snapshot', daemon.statusUrl))).json()) as StatusPicture;
  const phoneScans = async () =>
    (await snapshot()).events.filter(({ type, data }) => type === 'scan.read' && data.source === 'phone')
      .length;
  const touch = (name: string) => page.getByRole('button', { name, exact: true }).tap({ timeout: longMs });
  await touch('Scan');
  await seen(page, 'Scanned. Now put it in the cart.');
  await until(t, 'the scan is told', async () => (await phoneScans()) >= 1);
  await touch('Stop scanning');
  // What the camera saw before may still be under way.
  let before = await phoneScans();
  for (let quiet = 0; quiet < 20; quiet++) {
    await delay(100);
    const now = await phoneScans();
    if (now !== before) quiet = 0;
    before = now;
  }
  await page.getByLabel('Number under the bars').fill('8005110630407');
  await touch('Enter');
  await seen(page, 'That is no number of a product');
  t.is(await phoneScans(), before);
  await page.getByLabel('Number under the bars').fill('8005110630408');
  await touch('Enter');
  await seen(page, 'Scanned. Now put it in the cart.');
  await until(t, 'the typed scan', async () => (await phoneScans()) === before + 1);

  await page.locator('[data-key=line-1]').waitFor({ timeout: longMs });
  t.regex(await page.locator('#total').innerText(), /^€\d/);
  const found = await measure(page, { smallestPx: 18, targetPx: 48, contrast: 7 });
  t.deepEqual([found.small, found.faint, found.narrow, found.cut], [[], [], [], []]);
  await page.evaluate(await readFile(axePath, 'utf8'));
  const violations = await page.evaluate<readonly string[]>(
    'axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + nodes[0].html))',
  );
  t.deepEqual(violations, []);
  t.deepEqual(strange, [], 'a guest hears nothing but its own channel');

  const ended = await callDevice({
    broker: broker.url,
    username: 'cart',
    store,
    device,
    command: 'session.end',
    args: {},
    timeout: 60,
  });
  t.is(ended.status, 'done');
  await seen(page, 'The trip is over');
  t.is(await page.getByRole('button').count(), 0);
  t.deepEqual(complaints, []);
});

test('an address that is no code says what to do', async (t) => {
  t.timeout(180_000);
  const host = await startHost(t);
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const page = await browser.newPage({ locale: 'de-DE', viewport: { width: 390, height: 844 } });
  await page.goto(`${host}#nothing`, { waitUntil: 'domcontentloaded' });
  await seen(page, 'Lesen Sie mit der Kamera Ihres Handys den Code');
  t.is(await page.getByRole('button').count(), 0);
});
