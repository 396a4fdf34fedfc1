import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { parse, stringify } from 'yaml';
import type { DisplayState } from '#pages/display/source.ts';
import type { StatusPicture } from '#pages/status/source.ts';
import { makeGatewayFolder, startGateway } from '../support/gateway.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { needs } from '../tools.ts';
import { openChromium } from './chromium.ts';
import { openDisplay, until } from './display-scenes.ts';
import { basketOf, crates, lines, ScriptedDisplay, scannedCrate } from './display-source.ts';

const test = needs(anyTest, 'chromium').serial;
const testOnGateway = needs(anyTest, 'chromium', 'mosquitto').serial;

let browser: Browser | undefined;
anyTest.after.always('close the browser', () => browser?.close());

async function open(t: ExecutionContext, state: Partial<DisplayState>) {
  browser ??= await openChromium();
  return await openDisplay(t, browser, new ScriptedDisplay(state));
}

const asked: Partial<DisplayState> = {
  rack: 'lower-rack',
  basket: basketOf(lines, { questions: [scannedCrate.event] }),
  questions: [scannedCrate],
};

/** Sets the focus on a button as Tab would, and fails where Tab doesn't come to it. */
async function tabTo(t: ExecutionContext, page: Page, selector: string): Promise<void> {
  for (let count = 0; count < 80; count++) {
    await page.keyboard.press('Tab');
    if (await page.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(selector)})`)) return;
  }
  t.fail(`Tab never comes to ${selector}`);
}

test('what was scanned lies on the lower rack by one touch, and a screen reader hears that it can', async (t) => {
  const { page, source } = await open(t, { ...asked, questions: [], basket: basketOf(lines) });
  source.change(asked);
  await page
    .locator('[aria-live=assertive]')
    .getByText('If it is on the lower rack, or you do not want it, touch that here.')
    .waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'It is on the lower rack' }).tap();
  await until(t, 'the command', () => source.acts.length === 1);
  t.like(source.acts[0], {
    command: 'item.place',
    args: { event: scannedCrate.event, plate: 'lower-rack' },
  });
  await page.getByText('Thank you.').waitFor();
});

test('a cart without a rack does not speak of one', async (t) => {
  const { rack: _rack, ...without } = asked;
  const { page } = await open(t, without);
  await page.getByRole('button', { name: 'I don’t want it' }).waitFor();
  t.is(await page.getByText('lower rack').count(), 0);
});

test('of what no scale weighed one is taken off the list with each touch, by keyboard too', async (t) => {
  const { page, source } = await open(t, { rack: 'lower-rack', basket: basketOf([...lines, crates]) });
  t.is(await page.getByRole('button', { name: /^Not mine: / }).count(), lines.length);
  await page.getByRole('button', { name: 'I took it off: Mineral water, 6 × 1.5 l' }).tap();
  await page.getByRole('heading', { name: 'Did you take this off?' }).waitFor();
  await page.getByRole('button', { name: 'I took one off' }).tap();
  await until(t, 'the command', () => source.acts.length === 1);
  t.deepEqual(source.acts[0]?.args, { gtin: '02000000000107' });
  t.is(source.acts[0]?.command, 'item.remove');
  const { savings: _savings, ...crate } = crates;
  const one = { ...crate, count: 1, unweighed: 1, priceMinor: 239, depositMinor: 150 };
  source.change({ basket: basketOf([...lines, one]) });
  await page.locator('[data-key=line-5] small').getByText('Deposit €1.50').waitFor();
  await tabTo(t, page, '[data-key=line-5] button');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'I took it off' }).waitFor();
  await tabTo(t, page, '[data-act=line-off]');
  await page.keyboard.press('Space');
  await until(t, 'the second command', () => source.acts.length === 2);
  t.is(source.acts[1]?.command, 'item.remove');
  source.change({ basket: basketOf(lines) });
  await page.locator('[data-key=line-5]').waitFor({ state: 'detached' });
});

test('what is not mine is still said so, and what does not go from the list is plainly told', async (t) => {
  const { page, source } = await open(t, { rack: 'lower-rack', basket: basketOf([...lines, crates]) });
  source.answer = () => ({ status: 'refused', code: 'CW-FUS-006', message: 'nothing there' });
  await page.getByRole('button', { name: /^I took it off/ }).tap();
  await page.getByRole('button', { name: 'I took one off' }).tap();
  await page.getByText('That did not go from the list. Please call someone.').waitFor();
  source.answer = () => ({ status: 'done', data: {} });
  await page.getByRole('button', { name: 'Not mine' }).tap();
  await until(t, 'the dispute', () => source.acts.length === 2);
  t.like(source.acts[1], { command: 'line.dispute', args: { line: 5 } });
});

/** The folder's cart gets a lower rack, and sells what is bulky. */
async function addRack(folder: string): Promise<void> {
  const path = join(folder, 'board.yaml');
  const board = parse(await readFile(path, 'utf8')) as { readonly plates: readonly object[] };
  const rack = { id: 'lower-rack', kind: 'unweighed', scanners: ['handle-scanner'] };
  await writeFile(path, stringify({ ...board, plates: [...board.plates, rack] }));
}

testOnGateway(
  'on a running gateway a crate and a jar come onto the lower rack and off it by touch',
  async (t) => {
    t.timeout(300_000);
    const broker = await startMosquitto();
    t.teardown(() => broker.remove());
    browser ??= await openChromium();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, hasTouch: true });
    t.teardown(() => page.close());
    page.setDefaultTimeout(120_000);
    const folder = await makeGatewayFolder({
      brokerUrl: broker.url,
      scenario: '../../test/fixtures/scenarios/display-rack',
      config: { catalogue: resolve('test/fixtures/scenarios/cart/bulky.json') },
    });
    t.teardown(() => folder.remove());
    await addRack(dirname(folder.configPath));
    const daemon = await startGateway(folder);
    t.teardown(() => daemon.kill());
    await page.goto(daemon.displayUrl, { waitUntil: 'domcontentloaded' });
    const receipt = page.locator('.receipt');
    await receipt.getByText('Mineral water').waitFor();
    await receipt.getByText('not weighed').waitFor();
    await page.getByRole('button', { name: 'It is on the lower rack' }).tap();
    await page.getByText('Thank you.').waitFor();
    await receipt.getByText('Nutella').waitFor();
    for (const name of ['Mineral water', 'Nutella']) {
      await page.getByRole('button', { name: new RegExp(`^I took it off: ${name}`) }).tap();
      await page.getByRole('button', { name: 'I took it off', exact: true }).tap();
      await receipt.waitFor();
      await receipt.getByText(name).waitFor({ state: 'detached' });
    }
    const { basket } = (await (
      await fetch(new URL('api/snapshot', daemon.statusUrl))
    ).json()) as StatusPicture;
    t.deepEqual(basket?.lines, []);
    t.is(await daemon.stop(), 0);
  },
);
