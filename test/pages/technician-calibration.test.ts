import { readFile } from 'node:fs/promises';
import anyTest from 'ava';
import type { Page } from 'playwright-core';
import { needs } from '../tools.ts';
import { beginWork, doStep, nextStep, obey, until } from './technician-procedure.ts';
import {
  accessibility,
  axePath,
  desktop,
  device,
  enrolAndSignIn,
  openConsole,
  phone,
  sharedStore,
  signIn,
} from './technician-store.ts';

const test = needs(anyTest, 'chromium', 'mosquitto', 'mosquitto_passwd', 'openssl').serial;
const open = sharedStore((work) => test.after.always('everything is ended', work));
const weights = '1 kg, 2 kg, 5 kg, 5 kg, W10=10 kg, W20=10 kg, 500 g';
const mostSteps = 40;

/** The tab of one device. */
async function openTab(page: Page, tab: string): Promise<void> {
  if ((await page.getByRole('link', { name: tab, exact: true }).count()) === 0)
    await page.getByRole('link', { name: device }).click();
  await page.getByRole('link', { name: tab, exact: true }).click();
}

/** `Revision 7` as the head of the device's page tells it. */
const revision = async (page: Page) =>
  Number(/revision (\d+)/.exec(await page.locator('.headline').innerText())?.[1]);

test('A technician calibrates a cart from the page, and sees revision, report and audit log of it', async (t) => {
  t.timeout(900_000);
  const { shop, hands, browser } = await open();
  await hands(0);
  const { page, complaints } = await openConsole(browser, shop.url, phone);
  const axe = await readFile(axePath, 'utf8');
  const isClean = async (what: string) => t.deepEqual(await accessibility(page, axe), [], what);
  await enrolAndSignIn(page, await shop.code('17'));
  await page.getByText('Calibration: revision').waitFor();
  await openTab(page, 'Calibrate');
  await page.getByLabel('Weights at hand').waitFor();
  await page
    .locator('.headline')
    .getByText(/revision \d/)
    .waitFor();
  const before = await revision(page);
  await isClean('plan');
  await page.getByLabel('Weights at hand').fill('five kilos');
  await page.getByRole('button', { name: 'Make a plan' }).click();
  await page.getByRole('alert').filter({ hasText: 'Weights are written as' }).waitFor();
  await beginWork(page, weights);

  // What does not lie there is refused, and nothing is lost by it.
  t.is(await nextStep(page), 'Empty the plate.');
  await hands(5_000_000);
  await page.locator('[data-act=step]').click();
  await page.locator('.problem').filter({ hasText: 'CW-CAL-027' }).waitFor();
  // What the device can't know may be right: whoever says why has it his way, and may take it back.
  await page.getByLabel('Why it is right').fill('the basket has a new floor');
  await isClean('insist');
  await page.getByRole('button', { name: 'Take it all the same' }).click();
  await until(page, `document.querySelectorAll('.steps li.done').length === 1`);
  t.is(await page.locator('[data-key=insist]').count(), 0);
  await page.getByText('Other steps', { exact: true }).click();
  await page.getByRole('button', { name: 'Take the last step back' }).click();
  await until(page, `document.querySelectorAll('.steps li.done').length === 0`);
  t.is(await nextStep(page), 'Empty the plate.');
  await doStep(page, hands);
  await page.locator('[data-act=step]').click();
  await page.locator('.problem').filter({ hasText: 'CW-CAL' }).waitFor();
  await isClean('refused');
  const done: string[] = [];
  while (done.length < mostSteps) {
    const sentence = await doStep(page, hands);
    if (sentence === undefined) break;
    done.push(sentence);
    if (done.length === 1) await isClean('step');
  }
  t.true(
    done.some((one) => one.includes('over cell-fl')),
    done.join(' '),
  );
  t.true(done.some((one) => one.startsWith('Check with')));
  await page.getByText('all loads within the permissible error').waitFor();
  await page.getByRole('img', { name: /^Corner map\. cell-fl: / }).waitFor();
  await isClean('result');
  await page.getByRole('button', { name: 'Put in force …' }).click();
  await page.getByRole('button', { name: 'Not yet' }).click();
  await page.getByRole('button', { name: 'Put in force …' }).click();
  await isClean('confirm');
  await page.getByRole('button', { name: 'Yes, put it in force' }).click();
  await page.getByText(/Revision \d+ is in force/).waitFor();
  await until(
    page,
    `Number(/revision (\\d+)/.exec(document.querySelector('.headline')?.textContent ?? '')?.[1]) > ${before}`,
  );
  await hands(0);

  await openTab(page, 'History');
  await page.getByText('in force', { exact: true }).waitFor();
  await isClean('history');
  const [report] = await Promise.all([
    page.context().waitForEvent('page'),
    page
      .getByRole('button', { name: /^Report of revision/ })
      .first()
      .click(),
  ]);
  await report.getByRole('heading', { name: 'Calibration report' }).waitFor();
  await report.getByText('Not a legal verification.', { exact: true }).waitFor();
  await report.close();
  await openTab(page, 'Audit log');
  await page.getByText('calibration.commit', { exact: true }).first().waitFor();
  await page.getByText('These records are whole').waitFor();

  await openTab(page, 'Diagnose');
  await page.getByRole('button', { name: 'Begin', exact: true }).click();
  await page.getByRole('heading', { name: 'Verdict' }).waitFor();
  await page.getByRole('heading', { name: 'Cell cell-fl' }).waitFor();
  await isClean('diagnosis');

  await openTab(page, 'History');
  await page.getByRole('button', { name: `Go back to revision ${before}` }).click();
  await page.getByLabel('Why').fill('Weights were mixed up');
  await page.getByRole('button', { name: `Put revision ${before} in force again` }).click();
  await page.getByText(`The calibration of revision ${before} is in force again`).waitFor();
  t.deepEqual(complaints, []);
});

