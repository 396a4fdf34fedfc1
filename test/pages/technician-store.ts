import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { parse, stringify } from 'yaml';
import { useHands } from '#drivers/virtual/hands.ts';
import { type CliRun, runCli, startCli } from '../support/cli.ts';
import { device, makeGatewayFolder, startGateway, store } from '../support/gateway.ts';
import type { Stage } from '../support/store-broker.ts';
import { passwords, type StoreBroker, startStoreBroker } from '../support/store-broker.ts';
import { openChromium } from './chromium.ts';

export { device, store };
export const longMs = 60_000;
export const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** A store as it is run: broker with TLS and logins, root key, list of keys, and the console as a process of its own. */
export interface ConsoleStore {
  readonly store: StoreBroker;
  readonly folder: string;
  /** `https://localhost:…/` */
  readonly url: string;
  readonly keys: string;
  readonly root: string;
  /** Options with which the command line reaches the broker, as this user. */
  broker(user: keyof typeof passwords): readonly string[];
  /** A one-time code. */
  code(who: string, role?: string): Promise<string>;
}

async function cli(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  if (code !== 0) throw new Error(`cartwright ${args.join(' ')}: ${code} ${stdout}${stderr}`);
  return stdout;
}

/** Ends a process of the command line, and waits until it is gone. */
async function end(run: CliRun): Promise<void> {
  run.child.kill('SIGTERM');
  await run.ended;
}

/** Starts broker and console; both are ended with the test. */
export async function startConsoleStore(
  t: Stage,
  options: { readonly rootKey?: boolean } = {},
): Promise<ConsoleStore> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-console-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const shop = await startStoreBroker(t, store);
  const [root, keys, data] = [join(folder, 'root.pem'), join(folder, 'keys.json'), join(folder, 'console')];
  await cli(['key', 'make', root]);
  const broker = (user: keyof typeof passwords) => [
    '-b',
    shop.url,
    '--ca',
    shop.ca,
    '-u',
    user,
    '--password-file',
    shop.passwordFile(user),
  ];
  const run = startCli([
    'console',
    'run',
    ...[
      '-s',
      store,
      '--data',
      data,
      '--keys',
      keys,
      '--make-certificate',
      '--listen',
      '127.0.0.1:0',
      '--page-broker',
      shop.webSocket,
    ],
    ...(options.rootKey === false ? [] : ['--root-key', root]),
    ...broker('console'),
  ]);
  t.teardown(() => end(run));
  let shown = '';
  run.child.stdout?.on('data', (text: string) => {
    shown += text;
  });
  await run.shows('SHA-256');
  const url = /https:\/\/\S+/.exec(shown)?.[0] ?? '';
  return {
    store: shop,
    folder,
    url,
    keys,
    root,
    broker,
    code: async (who, role = 'technician') =>
      (await cli(['console', 'code', '-s', store, '--data', data, '--who', who, '--role', role])).slice(0, 9),
  };
}

/** A real gateway that takes signed commands alone, on that broker, in a world where `hands` puts weights on its plate. */
export async function startSignedGateway(t: Stage, shop: ConsoleStore) {
  const cart = await makeGatewayFolder({
    brokerUrl: shop.store.url,
    scenario: '../../test/fixtures/scenarios/quiet',
    config: {
      broker: { username: device, passwordFile: shop.store.passwordFile(device), caFile: shop.store.ca },
      commands: { signed: 'always', rootKeyFile: `${shop.root}.pub` },
      healthS: 5,
      calibrationWarmUpS: 0,
    },
  });
  t.teardown(() => cart.remove());
  const name = `console-${randomUUID().slice(0, 8)}`;
  const boardFile = join(cart.path, 'board.yaml');
  const board = parse(await readFile(boardFile, 'utf8')) as {
    devices: { driver: string; options: object }[];
  };
  const devices = board.devices.map((one) =>
    one.driver === 'virtual-world' ? { ...one, options: { ...one.options, hands: name } } : one,
  );
  await writeFile(boardFile, stringify({ ...board, devices }));
  const daemon = await startGateway(cart);
  t.teardown(() => daemon.kill());
  /** Puts a weight on the basket, or takes it off (0). */
  const hands = (massMg: number, at = 'centre') => useHands(name, { plate: 'basket', massMg, at });
  return { cart, daemon, hands };
}

/** A browser that takes the certificates of these tests. */
export async function openBrowser(t: Stage): Promise<Browser> {
  const browser = await openChromium();
  t.teardown(() => browser.close());
  return browser;
}

export const phone = { width: 390, height: 844 };
export const desktop = { width: 1280, height: 860 };

/** Makes a browser of before 2025, which knows no Ed25519. */
const withoutEd25519 = `{
  const { generateKey } = SubtleCrypto.prototype;
  SubtleCrypto.prototype.generateKey = function (algorithm, ...rest) {
    if (algorithm.name === 'Ed25519') return Promise.reject(new DOMException('unknown', 'NotSupportedError'));
    return generateKey.call(this, algorithm, ...rest);
  };
}`;

/** A technician's browser on the console's page. What the page complains of is in `complaints`. */
export async function openConsole(
  browser: Browser,
  url: string,
  viewport = phone,
  more: { readonly withoutEd25519?: boolean } = {},
) {
  const context = await browser.newContext({
    viewport,
    ignoreHTTPSErrors: true,
    locale: 'en-GB',
    hasTouch: viewport === phone,
  });
  if (more.withoutEd25519 === true) await context.addInitScript(withoutEd25519);
  const page = await context.newPage();
  page.setDefaultTimeout(longMs);
  const complaints: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  return { context, page, complaints };
}

/** Enrols the browser with a code, and signs in to the broker. */
export async function enrolAndSignIn(page: Page, code: string): Promise<void> {
  await page.getByLabel('One-time code').fill(code);
  await page.getByRole('button', { name: 'Enrol', exact: true }).click();
  await signIn(page);
}

export async function signIn(page: Page): Promise<void> {
  await page.getByLabel('User name').fill('technician');
  await page.getByLabel('Password').fill(passwords.technician);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('connected', { exact: true }).first().waitFor();
}

/** What axe finds wrong, one line each. */
export async function accessibility(page: Page, axe: string): Promise<readonly string[]> {
  // Injected as a debugger would: the page's policy keeps scripts out.
  await page.evaluate(axe);
  return await page.evaluate<readonly string[]>(
    `axe.run(document, { rules: { 'color-contrast-enhanced': { enabled: true } } }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ' ' + html + ' ' + failureSummary)))`,
  );
}

export type { BrowserContext };
