import anyTest from 'ava';
import type { Browser, Page } from 'playwright-core';
import { callDevice } from '#cli/call.ts';
import type { StatusPicture } from '#pages/status/source.ts';
import { device, makeGatewayFolder, startGateway, store } from '../support/gateway.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { needs } from '../tools.ts';
import { openChromium } from './chromium.ts';

const test = needs(anyTest, 'chromium', 'mosquitto').serial;

let browser: Browser | undefined;
anyTest.after.always('close the browser', () => browser?.close());

/** Notes when each line of the receipt came to be seen, UTC ms by the clock that the gateway's events have. */
const noteLines = `
  window.seen = {};
  new MutationObserver(() => {
    for (const line of document.querySelectorAll('.receipt [data-key]')) {
      window.seen[line.dataset.key] ??= performance.timeOrigin + performance.now();
    }
  }).observe(document, { subtree: true, childList: true });`;

const longMs = 90_000;
const seen = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor({ timeout: longMs });

test('a trip on a running gateway: a question answered by touch, the broker gone and back, paid, and another begun by touch', async (t) => {
  t.timeout(300_000);
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  browser ??= await openChromium();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, hasTouch: true });
  t.teardown(() => page.close());
  await page.addInitScript(noteLines);
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: '../../test/fixtures/scenarios/display-trip',
  });
  t.teardown(() => folder.remove());
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  await page.goto(daemon.displayUrl, { waitUntil: 'domcontentloaded' });
  const touch = (name: string | RegExp) =>
    page.getByRole('button', { name }).first().tap({ timeout: longMs });
  const snapshot = async () =>
    (await (await fetch(new URL('api/snapshot', daemon.statusUrl))).json()) as StatusPicture;
  const till = (command: string, args: Record<string, unknown>) =>
    callDevice({ broker: broker.url, store, device, command, args, timeout: 30 });

  await seen(page, 'No camera');
  await page.locator('[data-key=line-2]').waitFor({ timeout: longMs });
  await broker.kill();
  await seen(page, 'No connection.');
  await page.locator('.question').waitFor({ timeout: longMs });
  await touch('Something else');
  await touch(/Bananas/);
  await page.locator('.receipt').getByText('Bananas').waitFor({ timeout: longMs });
  await seen(page, 'Thank you.');
  t.is(await page.locator('.question').count(), 0);
  await broker.start();
  await seen(page, 'Connected');

  const { basket, events } = await snapshot();
  t.deepEqual(
    basket?.lines.map(({ count, entry }) => [count, entry]),
    [
      [1, 'scan'],
      [1, 'scan'],
      [1, 'manual'],
    ],
  );
  const shown = await page.evaluate<Record<string, number>>('window.seen');
  const waits = events
    .filter(({ type, data }) => type === 'basket.line' && data.change === 1)
    .map(({ time, data }) => Math.round((shown[`line-${data.line}`] ?? Number.NaN) - time));
  t.true(waits.every(Number.isFinite));
  t.log(
    `from a line's event to its sight on the page: ${waits.join(', ')} ms (no faster than the machine is idle)`,
  );

  await touch(/^Pay/);
  await seen(page, 'Please go to the till or the pay point.');
  const attempt = (await snapshot()).basket?.checkout;
  const priced = await till('checkout.price', {
    checkout: attempt?.checkout,
    revision: attempt?.revision,
    lines: [{ line: 3, priceMinor: 168, massMg: 939_000, certificateId: 'till-scale' }],
  });
  t.is(priced.status, 'done');
  const answer = priced.status === 'done' ? priced.data : {};
  const { toPayMinor } = answer.totals as { readonly toPayMinor: number };
  const settled = await till('checkout.settle', {
    checkout: attempt?.checkout,
    revision: answer.revision,
    totalMinor: toPayMinor,
    outcome: 'paid',
    reference: 'T1-0001',
  });
  t.is(settled.status, 'done');
  await seen(page, 'Paid. Thank you!');
  await seen(page, 'Receipt number T1-0001');
  await touch('I have everything');
  await seen(page, 'Touch here to begin');
  await touch('Touch here to begin');
  await seen(page, 'Nothing in the cart yet.');
  t.is((await snapshot()).events.findLast(({ type }) => type === 'basket.opened')?.data.by, 'touch');
  await touch('Call someone');
  await seen(page, 'Someone has been called.');
  await touch('No longer needed');
  await touch('More');
  await touch('End without buying');
  await touch('Yes');
  await seen(page, 'Touch here to begin');
  t.is(await daemon.stop(), 0);
  await seen(page, 'The screen has lost the cart.');
});
