import anyTest, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { silentLogger } from '#base/log.ts';
import { startStatusPage } from '#pages/status/server.ts';
import { needs } from '../tools.ts';
import { openChromium } from './chromium.ts';
import { basket, makeEvent, ScriptedSource } from './scripted-source.ts';

const test = needs(anyTest, 'chromium').serial;

let browser: Browser | undefined;
anyTest.after.always('close the browser', () => browser?.close());

interface Seen {
  readonly page: Page;
  readonly source: ScriptedSource;
  readonly url: string;
  /** What the page complained about: errors, and requests to anyone else. */
  readonly complaints: string[];
}

/** Serves a source, opens the page on it in a fresh browser context and waits until it is live. */
async function open(t: ExecutionContext, source = new ScriptedSource(), width = 1280): Promise<Seen> {
  t.timeout(60_000);
  const server = await startStatusPage({ port: 0, source, log: silentLogger });
  t.teardown(() => server.close());
  browser ??= await openChromium();
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  t.teardown(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('data:'))
      complaints.push(request.url());
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(server.url);
  await page.getByText('live', { exact: true }).waitFor();
  return { page, source, url: server.url, complaints };
}

/** Runs in the page: counts the pixels of the plot that have the colour of a custom property. */
const countPixels = `(name) => {
  const canvas = document.querySelector('#plot canvas');
  const probe = document.createElement('canvas').getContext('2d');
  probe.fillStyle = getComputedStyle(canvas).getPropertyValue(name).trim();
  probe.fillRect(0, 0, 1, 1);
  const wanted = probe.getImageData(0, 0, 1, 1).data;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if ([0, 1, 2, 3].every((k) => Math.abs(data[i + k] - wanted[k]) <= 6)) count++;
  }
  return count;
}`;

function coloured(page: Page, variable: string): Promise<number> {
  return page.evaluate<number>(`(${countPixels})(${JSON.stringify(variable)})`);
}

test('the page shows masses, basket, devices and broker, without a single error or foreign request', async (t) => {
  const { page, complaints } = await open(t, new ScriptedSource({ basket }));
  const text = (await page.locator('body').innerText()).replaceAll('\u00a0', ' ');
  for (const part of [
    'store-7 / cart-0042',
    '4.236',
    'Max 30 kg · e = 5 g · d = 1 g',
    'at rest',
    '€14.26',
    'Bananas',
    'handle-scanner',
    'mqtt://127.0.0.1:1883',
  ]) {
    t.true(text.includes(part), part);
  }
  t.true(text.includes('Every event has arrived.'));
  t.deepEqual(complaints, []);
});

test('weights that arrive move the number and draw a line', async (t) => {
  const { page, source } = await open(t);
  t.is(await coloured(page, '--series-0'), 0);
  for (let index = 0; index < 12; index++) {
    const netMg = 1_000_000 + index * 100_000;
    source.tell({
      kind: 'weights',
      atUs: 600_000_000 + index * 120_000,
      plates: [{ id: 'basket', netMg, stable: index > 8, moving: index > 3 && index < 7 }],
    });
    await page.waitForTimeout(120);
  }
  await page.getByText('2.100', { exact: true }).waitFor();
  t.true((await coloured(page, '--series-0')) > 20);
  t.true((await coloured(page, '--band-moving')) > 50);
  t.true((await coloured(page, '--band-settling')) > 50);
});

test('a plate says in words whether it is at rest, settling, rolling or silent', async (t) => {
  const { page, source } = await open(t);
  const tell = (weight: object) =>
    source.tell({
      kind: 'weights',
      atUs: 600_000_000,
      plates: [{ id: 'basket', stable: false, moving: false, ...weight }],
    });
  const plate = page.getByRole('article', { name: 'Plate basket' });
  tell({ netMg: 5_000 });
  await plate.getByText('settling').waitFor();
  tell({ netMg: 5_000, moving: true });
  await plate.getByText('rolling').waitFor();
  tell({});
  await plate.getByText('no reading').waitFor();
  t.true((await plate.innerText()).includes('—'));
});

