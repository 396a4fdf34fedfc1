import { readFile } from 'node:fs/promises';
import anyTest from 'ava';
import { callDevice } from '#cli/call.ts';
import { runCli } from '../support/cli.ts';
import { needs } from '../tools.ts';
import { measure } from './display-measure.ts';
import { until } from './technician-procedure.ts';
import {
  accessibility,
  axePath,
  desktop,
  device,
  enrolAndSignIn,
  longMs,
  openConsole,
  phone,
  sharedStore,
  signIn,
  store,
} from './technician-store.ts';

const test = needs(anyTest, 'chromium', 'mosquitto', 'mosquitto_passwd', 'openssl').serial;
const open = sharedStore((work) => test.after.always('everything is ended', work));

test('A technician enrols a browser, sees the fleet and live values, and commands by signature until the key is revoked', async (t) => {
  t.timeout(400_000);
  const { shop, browser, daemon } = await open();
  const { page, complaints, context } = await openConsole(browser, shop.url, phone);
  const axe = await readFile(axePath, 'utf8');
  const isClean = async (what: string) => t.deepEqual(await accessibility(page, axe), [], what);

  await page.getByLabel('One-time code').fill('AAAA-AAAA');
  await page.getByRole('button', { name: 'Enrol', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: 'CW-CON-005' }).waitFor();
  await isClean('enrol');
  // The answer is lost on its way: the same code is good for this browser's key still, and for no other one.
  const code = await shop.code('17');
  let lost = 0;
  await page.route('**/api/enrol', async (route) => {
    if (lost++ > 0) return await route.continue();
    await route.fetch();
    await route.abort();
  });
  await page.getByLabel('One-time code').fill(code);
  await page.getByRole('button', { name: 'Enrol', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: 'unreachable' }).waitFor();
  await page.reload({ waitUntil: 'domcontentloaded' });
  await enrolAndSignIn(page, code.toLowerCase());

  await page.getByText(device, { exact: true }).waitFor();
  await page.getByText('Calibration: revision').waitFor();
  await isClean('fleet');
  await page.getByRole('link', { name: device }).click();
  await page.locator('svg.plot path.series').nth(4).waitFor({ state: 'attached' });
  await page.getByText('at rest').waitFor();
  const before = await page.locator('svg.plot path.s0').first().getAttribute('d');
  await until(
    page,
    `document.querySelector('svg.plot path.s0')?.getAttribute('d') !== ${JSON.stringify(before)}`,
  );
  await isClean('live');

  await page.getByRole('link', { name: 'Device', exact: true }).click();
  await page.getByText('signed ones only').waitFor();
  await page.getByLabel('Level until the next start').selectOption('debug');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('at level debug').waitFor();
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByText('passwordFile:').waitFor();
  t.false((await page.content()).includes('cart-secret'));
  await isClean('device');

  await page.getByRole('link', { name: 'Audit log' }).click();
  await page.getByText('These records are whole and follow from each other.').waitFor();
  await page.getByText('log.level', { exact: true }).first().waitFor();
  await page.getByText('technician 17').first().waitFor();
  await isClean('audit');
  const found = await measure(page, { smallestPx: 12, targetPx: 44, contrast: 7 });
  t.deepEqual([found.small, found.faint, found.narrow], [[], [], []]);

  // The key is in this browser still after a reload, and can't be read out of it.
  await page.reload({ waitUntil: 'domcontentloaded' });
  await page.getByText('These records are whole').waitFor();
  const extracted = await page.evaluate<string>(`(async () => {
    const opening = indexedDB.open('cartwright-console', 1);
    await new Promise((resolve) => opening.addEventListener('success', resolve));
    const request = opening.result.transaction('keys').objectStore('keys').getAll();
    await new Promise((resolve) => request.addEventListener('success', resolve));
    return await crypto.subtle.exportKey('pkcs8', request.result[0].privateKey).then(() => 'extracted', ({ name }) => name);
  })()`);
  t.is(extracted, 'InvalidAccessError');
  t.deepEqual(
    complaints.filter((one) => !/40[0-9]|certificate|ERR_FAILED/i.test(one)),
    [],
  );

  // Without a signature nothing is changed, whatever the login.
  const unsigned = await callDevice({
    broker: shop.store.url,
    ca: shop.store.ca,
    username: 'technician',
    passwordFile: shop.store.passwordFile('technician'),
    store,
    device,
    command: 'log.level',
    args: { level: 'trace' },
    timeout: 30,
  });
  t.like(unsigned, { status: 'refused', code: 'CW-CMD-010' });

  const listed = JSON.parse((await runCli(['key', 'list', shop.keys, '--json'])).stdout) as {
    keys: { id: string; who: string }[];
  };
  const id = listed.keys.find(({ who }) => who === '17')?.id ?? '';
  const revokedAtMs = performance.now();
  const revoked = await runCli([
    'key',
    'revoke',
    shop.keys,
    id,
    '-s',
    store,
    '--root',
    shop.root,
    ...shop.broker('console'),
  ]);
  t.is(revoked.code, 0, revoked.stderr);
  await page.getByRole('alert').filter({ hasText: 'Your key has been revoked' }).waitFor();
  await page.getByRole('link', { name: 'Device', exact: true }).click();
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('CW-IDN-004').waitFor();
  t.true(performance.now() - revokedAtMs < 60_000, 'within a minute');
  t.true(daemon.running());
  await context.close();
});

