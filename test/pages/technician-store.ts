import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { parse, stringify } from 'yaml';
import { CodeBook } from '#console/codes.ts';
import { useHands } from '#drivers/virtual/hands.ts';
import type { Role } from '#identity/key-list.ts';
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
  /** Folder of the console. */
  readonly data: string;
  /** A one-time code. */
  code(who: string, role?: Role): Promise<string>;
  /** A one-time code for a technician, as the command line prints it. */
  printedCode(who: string): Promise<string>;
  /** Starts a second console of the store that has no root key. Answers with its address. */
  withoutRootKey(t: Stage): Promise<string>;
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

/** Starts a console as a process of its own; without the root key it only writes requests. Answers with its address. */
async function startConsole(
  t: Stage,
  shop: Omit<ConsoleStore, 'url' | 'withoutRootKey'>,
  hasRootKey = true,
): Promise<string> {
  const args = ['--keys', shop.keys, '--page-broker', shop.store.webSocket, '--listen', '127.0.0.1:0'];
  const run = startCli([
    ...['console', 'run', '-s', store, '--data', shop.data, '--make-certificate', ...args],
    ...(hasRootKey ? ['--root-key', shop.root] : []),
    ...shop.broker('console'),
  ]);
  t.teardown(() => end(run));
  let shown = '';
  run.child.stdout?.on('data', (text: string) => {
    shown += text;
  });
  await run.shows('SHA-256');
  return /https:\/\/\S+/.exec(shown)?.[0] ?? '';
}

/** Starts broker and console; both are ended with the stage. */
export async function startConsoleStore(t: Stage): Promise<ConsoleStore> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-console-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [root, keys, data] = [join(folder, 'root.pem'), join(folder, 'keys.json'), join(folder, 'console')];
  const [shop] = await Promise.all([startStoreBroker(t, store), cli(['key', 'make', root])]);
  const codes = new CodeBook(join(data, 'codes'), store);
  const made = {
    ...{ store: shop, folder, keys, root, data },
    broker: (user: keyof typeof passwords) => {
      const login = ['-u', user, '--password-file', shop.passwordFile(user)];
      return ['-b', shop.url, '--ca', shop.ca, ...login];
    },
    code: async (who: string, role: Role = 'technician') =>
      (await codes.issue({ who, role }, Date.now())).code,
    printedCode: async (who: string) =>
      (await cli(['console', 'code', '-s', store, '--data', data, '--who', who])).slice(0, 9),
  };
  const url = await startConsole(t, made);
  return { ...made, url, withoutRootKey: (stage) => startConsole(stage, made, false) };
}

/**
 * What the cases of one file share: each part is started by the first case that asks for it, and ended after the last. The
 * cases have browsing contexts, keys and codes of their own, and leave the plate empty.
 */
export function sharedStore(after: (work: () => Promise<void>) => void) {
  const works: (() => unknown)[] = [];
  const stage: Stage = { teardown: (work) => void works.push(work) };
  after(async () => {
    for (const work of works.reverse()) await work();
  });
  let shop: Promise<ConsoleStore> | undefined;
  let gateway: ReturnType<typeof startSignedGateway> | undefined;
  let browser: Promise<Browser> | undefined;
  const openShop = () => (shop ??= startConsoleStore(stage));
  const open = async () => {
    gateway ??= openShop().then((opened) => startSignedGateway(stage, opened));
    browser ??= openBrowser(stage);
    const [opened, running, chromium] = await Promise.all([openShop(), gateway, browser]);
    return { shop: opened, browser: chromium, ...running };
  };
  return open;
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

/** Lets a page's own clock, by which it tells how long nobody did anything, go ahead of time by `aheadMs`. */
const aheadOfTime = `{
  const now = performance.now.bind(performance);
  globalThis.aheadMs = 0;
  performance.now = () => now() + globalThis.aheadMs;
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
  await context.addInitScript(aheadOfTime);
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