test('an event appears as text, with its running total once the basket line follows', async (t) => {
  const { page, source } = await open(t);
  const item = makeEvent('item.added', {
    name: 'Ground coffee',
    count: 2,
    massMg: 1_030_000,
    probabilityPpm: 998_765,
  });
  source.tell({ kind: 'event', event: item });
  const totals = { currency: 'EUR', finalMinor: 998, estimateMinor: 0 };
  const line = makeEvent('basket.line', { name: 'Ground coffee', change: 2, totals }, { causes: [item.id] });
  source.tell({ kind: 'event', event: line });
  const row = page.getByRole('log').getByRole('listitem').first();
  await row.getByText('€9.98').waitFor();
  t.regex(
    await row.innerText(),
    /10:04:00\s+Put in\s+2 × Ground coffee\s+\+1\.030 kg\s+probability\s+99\.8 %\s+€9\.98/,
  );
  t.is(await page.getByRole('log').getByRole('listitem').count(), 1);
});

test('evidence shows when everything is asked for, and not before', async (t) => {
  const { page, source } = await open(t);
  source.tell({ kind: 'event', event: makeEvent('scan.read', { name: 'Oat flakes', meaning: 'product' }) });
  const row = page.getByText('Oat flakes');
  await row.waitFor({ state: 'attached' });
  t.false(await row.isVisible());
  await page.getByText('Everything').click();
  await row.waitFor({ state: 'visible' });
  await page.getByText('Decisions', { exact: true }).click();
  await row.waitFor({ state: 'hidden' });
  t.pass();
});

test('an open question stands out, and is settled by its answer', async (t) => {
  const { page, source } = await open(t, new ScriptedSource({ basket }));
  const asked = makeEvent('item.unresolved', {
    kind: 'unknown-added',
    ask: 'scan-it',
    massMg: 412_000,
    candidates: [],
  });
  source.tell({ kind: 'event', event: asked });
  source.change({
    questions: [
      {
        event: asked.id,
        kind: 'unknown-added',
        ask: 'scan-it',
        plate: 'basket',
        massMg: 412_000,
        candidates: [],
      },
    ],
  });
  const question = page.getByRole('region', { name: 'Basket' }).getByText('Please scan it.');
  await question.waitFor();
  await page.getByText('1 open question').waitFor();
  const answer = makeEvent('item.resolved', {
    name: 'Tea',
    count: 1,
    massMg: 412_000,
    settles: asked.id,
    outcome: 'added',
  });
  source.tell({ kind: 'event', event: answer });
  source.change({ questions: [] });
  await question.waitFor({ state: 'hidden' });
  await page.locator(`[data-id="${asked.id}"].answered`).waitFor();
  t.pass();
});

test('a fault is visible with its code and what to do, and goes when the device is back', async (t) => {
  const { page, source } = await open(t);
  const well = source.current.devices;
  const message = 'the port is held by process 812 (ModemManager)';
  const fault = { code: 'CW-DRV-003', message };
  source.change({
    devices: well.map((one) => (one.id === 'imu' ? { ...one, state: 'faulty', fault } : one)),
  });
  const devices = page.getByRole('region', { name: 'Devices' });
  await devices.getByText(`CW-DRV-003 ${message}`).waitFor();
  await page.getByText('1 device faulty').waitFor();
  source.change({ devices: well });
  await devices.getByText('CW-DRV-003').waitFor({ state: 'detached' });
  t.is(await page.getByText('3 devices well').count(), 1);
});

test('a broker that is away is told in plain words: what waits, that nothing is lost, and what was', async (t) => {
  const { page, source } = await open(t);
  const { broker, clock } = source.current;
  const away = {
    ...broker,
    connected: false,
    outboxEvents: 34,
    sinceMs: clock.utcMs - 95_000,
    error: 'connect ECONNREFUSED',
  };
  source.change({ broker: away });
  const card = page.getByRole('region', { name: 'Broker' });
  await card.getByText('Nothing is lost: 34 events wait on disk and will be sent when it is back.').waitFor();
  t.true((await card.innerText()).includes('connect ECONNREFUSED'));
  source.change({ broker: { ...away, dropped: 12 } });
  await card.getByText('12 events dropped because the outbox was full.').waitFor();
  t.false((await card.innerText()).includes('Nothing is lost'));
});

