import { loadavg } from 'node:os';
import anyTest, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { silentLogger } from '#base/log.ts';
import { startDisplayPage } from '#pages/display/server.ts';
import type { DisplayState } from '#pages/display/source.ts';
import { needs } from '../tools.ts';
import { openChromium } from './chromium.ts';
import { openDisplay, until } from './display-scenes.ts';
import { basketOf, chooseApples, lines, ScriptedDisplay } from './display-source.ts';

const test = needs(anyTest, 'chromium').serial;

let browser: Browser | undefined;
anyTest.after.always('close the browser', () => browser?.close());

async function open(t: ExecutionContext, state: Partial<DisplayState> = {}, script?: string) {
  browser ??= await openChromium();
  return await openDisplay(t, browser, new ScriptedDisplay(state), script);
}

/** Goes on with Tab until what has the focus is called so; fails where a whole round brings nothing. */
async function tabTo(t: ExecutionContext, page: Page, name: RegExp): Promise<void> {
  for (let count = 0; count < 80; count++) {
    await page.keyboard.press('Tab');
    const text = await page.evaluate<string>(
      "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent ?? ''",
    );
    if (name.test(text) && (await page.evaluate("document.activeElement.tagName === 'BUTTON'"))) return;
  }
  t.fail(`Tab never comes to ${name}`);
}

test('a whole trip goes by the keyboard alone', async (t) => {
  const { page, source } = await open(t);
  await tabTo(t, page, /Touch here to begin/);
  await page.keyboard.press('Enter');
  await until(t, 'the trip was begun', () => source.acts.length === 1);
  source.change({ basket: basketOf(lines) });
  await page.locator('.receipt').waitFor();
  await tabTo(t, page, /^Fruit & veg/);
  await page.keyboard.press('Enter');
  await tabTo(t, page, /^Bananas/);
  await page.keyboard.press('Enter');
  await page.getByText('Now put it in the cart:').waitFor();
  await page.keyboard.press('Escape');
  source.change({
    basket: basketOf(lines, { questions: [chooseApples.event] }),
    questions: [chooseApples],
  });
  await page.locator('.question').waitFor();
  await tabTo(t, page, /^Granny Smith/);
  await page.keyboard.press('Space');
  await until(t, 'the answer', () => source.acts.at(-1)?.command === 'item.answer');
  source.change({ basket: basketOf(lines), questions: [] });
  await page.locator('.question').waitFor({ state: 'detached' });
  await tabTo(t, page, /^Pay/);
  await page.keyboard.press('Enter');
  await until(t, 'checkout', () => source.acts.at(-1)?.command === 'basket.checkout');
  source.change({ basket: basketOf(lines, { state: 'checkout' }) });
  await tabTo(t, page, /^Go on shopping/);
  t.pass();
});

test('what has the focus keeps it while the receipt grows, and it is seen where it is', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines.slice(0, 2)) });
  await tabTo(t, page, /^Offers/);
  await page.evaluate('window.had = document.activeElement');
  source.change({ basket: basketOf(lines) });
  await page.getByText('Red wine').waitFor();
  t.true(await page.evaluate('document.activeElement === window.had'));
  const width = await page.evaluate<number>(
    'parseFloat(getComputedStyle(document.activeElement).outlineWidth)',
  );
  t.true(width >= 3, `the ring of the focus is ${width} px`);
});

test('a screen reader hears what was put in, and at once what is asked', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines.slice(0, 2)) });
  const [said, asked] = [page.locator('[aria-live=polite]'), page.locator('[aria-live=assertive]')];
  source.change({ basket: basketOf(lines) });
  source.tell({ kind: 'event', type: 'added', atUs: 1, name: 'Bananas', count: 1 });
  await said.getByText('Added: Bananas. Total €15.40.').waitFor({ state: 'attached' });
  source.tell({ kind: 'event', type: 'removed', atUs: 2, name: 'Mineral water', count: 2 });
  await said.getByText('Taken out: 2 × Mineral water.').waitFor({ state: 'attached' });
  source.change({
    basket: basketOf(lines, { questions: [chooseApples.event] }),
    questions: [{ ...chooseApples, ask: 'scan-it' }],
  });
  await asked.getByText('What did you just put in? Scan it now').waitFor({ state: 'attached' });
  source.change({ basket: basketOf(lines), questions: [] });
  await until(t, 'silence', async () => (await asked.textContent()) === '');
  t.is(await page.locator('#notices[role=status]').count(), 1);
});

for (const [code, name, welcome, money, plural] of [
  ['de', 'Deutsch', 'Willkommen', '15,40 €', '11 Artikel'],
  ['it', 'Italiano', 'Benvenuti', '15,40 €', '11 articoli'],
  ['tr', 'Türkçe', 'Hoş geldiniz', '€15,40', '11 ürün'],
] as const) {
  test(`the page speaks ${name} when it is asked to, with its own numbers, until the next trip`, async (t) => {
    const { page, source } = await open(t);
    await page.getByRole('button', { name }).tap();
    await page.getByRole('heading', { name: welcome }).waitFor();
    t.is(await page.locator('html').getAttribute('lang'), code);
    source.change({ basket: basketOf(lines) });
    await page.locator('#total').waitFor();
    t.is((await page.locator('#total').innerText()).replaceAll('\u00a0', ' '), money);
    t.true((await page.locator('.receipt h2').innerText()).includes(plural));
    source.without('basket');
    await page.getByRole('heading', { name: 'Welcome' }).waitFor();
    t.is(await page.locator('html').getAttribute('lang'), 'en');
  });
}

