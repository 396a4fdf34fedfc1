import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { silentLogger } from '#base/log.ts';
import { qrCodeOf } from '#gateway/qr-code.ts';
import { startDisplayPage } from '#pages/display/server.ts';
import type { DisplayState } from '#pages/display/source.ts';
import {
  basketOf,
  chooseApples,
  crates,
  deals,
  lines,
  ScriptedDisplay,
  scannedCrate,
} from './display-source.ts';

/** A moment of the display: what the gateway says, and what was touched since. */
export interface Scene {
  readonly name: string;
  readonly state: Partial<DisplayState>;
  /** Selectors, touched one after the other. */
  readonly touched?: readonly string[];
}

const asking = (change: object) => ({
  basket: basketOf(lines, { questions: [chooseApples.event] }),
  questions: [{ ...chooseApples, ...change }],
});
const open = { basket: basketOf(lines), deals };
const code = await qrCodeOf(
  'https://phone.my-store.example/#1.demo-store.cart-0042.mF3v0XkqT2yJ6bN8wQzR1A.wss%3A%2F%2Fphone.my-store.example%2Fmqtt',
);

/** Every screen that there is, and every notice. */
export const scenes: readonly Scene[] = [
  { name: 'start', state: {} },
  { name: 'empty', state: { basket: basketOf([]), phone: { ...code, joined: false } } },
  { name: 'trip', state: open },
  { name: 'choose', state: asking({}) },
  { name: 'scan it', state: asking({ ask: 'scan-it', kind: 'unknown-added' }) },
  { name: 'take it out', state: asking({ ask: 'take-it-out', kind: 'mixed' }) },
  { name: 'put it back', state: asking({ ask: 'put-it-back', kind: 'unknown-removed', massMg: -842_000 }) },
  { name: 'place it', state: asking({ ask: 'place-it', kind: 'scanned-not-placed', massMg: 0 }) },
  {
    name: 'on the rack',
    state: {
      rack: 'lower-rack',
      basket: basketOf([...lines, crates], { questions: [scannedCrate.event] }),
      questions: [scannedCrate],
    },
  },
  { name: 'call staff', state: asking({ ask: 'call-staff', kind: 'unknown-added' }) },
  { name: 'find', state: open, touched: ['[data-act=find]'] },
  { name: 'find by name', state: open, touched: ['[data-act=find]', '[data-act=type]', '[data-value=B]'] },
  { name: 'picked', state: open, touched: ['[data-act=find]', '[data-act=pick]'] },
  { name: 'offers', state: open, touched: ['[data-act=offers]'] },
  {
    name: 'settings',
    state: { ...open, phone: { ...code, joined: false } },
    touched: ['[data-act=settings]'],
  },
  {
    name: 'joined',
    state: { ...open, phone: { ...code, joined: true } },
    touched: ['[data-act=settings]'],
  },
  { name: 'end', state: { basket: basketOf([]) }, touched: ['[data-act=settings]', '[data-act=end]'] },
  { name: 'not mine', state: open, touched: ['[data-act=line]'] },
  {
    name: 'took off',
    state: { rack: 'lower-rack', basket: basketOf([...lines, crates]) },
    touched: ['[data-act=line]'],
  },
  {
    name: 'disputed on the rack',
    state: { rack: 'lower-rack', basket: basketOf([...lines, { ...crates, disputed: true }]) },
    touched: ['[data-act=line]'],
  },
  {
    name: 'disputed',
    state: { basket: basketOf(lines.map((line) => ({ ...line, disputed: true }))) },
    touched: ['[data-act=line]'],
  },
  { name: 'pay with a question', state: asking({}), touched: ['[data-act=pay]'] },
  {
    name: 'checkout',
    state: {
      basket: basketOf(lines, {
        state: 'checkout',
        checkout: { checkout: chooseApples.event, revision: 7, unpriced: [], moving: true },
      }),
    },
  },
  {
    name: 'paid',
    state: {
      basket: basketOf(lines, {
        state: 'paid',
        paid: { checkout: chooseApples.event, revision: 7, totalMinor: 1_540, reference: 'T4-000123' },
      }),
      alerts: ['after-payment'],
    },
  },
  { name: 'declined', state: { ...open, unpaid: 'declined' } },
  { name: 'cancelled', state: { ...open, unpaid: 'cancelled' } },
  { name: 'suspended', state: { basket: basketOf(lines, { state: 'suspended', anonymous: true }) } },
  {
    name: 'faults',
    state: { ...open, connected: false, camera: 'fault', troubles: ['scale', 'scanner', 'camera'] },
  },
  {
    name: 'low and watched',
    state: { ...open, camera: 'recording', troubles: ['battery'], batteryPpm: 120_000 },
  },
  { name: 'full', state: { troubles: ['full'], camera: 'off' } },
  {
    name: 'age and help',
    state: {
      basket: basketOf(lines, { approvals: [{ minimumAge: 18, lines: [3] }], help: true }),
      camera: 'none',
    },
  },
  {
    name: 'age refused',
    state: { basket: basketOf(lines, { approvals: [{ minimumAge: 18, lines: [3] }] }), ageRefused: 18 },
  },
];

/** Brings a page that is open to a scene: a session of its own, so that nothing of the last one is left. */
export async function playScene(page: Page, source: ScriptedDisplay, scene: Scene): Promise<void> {
  const number = String(1_000 + scenes.indexOf(scene));
  const { basket } = scene.state;
  source.reset({
    ...scene.state,
    device: `cart-${number}`,
    ...(basket === undefined ? {} : { basket: { ...basket, session: number } }),
  });
  await page.locator('#top h1').getByText(number).waitFor();
  for (const selector of scene.touched ?? []) await page.locator(selector).first().tap();
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

export interface Opened {
  readonly page: Page;
  readonly source: ScriptedDisplay;
  readonly url: string;
  /** What the page complained about: errors, and requests to anyone else. */
  readonly complaints: string[];
}

/** Opens the display on a source, as a cart's screen of 1280 × 800 has it, and waits until it shows something. */
export async function openDisplay(
  t: ExecutionContext,
  browser: Browser,
  source = new ScriptedDisplay(),
  script?: string,
): Promise<Opened> {
  t.timeout(600_000);
  const server = await startDisplayPage({ port: 0, source, log: silentLogger });
  t.teardown(() => server.close());
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, hasTouch: true });
  t.teardown(() => context.close());
  const page = await context.newPage();
  // A machine that does much else at once is slow, not wrong.
  page.setDefaultTimeout(120_000);
  if (script !== undefined) await page.addInitScript(script);
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
  await page.goto(server.url, { waitUntil: 'domcontentloaded' });
  await page.locator('#top h1').waitFor();
  return { page, source, url: server.url, complaints };
}

/** Waits for something that the page makes its source do. */
export async function until(
  t: ExecutionContext,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let tries = 0; tries < 4_800; tries++) {
    if (await condition()) return;
    await delay(25);
  }
  t.fail(`never: ${what}`);
}
