/**
 * Takes pictures of the technicians' console, as a phone and a desk show it, during a real calibration of a virtual cart:
 * `node scripts/console-pictures.ts FOLDER`. Needs mosquitto, openssl and chromium.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beginWork, doStep, nextStep, obey } from '../test/pages/technician-procedure.ts';
import {
  desktop,
  device,
  enrolAndSignIn,
  openBrowser,
  openConsole,
  phone,
  startConsoleStore,
  startSignedGateway,
} from '../test/pages/technician-store.ts';

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

try {
  const shop = await startConsoleStore(stage);
  const { hands } = await startSignedGateway(stage, shop);
  const browser = await openBrowser(stage);
  const { page } = await openConsole(browser, shop.url, phone);
  await page.getByLabel('One-time code').fill('K7QM-2F9X');
  await take(page, 'enrol');
  await enrolAndSignIn(page, await shop.code('17'));
  await page.getByText('Calibration: revision').waitFor();
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