test('A connection that is lost in any state of a calibration changes nothing, and the work goes on where it was', async (t) => {
  t.timeout(900_000);
  const { shop, hands, browser } = await open();
  await hands(0);
  const { page, context } = await openConsole(browser, shop.url, desktop);
  await enrolAndSignIn(page, await shop.code('17'));
  await page.getByText('Calibration: revision').waitFor();
  await openTab(page, 'Calibrate');
  await page.getByLabel('Weights at hand').waitFor();
  await page
    .locator('.headline')
    .getByText(/revision \d/)
    .waitFor();
  const before = await revision(page);
  await beginWork(page, '5 kg, W10=10 kg, W20=10 kg');

  // Half an hour without a step, on another tab: the page asks, and goes on for whoever says that he is there.
  await openTab(page, 'History');
  await page.evaluate('aheadMs = 30 * 60_000');
  const asking = page.getByRole('alert').filter({ hasText: `Are you still working on ${device}?` });
  await asking.waitFor();
  t.deepEqual(await accessibility(page, await readFile(axePath, 'utf8')), []);
  await asking.getByRole('button', { name: 'Go on' }).click();
  await asking.waitFor({ state: 'detached' });
  t.is(await page.locator('#note').innerText(), '');
  await openTab(page, 'Calibrate');
  await page
    .locator('[data-key=lease]')
    .getByText(/^Lease: (9 min|10 min 00 s)/)
    .waitFor();

  const { broker } = shop.store;
  const lost = async () => {
    const done = await page.locator('.steps li.done').count();
    await broker.stop();
    await page.getByText('connection lost').waitFor();
    t.true(
      await page
        .getByRole('button', { name: /: measure$|^Calculate$|^Put in force/ })
        .first()
        .isDisabled(),
    );
    await broker.start();
    await page.locator('[data-key=lease]').getByText('connected', { exact: true }).waitFor();
    t.is(await page.locator('.steps li.done').count(), done);
  };
  const kinds = new Set<string>();
  for (let steps = 0; steps < mostSteps; steps++) {
    const sentence = await nextStep(page);
    const kind =
      sentence === undefined
        ? 'commit'
        : sentence.includes(' over ')
          ? 'corner'
          : (sentence.split(' ')[0] ?? '');
    if (!kinds.has(kind)) {
      kinds.add(kind);
      await lost();
    }
    if (sentence === undefined) break;
    if (sentence.startsWith('Put') && !kinds.has('during')) {
      // In the middle of a step: the answer comes when the way is back, and the step counts once.
      kinds.add('during');
      await obey(sentence, hands);
      const done = await page.locator('.steps li.done').count();
      await page.locator('[data-act=step]').click();
      await page.locator('.busy').waitFor();
      await broker.stop();
      await broker.start();
      await until(page, `document.querySelectorAll('.steps li.done').length === ${done + 1}`);
      await page.locator('.busy').waitFor({ state: 'detached' });
    } else await doStep(page, hands);
  }
  t.deepEqual([...kinds].sort(), ['Calculate.', 'Check', 'Empty', 'Put', 'commit', 'corner', 'during']);

  // The page itself is lost: the plan is there again, and so is what was measured.
  await page.reload({ waitUntil: 'domcontentloaded' });
  await page.getByRole('button', { name: 'Put in force …' }).waitFor();
  t.is(await revision(page), before);

  // Another technician sees who is there, and can't disturb.
  const other = await openConsole(browser, shop.url, phone);
  await enrolAndSignIn(other.page, await shop.code('23'));
  await openTab(other.page, 'Calibrate');
  await other.page.getByText('technician 17 is working on this device').waitFor();
  t.deepEqual(await accessibility(other.page, await readFile(axePath, 'utf8')), []);
  t.is(await other.page.locator('[data-act=step], [data-act=commit], [data-act=abort]').count(), 0);

  // Another window of the same browser has the same key; the first one hears of its end from the device.
  const second = await context.newPage();
  await second.goto(`${shop.url}#/${device}/calibrate`, { waitUntil: 'domcontentloaded' });
  await signIn(second);
  await second.getByRole('button', { name: 'End without changing anything' }).click();
  await second.getByRole('button', { name: 'End the session' }).click();
  await second.getByText('The scale weighs as it did before.').waitFor();
  await page.getByText('The device has ended the session').waitFor();
  t.is(await revision(page), before);
  await other.page.getByRole('button', { name: 'Look again' }).click();
  await other.page.getByLabel('Weights at hand').waitFor();
});