test('a lost connection is plainly visible, and the page recovers by itself', async (t) => {
  t.timeout(60_000);
  const source = new ScriptedSource();
  let server = await startStatusPage({ port: 0, source, log: silentLogger });
  const port = Number(new URL(server.url).port);
  t.teardown(() => server.close());
  browser ??= await openChromium();
  const page = await browser.newPage();
  t.teardown(() => page.close());
  await page.goto(server.url);
  await page.getByText('live', { exact: true }).waitFor();
  t.is(await page.getByRole('alert').count(), 0);
  await server.close();
  await page.getByRole('alert').getByText('Connection to the gateway lost').waitFor();
  t.is(await page.getByText('live', { exact: true }).count(), 0);
  source.current = { ...source.current, device: 'cart-0043' };
  server = await startStatusPage({ port, source, log: silentLogger });
  await page.getByText('live', { exact: true }).waitFor();
  await page.getByRole('alert').waitFor({ state: 'hidden' });
  await page.getByText('cart-0043').first().waitFor();
  source.tell({ kind: 'event', event: makeEvent('item.added', { name: 'After the break' }) });
  await page.getByText('After the break').waitFor();
});

test('hostile names are shown as text and never run', async (t) => {
  const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script>"\'><b>bold</b>';
  const source = new ScriptedSource({
    device: 'cart-0042',
    basket: { ...basket, lines: basket.lines.map((line) => ({ ...line, name: hostile })) },
    questions: [
      {
        event: 'x',
        kind: hostile,
        ask: hostile,
        plate: hostile,
        massMg: 1,
        candidates: [{ name: hostile, count: 1, probabilityPpm: 1 }],
      },
    ],
  });
  const { page, complaints } = await open(t, source);
  source.tell({ kind: 'event', event: makeEvent('item.added', { name: hostile, count: 1 }) });
  source.tell({ kind: 'event', event: makeEvent(hostile, { name: hostile }) });
  source.change({
    devices: source.current.devices.map((one) => ({
      ...one,
      state: 'faulty',
      identity: { model: hostile },
      fault: { code: 'CW-DRV-001', message: hostile },
    })),
  });
  await page.getByText('3 devices faulty').waitFor();
  await page.waitForTimeout(200);
  t.is(await page.locator('main img, main script, main b, main [onerror]').count(), 0);
  t.true((await page.locator('.lines .name').first().innerText()).includes(hostile));
  t.deepEqual(complaints, []);
});

test('a device that delivers nothing by design has no rate', async (t) => {
  const source = new ScriptedSource();
  const world = { id: 'world', driver: 'virtual-world', state: 'running', identity: {} } as const;
  source.current = { ...source.current, devices: [world, ...source.current.devices] };
  const { page } = await open(t, source);
  const devices = page.getByRole('region', { name: 'Devices' }).getByRole('listitem');
  t.regex(await devices.nth(0).innerText(), /^world\s+running\s+virtual-world$/);
  t.regex(await devices.nth(1).innerText(), /^bridge\s+running\s+320 \/s/);
});

test('an event from before the clock was set has its time of day once the gateway knows it', async (t) => {
  const source = new ScriptedSource();
  const born = { ...makeEvent('gateway.born', { reason: 'start' }), time: 0, atUs: 590_000_000 };
  const { page } = await open(t, source);
  source.tell({ kind: 'event', event: born });
  const row = page.getByRole('log').getByRole('listitem').filter({ hasText: 'Gateway started' });
  t.regex(await row.innerText(), /^10:03:50/);
});

