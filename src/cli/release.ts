import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { plainCause } from '#base/system-error.ts';
import { encodeRecord } from '#events/codec.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import { releaseNotice, statePayload } from '#events/mqtt-payloads.ts';
import { openRelease, type ReleaseManifest } from '#updates/manifest.ts';
import {
  countRollOut,
  type DeviceUpdates,
  nextNotice,
  type ReleaseGroup,
  type ReleaseNotice,
  type RollOutStand,
  standOf,
} from '#updates/roll-out.ts';
import { releaseKeys } from '#updates/staging.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { isName, parseTopic } from '#uplink/topics.ts';
import { type BrokerOptions, withBroker } from './broker.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { table } from './live-table.ts';
import { Shelf } from './shelf.ts';
import { printable, printJson } from './terminal.ts';
import { nameFrom, secondsFrom } from './values.ts';

interface ReleaseOptions extends BrokerOptions {
  readonly store: string;
  readonly timeout: number;
  readonly json?: boolean;
}

interface PublishOptions extends ReleaseOptions {
  readonly keys: string;
  readonly url: string;
  readonly group: readonly string[];
  readonly open?: number;
  readonly notBefore?: number;
  readonly stopAt?: number;
}

/** `cartwright release …`: which release the devices of a store take, and how far they are. */
export function registerRelease(program: Command): void {
  const release = program
    .command('release')
    .description(
      'give the devices of a store a release of this software, group by group, and see how far they are',
    )
    .usage('[options] <publish|status|advance|pause|resume|withdraw>')
    .addHelpText(
      'after',
      `
docs/operator/update.md tells how updates go.

Examples:
  scripts/cartwright release publish out/release/*.release -s my-store --keys release-keys --url https://files.my-store.example/cartwright/ \\
    --group canary=cart-0001,cart-0002 --group night:50 --group '*' --open 1 --stop-at 2
  scripts/cartwright release status -s my-store
  scripts/cartwright release advance -s my-store`,
    );
  withStore(
    release
      .command('publish')
      .description('offer a release: one signed description (.release) for each kind of processor')
      .argument('<files...>', 'descriptions; archives of the same name lie at --url'),
  )
    .requiredOption(
      '--url <address>',
      'where the archives lie: an https address, or file:///… of a mounted stick',
    )
    .requiredOption('--keys <folder>', "public keys (PEM) of the releases' maker")
    .option(
      '--group <name>',
      'NAME, NAME:PERCENT or NAME=DEVICE,DEVICE; several times, in their order; * is all devices',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .option(
      '--open <count>',
      'how many of the groups may begin; release advance opens the next ones',
      whole('--open'),
    )
    .option('--not-before <time>', 'no device begins before it: 2026-12-01T02:00:00Z', timeFrom)
    .option('--stop-at <count>', 'no further device begins once so many have failed', whole('--stop-at'))
    .action(publish);
  withStore(release.command('status').description('show what is offered, and what each device has')).action(
    status,
  );
  withStore(
    release
      .command('advance')
      .description(
        'tell devices of failures, and open the next group where all of those before have the release',
      )
      .option('--follow', 'go on until every device has it (exit code 0), or the roll-out has stopped (1)'),
  ).action(advance);
  for (const [name, paused, text] of [
    ['pause', true, 'let no further device begin'],
    ['resume', false, 'let devices begin again'],
  ] as const) {
    withStore(release.command(name).description(text)).action((options: ReleaseOptions) =>
      pause(options, paused),
    );
  }
  withStore(release.command('withdraw').description('offer no release; devices keep what they have')).action(
    withdraw,
  );
  for (const command of release.commands) command.exitOverride();
}

function withStore(command: Command): Command {
  return withBroker(command.requiredOption('-s, --store <name>', 'the store', nameFrom('--store')))
    .option('--timeout <seconds>', 'how long to wait for the broker', secondsFrom('--timeout'), 30)
    .option('--json', 'print as JSON');
}

async function publish(files: readonly string[], options: PublishOptions): Promise<void> {
  const keys = await releaseKeys(options.keys);
  const offered: {
    readonly manifest: ReleaseManifest;
    readonly release: Uint8Array;
    readonly urls: string[];
  }[] = [];
  for (const file of files) {
    const release = await readFile(file).catch((cause: unknown) => {
      throw new CliError('CW-CLI-001', `${file} can't be read: ${plainCause(cause)}`);
    });
    const manifest = openRelease(release, keys);
    const archive = basename(file).replace(/(?:\.tar\.gz)?\.release$/, '.tar.gz');
    const base = options.url.endsWith('/') ? options.url : `${options.url}/`;
    if (!URL.canParse(archive, base) || !/^(?:https|file|http):/.test(base)) {
      throw new CliError('CW-CLI-001', `--url ${JSON.stringify(options.url)} is no address`);
    }
    offered.push({ manifest, release, urls: [new URL(archive, base).href] });
  }
  const [version, ...others] = new Set(offered.map(({ manifest }) => manifest.version));
  if (version === undefined || others.length > 0) {
    throw new CliError(
      'CW-CLI-001',
      `one release at a time is offered, not ${[version, ...others].join(' and ')}`,
    );
  }
  const groups = options.group.map(groupFrom);
  const { open, notBefore, stopAt } = options;
  const notice: ReleaseNotice = {
    version,
    releases: offered.map(({ release, urls }) => ({ release, urls })),
    ...(groups.length === 0 ? {} : { groups }),
    ...(open === undefined ? {} : { open }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(stopAt === undefined ? {} : { stopAt }),
  };
  await withShelf(options, (shelf) => shelf.say('release', encodeRecord(releaseNotice, notice)));
  const kinds = offered.map(({ manifest }) => manifest.arch);
  if (options.json) printJson({ version, kinds, groups });
  else
    process.stdout.write(printable(`${options.store} offers release ${version} for ${kinds.join(', ')}\n`));
}

/** `night:50`, `canary=cart-1,cart-2`, `*`. Throws CW-CLI-001. */
function groupFrom(text: string): ReleaseGroup {
  const [, name = '', percent, devices] = /^([a-z0-9-]{1,64}|\*)(?::(\d{1,3}))?(?:=(.+))?$/.exec(text) ?? [];
  const named = devices?.split(',');
  if (name === '' || Number(percent ?? 0) > 100 || named?.every(isName) === false) {
    throw new CliError(
      'CW-CLI-001',
      `--group ${JSON.stringify(text)}: must be NAME, NAME:PERCENT or NAME=DEVICE,…`,
    );
  }
  return {
    name,
    ...(named === undefined ? {} : { devices: named }),
    ...(percent === undefined ? {} : { percent: Number(percent) }),
  };
}

interface Found {
  readonly notice: ReleaseNotice | undefined;
  readonly devices: readonly (DeviceUpdates & {
    readonly online: boolean;
    readonly state: string;
    readonly hold: string;
  })[];
}

/** What is retained: the notice, and what each device said of itself last. */
async function find(shelf: Shelf, options: ReleaseOptions, heard: Map<string, Heard>): Promise<Found> {
  await shelf.listen(['release'], [`cw/1/${options.store}/+/state`, `cw/1/${options.store}/+/health`]);
  const said = shelf.said('release');
  const devices = [...heard].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    notice: said === undefined ? undefined : decodePayload(releaseNotice, said),
    devices: devices.map(([device, { software, online = false, update }]) => ({
      device,
      online,
      version: update?.version ?? software?.split('/')[1],
      failed: update?.failed,
      group: update?.group,
      state: update?.state ?? 'no updater',
      hold: update?.fault ?? update?.hold ?? '',
    })),
  };
}

interface Heard {
  online?: boolean;
  software?: string | undefined;
  update?: NonNullable<ReturnType<typeof decodeHealth>['update']> | undefined;
}

const decodeHealth = (payload: Uint8Array) => decodePayload(gatewayHealth, payload);

function hear(heard: Map<string, Heard>, topic: string, payload: Buffer): void {
  const parsed = parseTopic(topic);
  if (parsed?.kind !== 'state' && parsed?.kind !== 'health') return;
  const before = heard.get(parsed.place.device) ?? {};
  try {
    if (parsed.kind === 'health') {
      heard.set(parsed.place.device, { ...before, update: decodeHealth(payload).update });
      return;
    }
    const { online, software } = decodePayload(statePayload, payload);
    heard.set(parsed.place.device, { ...before, online, ...(software === undefined ? {} : { software }) });
  } catch {
    // Anybody may write there.
  }
}

async function withFound<T>(
  options: ReleaseOptions,
  work: (shelf: Shelf, found: Found) => Promise<T>,
): Promise<T> {
  const heard = new Map<string, Heard>();
  return await withShelf(
    options,
    async (shelf) => work(shelf, await find(shelf, options, heard)),
    (topic, payload) => hear(heard, topic, payload),
  );
}

async function status(options: ReleaseOptions): Promise<void> {
  const { notice, devices } = await withFound(options, (_shelf, found) => Promise.resolve(found));
  const counts = notice === undefined ? [] : countRollOut(notice, devices);
  if (options.json) {
    const { releases: _, ...offered } = notice ?? { releases: [] };
    printJson({ offered: notice === undefined ? null : offered, groups: counts, devices });
    return;
  }
  const lines = devices.map(({ device, online, version, state, failed, hold }) => [
    device,
    online ? 'online' : 'away',
    version ?? '?',
    state,
    failed ?? '',
    hold,
  ]);
  const groups = counts.map(({ group, devices: all, good, failed }, index) => {
    const due = index < (notice?.open ?? counts.length) ? '' : ' (not due yet)';
    return printable(
      `  ${group}${due}: ${good} of ${all} have it${failed === 0 ? '' : `, ${failed} took it back`}`,
    );
  });
  const head = ['device', 'link', 'release', 'update', 'failed', 'why'];
  process.stdout.write(
    `${[
      notice === undefined
        ? 'no release is offered'
        : printable(`offers release ${notice.version}${notice.paused === true ? ' (paused)' : ''}`),
      ...groups,
      '',
      ...(lines.length === 0
        ? ['no device has said what it has']
        : table([head, ...lines], [0, 1, 2, 3, 4, 5], [])),
    ].join('\n')}\n`,
  );
}

/** How often a roll-out that is followed is looked at, ms; devices tell their health every half minute. */
const followEveryMs = 10_000;

async function advance(options: ReleaseOptions & { readonly follow?: boolean }): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    const next = await advanceOnce(options);
    if (isFirst || next.changed) sayNext(next, options);
    if (options.follow !== true) return;
    if (next.stand === 'done') return;
    if (next.stand === 'stopped') {
      process.exitCode = exitCodes.findings;
      return;
    }
    await sleep(followEveryMs);
  }
}