test('Who has another role may look, and is refused with the reason; a wrong login is told; an operator revokes in the page', async (t) => {
  t.timeout(400_000);
  const { shop, browser } = await open();

  const staff = await openConsole(browser, shop.url, desktop);
  await staff.page.getByLabel('One-time code').fill(await shop.code('4', 'staff'));
  await staff.page.getByRole('button', { name: 'Enrol', exact: true }).click();
  await staff.page.getByLabel('User name').fill('technician');
  await staff.page.getByLabel('Password').fill('wrong');
  await staff.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await staff.page.getByText('The broker does not take this user name').waitFor();
  await signIn(staff.page);
  await staff.page.getByRole('link', { name: device }).click();
  await staff.page.getByText('at rest').waitFor();
  await staff.page.getByRole('link', { name: 'Device', exact: true }).click();
  await staff.page.getByRole('button', { name: 'Set', exact: true }).click();
  await staff.page.getByText('CW-CMD-011').waitFor();
  await staff.page.getByRole('link', { name: 'Keys' }).click();
  await staff.page.getByText('An operator revokes keys here').waitFor();
  t.is(await staff.page.getByRole('button', { name: 'Revoke' }).count(), 0);

  // An older browser makes a P-256 key, which devices and console take as well.
  const operator = await openConsole(browser, shop.url, desktop, { withoutEd25519: true });
  await operator.page.getByLabel('One-time code').fill(await shop.code('1', 'operator'));
  await operator.page.getByRole('button', { name: 'Enrol', exact: true }).click();
  await operator.page.getByText('(ES256)').waitFor();
  await signIn(operator.page);
  await operator.page.getByRole('link', { name: device }).click();
  await operator.page.getByRole('link', { name: 'Device', exact: true }).click();
  await operator.page.getByRole('button', { name: 'Set', exact: true }).click();
  await operator.page.getByText('at level info').waitFor();
  await operator.page.getByRole('link', { name: 'Keys' }).click();
  await operator.page.getByRole('button', { name: 'Revoke the key of staff 4' }).click();
  await operator.page.getByRole('button', { name: 'Revoke it' }).click();
  await operator.page.getByText('The key is revoked.').waitFor();
  await operator.page
    .getByRole('row')
    .filter({ hasText: /^staff\s*4/ })
    .getByText('revoked', { exact: true })
    .waitFor();
  const axe = await readFile(axePath, 'utf8');
  t.deepEqual(await accessibility(operator.page, axe), []);
  await staff.page.getByRole('alert').filter({ hasText: 'Your key has been revoked' }).waitFor();
});

test('Where the root key is kept elsewhere, a key waits until it is in the published list', async (t) => {
  t.timeout(400_000);
  const { shop, browser } = await open();
  const { page, context } = await openConsole(browser, await shop.withoutRootKey(t), desktop);
  t.teardown(() => context.close());
  await page.getByLabel('One-time code').fill(await shop.printedCode('31'));
  await page.getByRole('button', { name: 'Enrol', exact: true }).click();
  await page.getByText('requested: it works when').waitFor({ timeout: longMs });
  const id = /[0-9a-f]{32}/.exec(await page.locator('dl').innerText())?.[0] ?? '';
  const request = `${shop.folder}/console/requests/${id}.pem.pub`;
  const run = async (args: readonly string[]) => {
    const { code, stderr } = await runCli(args);
    t.is(code, 0, stderr);
  };
  await run(['key', 'add', shop.keys, request, '--role', 'technician', '--who', '31']);
  await run(['key', 'publish', shop.keys, '-s', store, '--root', shop.root, ...shop.broker('console')]);
  await signIn(page);
  await page.getByRole('link', { name: 'Keys' }).click();
  await page.getByRole('cell', { name: id }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('enrolled', { exact: true }).waitFor();
});