test('A verification takes checks and readings of tests, shows its report, and changes nothing', async (t) => {
  t.timeout(900_000);
  const { shop, hands, browser } = await open();
  await hands(0);
  const { page } = await openConsole(browser, shop.url, desktop);
  await enrolAndSignIn(page, await shop.code('17'));
  await page.getByText('Calibration: revision').waitFor();
  await openTab(page, 'Calibrate');
  await page
    .locator('.headline')
    .getByText(/revision \d/)
    .waitFor();
  const before = await revision(page);
  await beginWork(page, '5 kg M1, W10=10 kg M1', 'verify');
  const done: string[] = [];
  while (done.length < mostSteps && (await page.locator('#t-all-loads-are-checked').count()) === 0) {
    done.push((await doStep(page, hands)) ?? '');
  }
  t.true(done.length > 4 && done.slice(1).every((one) => one.startsWith('Check with')), done.join(' '));
  t.is(await page.locator('[data-act=commit]').count(), 0);

  await hands(0);
  await hands(10_000_000);
  await page.getByText('Other steps', { exact: true }).click();
  const form = page.locator('form[data-form=test]');
  await form.getByLabel('Test', { exact: true }).selectOption('linearity');
  await form.getByLabel('W10 (10 kg)').check();
  await form.getByRole('button', { name: 'Measure' }).click();
  await page.getByRole('heading', { name: 'Measured' }).waitFor();
  await page.getByRole('cell', { name: 'Linearity' }).waitFor();
  t.deepEqual(await accessibility(page, await readFile(axePath, 'utf8')), []);
  const [report] = await Promise.all([
    page.context().waitForEvent('page'),
    page.getByRole('button', { name: 'Report so far' }).click(),
  ]);
  await report.getByRole('heading', { name: 'Verification report' }).waitFor();
  await report.close();
  await page.getByRole('button', { name: 'End without changing anything' }).click();
  await page.getByRole('button', { name: 'End the session' }).click();
  await page.getByText('The scale weighs as it did before.').waitFor();
  t.is(await revision(page), before);
});