/** Counts tones as they are started. */
const countTones = `
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...args) { window.tones++; return start.apply(this, args); };`;

test('there is a tone for every item, until it is switched off', async (t) => {
  const { page, source } = await open(t, { basket: basketOf(lines) }, countTones);
  const tones = () => page.evaluate<number>('window.tones');
  await page.locator('#total').tap();
  source.tell({ kind: 'event', type: 'added', atUs: 1, name: 'Bananas', count: 1 });
  await until(t, 'two notes', async () => (await tones()) === 2);
  source.tell({ kind: 'event', type: 'asked', atUs: 2 });
  await until(t, 'two more', async () => (await tones()) === 4);
  await page.getByRole('button', { name: 'More' }).tap();
  await page.getByRole('button', { name: 'A tone for every item: on' }).tap();
  await page.getByRole('button', { name: 'A tone for every item: off' }).waitFor();
  source.tell({ kind: 'event', type: 'added', atUs: 3, name: 'Lemons', count: 1 });
  await page.getByText('Added: Lemons').waitFor({ state: 'attached' });
  t.is(await tones(), 4);
});

/** Notes when the number of items was seen to be another one, UTC ms. */
const noteItems = `
  window.seen = [];
  let shown = '';
  new MutationObserver(() => {
    const items = document.querySelector('.receipt h2 small')?.textContent ?? '';
    if (items === shown) return;
    shown = items;
    window.seen.push([items, performance.timeOrigin + performance.now()]);
  }).observe(document, { subtree: true, childList: true, characterData: true });`;

test('every change is seen, one after the other', async (t) => {
  const { page, source } = await open(t, { basket: basketOf([]) }, noteItems);
  const first = lines.slice(1, 2);
  const told: number[] = [];
  for (let count = 1; count <= 100; count++) {
    told.push(performance.timeOrigin + performance.now());
    source.change({ basket: basketOf(first.map((line) => ({ ...line, count }))) });
    await page.locator('.receipt h2 small').getByText(`${count} item`).waitFor();
  }
  const seen = await page.evaluate<readonly (readonly [string, number])[]>('window.seen.slice(-100)');
  t.deepEqual(
    seen.map(([items]) => items),
    told.map((_, index) => (index === 0 ? '1 item' : `${index + 1} items`)),
  );
  const shares = seen.map(([, at], index) => (at - (told[index] ?? 0)) / 100).sort((a, b) => a - b);
  const at = (share: number) => (shares[Math.floor(share * (shares.length - 1))] ?? Number.NaN).toFixed(2);
  t.log(
    `from change to sight, in parts of 100 ms: least ${at(0)}, one in ten ${at(0.1)}, half ${at(0.5)}, most ${at(1)}; load ${loadavg()[0]?.toFixed(0)}`,
  );
});

test('camera and link are told at all times, in words', async (t) => {
  const { page, source } = await open(t);
  for (const [camera, words] of [
    ['on', 'Camera on'],
    ['off', 'Camera off'],
    ['none', 'No camera'],
    ['fault', 'Camera does not work'],
    ['recording', 'A technician is recording'],
  ] as const) {
    source.change({ camera });
    await page.locator('#top').getByText(words).waitFor();
  }
  source.change({ connected: false });
  await page.locator('#top').getByText('No connection. Go on: nothing is lost.').waitFor();
  source.change({ connected: true });
  await page.locator('#top').getByText('Connected').waitFor();
  source.change({ troubles: ['scale', 'scanner'] });
  await page.getByText('scan every item before you put it in').waitFor();
  await page.getByText('Touch what you put in, use your phone, or call someone.').waitFor();
  t.pass();
});

test('a gateway that is gone is plainly told, and the trip goes on where it was when it is back', async (t) => {
  t.timeout(180_000);
  const source = new ScriptedDisplay({ basket: basketOf(lines) });
  let server = await startDisplayPage({ port: 0, source, log: silentLogger });
  const port = Number(new URL(server.url).port);
  t.teardown(() => server.close());
  browser ??= await openChromium();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, hasTouch: true });
  t.teardown(() => page.close());
  await page.goto(server.url, { waitUntil: 'domcontentloaded' });
  await page.getByRole('button', { name: 'More' }).tap();
  await page.getByRole('button', { name: 'Deutsch' }).tap();
  await page.getByText('Ein Ton für jeden Artikel').waitFor();
  await server.close();
  await page.getByText('Der Bildschirm hat den Wagen verloren.').waitFor();
  server = await startDisplayPage({ port, source, log: silentLogger });
  await page.getByText('Der Bildschirm hat den Wagen verloren.').waitFor({ state: 'detached' });
  // The language of the trip is kept, and what is touched has the new token.
  await page.getByRole('button', { name: 'Hilfe rufen' }).tap();
  await until(t, 'the call', () => source.acts.length === 1);
  t.pass();
});