interface Advanced {
  readonly after: ReleaseNotice;
  readonly changed: boolean;
  readonly stand: RollOutStand;
}

async function advanceOnce(options: ReleaseOptions): Promise<Advanced> {
  return await withFound(options, async (shelf, { notice, devices }) => {
    const before = mustOffer(notice);
    const after = nextNotice(before, devices);
    if (after !== before) await shelf.say('release', encodeRecord(releaseNotice, after));
    return { after, changed: after !== before, stand: standOf(after, devices) };
  });
}

function sayNext(next: Advanced, options: ReleaseOptions): void {
  const { open, failed = 0, version } = next.after;
  if (options.json) printJson({ version, open: open ?? null, failed, changed: next.changed });
  else {
    const groups = open === undefined ? 'all groups' : `${open} of ${next.after.groups?.length ?? 1} groups`;
    process.stdout.write(
      `release ${version}: ${groups} open, ${failed} failed${next.changed ? '' : ' (as before)'}\n`,
    );
  }
}

async function pause(options: ReleaseOptions, paused: boolean): Promise<void> {
  await withFound(options, async (shelf, { notice }) => {
    await shelf.say('release', encodeRecord(releaseNotice, { ...mustOffer(notice), paused }));
  });
  if (options.json) printJson({ paused });
  else process.stdout.write(paused ? 'paused: no further device begins\n' : 'devices may begin again\n');
}

async function withdraw(options: ReleaseOptions): Promise<void> {
  const was = await withShelf(options, (shelf) => shelf.withdraw('release'));
  if (options.json) printJson({ withdrawn: was });
  else process.stdout.write(was ? 'no release is offered any more\n' : 'no release was offered\n');
}

function mustOffer(notice: ReleaseNotice | undefined): ReleaseNotice {
  if (notice !== undefined) return notice;
  throw new CliError('CW-CLI-001', 'no release is offered; begin with release publish');
}

async function withShelf<T>(
  options: ReleaseOptions,
  work: (shelf: Shelf) => Promise<T>,
  onOther?: (topic: string, payload: Buffer) => void,
): Promise<T> {
  const shelf = await Shelf.open(options, onOther);
  try {
    return await work(shelf);
  } finally {
    await shelf.close();
  }
}

function whole(name: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,6}$/.test(text)) return Number(text);
    throw new CliError('CW-CLI-001', `${name} ${JSON.stringify(text)}: must be a whole number`);
  };
}

function timeFrom(text: string): number {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw new CliError(
    'CW-CLI-001',
    `--not-before ${JSON.stringify(text)}: must be a time as 2026-12-01T02:00:00Z`,
  );
}
