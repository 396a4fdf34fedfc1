/**
 * Takes pictures of the technicians' console, as a phone and a desk show it, during a real calibration of a virtual cart:
 * `node scripts/console-pictures.ts FOLDER`. Needs mosquitto, openssl and chromium.
 */
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mqtt from 'mqtt';
import type { Page } from 'playwright-core';
import { beginWork, doStep, nextStep, obey } from '../test/pages/technician-procedure.ts';
import {
  type ConsoleStore,
  desktop,
  device,
  enrolAndSignIn,
  openBrowser,
  openConsole,
  phone,
  startConsoleStore,
  startSignedGateway,
  store,
} from '../test/pages/technician-store.ts';
import { passwords } from '../test/support/store-broker.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node scripts/console-pictures.ts FOLDER');
  process.exit(64);
}
mkdirSync(folder, { recursive: true });
const endings: (() => unknown)[] = [];
const stage = { teardown: (work: () => unknown) => void endings.push(work) };

async function take(page: Page, name: string): Promise<void> {
  const path = join(folder ?? '', `console-${name}.png`);
  await page.screenshot({ path, animations: 'disabled' });
  console.log(path);
}

/** Other devices of the store, as the broker would keep what they said last. */
async function fillStore({ store: { url, ca } }: ConsoleStore): Promise<void> {
  const client = await mqtt.connectAsync(url, {
    ca: await readFile(ca),
    username: 'store',
    password: passwords.store,
  });
  const sensor = (id: string, more = {}) => ({ id, ok: true, ratePerMinute: 4_800, ...more });
  const usual = {
    ok: true,
    uptimeS: 86_400 * 9,
    outboxEvents: 0,
    outboxBytes: 65_536,
    dropped: 0,
    connected: true,
  };
  const due = {
    revision: 4,
    ageS: 86_400 * 391,
    due: true,
    reasons: [{ code: 'age', message: 'it is 391 days old' }],
  };
  const well = { revision: 7, ageS: 86_400 * 34, due: false, reasons: [] };
  const others = [
    ['cart-0002', true, { sensors: [sensor('bridge')], calibration: well }],
    ['cart-0003', false, { sensors: [sensor('bridge')], calibration: well }],
    [
      'shelf-0001',
      true,
      {
        sensors: [sensor('bridge'), sensor('cell-3', { ok: false, fault: 'CW-WGH-002' })],
        calibration: well,
      },
    ],
    ['shelf-0002', true, { sensors: [sensor('bridge')], calibration: due }],
  ] as const;
  for (const [id, online, health] of others) {
    const place = `cw/1/${store}/${id}`;
    const state = { online, connection: 1, ledger: '00'.repeat(8), boot: 3, software: 'cartwright/0.1.0' };
    const told = { ...usual, ...health, timeQuality: 'synced', rssBytes: 90_000_000 };
    await client.publishAsync(`${place}/state`, JSON.stringify(state), { qos: 1, retain: true });
    await client.publishAsync(`${place}/health`, JSON.stringify(told), { qos: 1, retain: true });
  }
  await client.endAsync();
}

try {
  const shop = await startConsoleStore(stage);
  await fillStore(shop);
  const { hands } = await startSignedGateway(stage, shop);
  const browser = await openBrowser(stage);
  const { page } = await openConsole(browser, shop.url, phone);
  await page.getByLabel('One-time code').fill('K7QM-2F9X');
  await take(page, 'enrol');
  await enrolAndSignIn(page, await shop.code('17'));
  await page.getByRole('link', { name: new RegExp(`${device}.*Calibration: revision`) }).waitFor();
  await take(page, 'fleet-phone');
  await page.getByRole('link', { name: device }).click();
  await page.getByText('at rest').waitFor();
  await hands(4_200_000, 'cell-fl');
  await page.waitForTimeout(6_000);
  await take(page, 'live-phone');
  await hands(0);
  await page.getByRole('link', { name: 'Calibrate', exact: true }).click();
  await beginWork(page, '1 kg M1, 2 kg M1, 5 kg M1, A5=5 kg M1, W10=10 kg M1, W20=10 kg M1, 500 g M1');
  for (let steps = 0; steps < 40; steps++) {
    const sentence = await nextStep(page);
    if (sentence === undefined) break;
    if (sentence.includes('over cell-fr') && sentence.startsWith('Put')) {
      await obey(sentence, hands);
      await page.waitForTimeout(1_500);
      await page.evaluate('scrollTo(0, 0)');
      await take(page, 'step');
    }
    await doStep(page, hands);
  }
  const tall = { height: 1_500 };
  await page.setViewportSize({ ...phone, ...tall });
  await page.evaluate('scrollTo(0, 0)');
  await take(page, 'result-phone');
  await page.setViewportSize({ ...desktop, ...tall });
  await page.waitForTimeout(1_500);
  await take(page, 'result');
  await page.setViewportSize(desktop);
  await page.getByRole('button', { name: 'Put in force …' }).click();
  await page.getByRole('button', { name: 'Yes, put it in force' }).click();
  await page.getByText(/Revision \d+ is in force/).waitFor();
  for (const [name, tab] of [
    ['live', 'Live'],
    ['history', 'History'],
    ['audit', 'Audit log'],
    ['device', 'Device'],
  ] as const) {
    await page.getByRole('link', { name: tab, exact: true }).click();
    await page.waitForTimeout(3_000);
    await take(page, name);
  }
  await page.goto(`${shop.url}#/`);
  await page.waitForTimeout(1_000);
  await take(page, 'fleet');
} finally {
  for (const end of endings.reverse()) await end();
}