test('the list of events is as high as what it holds, and fades where it goes on below', async (t) => {
  const { page, source } = await open(t);
  const list = page.getByRole('log');
  source.tell({ kind: 'event', event: makeEvent('basket.opened', {}) });
  await list.getByText('Shopping began').waitFor();
  t.true(((await list.boundingBox())?.height ?? 1_000) < 60);
  t.is(await page.locator('#event-list.more-below').count(), 0);
  for (let index = 0; index < 40; index++) {
    source.tell({ kind: 'event', event: makeEvent('item.added', { name: `Tea ${index}`, count: 1 }) });
  }
  await page.locator('#event-list.more-below').waitFor();
  await page.evaluate("document.querySelector('#event-list').scrollTo(0, 1e6)");
  await page.locator('#event-list:not(.more-below)').waitFor();
});

test('on a phone devices and cells are folded away until one is faulty', async (t) => {
  const { page, source } = await open(t, new ScriptedSource(), 420);
  const devices = page.getByRole('region', { name: 'Devices' });
  const scanner = devices.getByText('handle-scanner', { exact: true });
  await scanner.waitFor({ state: 'attached' });
  t.false(await scanner.isVisible());
  t.false(await devices.getByText('cell-fl').isVisible());
  await devices.getByText('Devices', { exact: true }).click();
  await scanner.waitFor({ state: 'visible' });
  source.change({});
  await page.waitForTimeout(100);
  t.true(await scanner.isVisible(), 'what a reader opened stays open');
  await devices.getByText('Devices', { exact: true }).click();
  await scanner.waitFor({ state: 'hidden' });
  const fault = { code: 'CW-DRV-003', message: 'the port is held by process 812' };
  source.change({
    devices: source.current.devices.map((one) =>
      one.id === 'imu' ? { ...one, state: 'faulty', fault } : one,
    ),
  });
  await devices.getByText('CW-DRV-003').waitFor({ state: 'visible' });
});

test('on the narrowest phone names of store and device and every total are whole', async (t) => {
  const source = new ScriptedSource({ store: 'demo-store', device: 'cart-0001' });
  const { page } = await open(t, source, 320);
  const item = makeEvent('item.added', {
    name: 'Water',
    count: 1,
    massMg: 1_541_000,
    probabilityPpm: 996_000,
  });
  const totals = { currency: 'EUR', finalMinor: 12_345, estimateMinor: 0 };
  source.tell({ kind: 'event', event: item });
  source.tell({
    kind: 'event',
    event: makeEvent('basket.line', { change: 1, totals }, { causes: [item.id] }),
  });
  await page.getByRole('log').getByText('€123.45').waitFor();
  const cut =
    "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('#event-list'))";
  t.is(await page.evaluate<number>(cut), 0);
  for (const name of ['demo-store', 'cart-0001']) {
    const box = await page.locator('#where').getByText(name, { exact: true }).boundingBox();
    t.true(box !== null && box.height < 30, `${name} on one line: ${box?.height} px`);
  }
});

for (const width of [320, 360, 768, 1280, 1920]) {
  test(`nothing sticks out of the page at a width of ${width}`, async (t) => {
    const plates = Array.from({ length: 8 }, (_, index) => ({
      ...new ScriptedSource().current.plates[0],
      id: `s1-p${index + 1}`,
    })) as unknown as ScriptedSource['current']['plates'];
    const { page, source } = await open(t, new ScriptedSource({ basket, plates }), width);
    source.tell({
      kind: 'event',
      event: makeEvent('item.added', { name: 'Donaudampfschifffahrt'.repeat(6), count: 1 }),
    });
    await page.getByText('Donaudampfschifffahrt').waitFor();
    const wide = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    t.is(wide, 0);
  });
}

test('everything is reachable by name for a screen reader', async (t) => {
  const { page } = await open(t, new ScriptedSource({ basket }));
  for (const name of ['Weight', 'Basket', 'Events', 'Broker', 'Devices']) {
    t.is(await page.getByRole('region', { name }).count(), 1, name);
  }
  t.is(await page.getByRole('heading', { level: 1 }).count(), 1);
  t.is(await page.getByRole('main').count(), 1);
  t.is(await page.getByRole('img', { name: 'Mass on each plate over the last minute' }).count(), 1);
  t.is(await page.getByRole('log', { name: 'Events, newest first' }).getAttribute('aria-live'), 'polite');
});
