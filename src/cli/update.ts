import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { z } from 'zod';
import { plainCause } from '#base/system-error.ts';
import { sealRequest } from '#commands/sealed.ts';
import { handArchive, handRequest, stateOfDevice, throwFailure, throwRefusal } from '#updates/by-hand.ts';
import { UpdateError } from '#updates/errors.ts';
import { mustRunOn, openRelease } from '#updates/manifest.ts';
import { type Places, placesUnder } from '#updates/places.ts';
import { releaseKeys } from '#updates/staging.ts';
import type { Happening, UpdaterState } from '#updates/state.ts';
import { devicePrefix, requestTopic } from '#uplink/topics.ts';
import { CliError } from './errors.ts';
import { privateKeyOf, withKey } from './key-files.ts';
import { notice, printableLines, printJson } from './terminal.ts';
import { secondsFrom } from './values.ts';

interface UpdateOptions {
  readonly back?: string;
  readonly older?: boolean;
  readonly again?: boolean;
  readonly key?: string;
  readonly timeout: number;
  readonly root: string;
  readonly json?: boolean;
}

const lookEveryMs = 500;
/** An order is for now, and serves once. */
const orderForMs = 3_600_000;
/** Of a device's configuration, who it is. */
const placeIn = z.object({ store: z.string(), device: z.string() });

/** `cartwright update`: releases by hand, on the device itself. */
export function registerUpdate(program: Command): void {
  withKey(program.command('update'))
    .description('take a release from a file into service on this device, or go back; also in safe mode')
    .argument(
      '[file]',
      'archive of a release (.tar.gz), its .release beside it; left out, what is there is shown',
    )
    .option('--back <why>', 'go back to the release before this one')
    .option('--older', 'FILE is older than the release in service, and that is meant')
    .option('--again', 'FILE was taken back on this device before; try it once more')
    .option('--timeout <seconds>', 'how long to wait for the verdict', secondsFrom('--timeout'), 1_800)
    .option('--root <folder>', "the device's folders lie below this one", '/')
    .option('--json', 'print what the updater knows as JSON')
    .addHelpText(
      'after',
      `
Run it as root on the cart or shelf, while nobody shops: it needs neither a broker nor a gateway that runs. The updater takes the
release into service, watches it, and takes it back by itself where it does not work (exit code 1); ended early, this command only stops
watching. --back, --older and --again need a technician's or operator's key (--key) where the device takes signed commands alone.

Examples:
  scripts/cartwright update
  scripts/cartwright update /mnt/cartwright-1.4.0-linux-arm64.tar.gz
  scripts/cartwright update --back "scale drifts" --key technician.pem`,
    )
    .action(update);
}

async function update(file: string | undefined, options: UpdateOptions): Promise<void> {
  const places = placesUnder(options.root);
  const before = await stateOfDevice(places);
  const { back } = options;
  if (file !== undefined && back !== undefined)
    throw new CliError('CW-CLI-001', 'either a file or --back, not both');
  const watch = new Watch(places, before, options);
  if (back !== undefined) await goBack(watch, places, before, back, options);
  else if (file !== undefined) await take(watch, places, file, options);
  const after = await stateOfDevice(places);
  if (options.json) printJson(after);
  else if (file === undefined && back === undefined) process.stdout.write(printableLines(describe(after)));
}

async function take(watch: Watch, places: Places, file: string, options: UpdateOptions): Promise<void> {
  const description = file.replace(/(?:\.tar\.gz|\.release)$/, '.release');
  const archive = file.replace(/\.release$/, '.tar.gz');
  const release = await readFile(description).catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${description} can't be read: ${plainCause(cause)}`, { cause });
  });
  const manifest = openRelease(release, await releaseKeys(places.releaseKeys));
  mustRunOn(manifest, process.arch);
  const { version } = manifest;
  notice(`copying and checking release ${version}`);
  const staging = {
    action: 'stage',
    version,
    archive: await handArchive(places, archive, version),
    release: release.toString('base64'),
  } as const;
  await watch.answer(await handRequest(places, staging));
  const { older: downgrade = false, again: force = false } = options;
  const words = { version, ...(downgrade ? { downgrade } : {}), ...(force ? { force } : {}) };
  const order = await orderOf(places, 'update.begin', words, options);
  await watch.answer(await handRequest(places, { action: 'begin', version, downgrade, force, ...order }));
  throwFailure(await watch.verdict(), version);
}

async function goBack(
  watch: Watch,
  places: Places,
  { before, good }: UpdaterState,
  why: string,
  options: UpdateOptions,
): Promise<void> {
  const version = before ?? good;
  const order = await orderOf(places, 'update.rollback', { why }, options);
  await watch.answer(await handRequest(places, { action: 'rollback', version, why, ...order }));
  throwFailure(await watch.verdict(), version);
}

/** The signed order that goes with a request, where there is a key. */
async function orderOf(
  places: Places,
  command: string,
  args: Readonly<Record<string, unknown>>,
  { key }: UpdateOptions,
): Promise<{ readonly order?: string }> {
  if (key === undefined) return {};
  const signer = await privateKeyOf(key);
  const text = await readFile(places.config, 'utf8').catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${places.config} can't be read: ${plainCause(cause)}`, { cause });
  });
  const topic = `${devicePrefix(placeIn.parse(parse(text)))}/${requestTopic(command)}`;
  const issued = Date.now();
  const request = { transaction: randomUUID(), issued, expires: issued + orderForMs, args };
  return { order: Buffer.from(sealRequest(request, topic, signer)).toString('base64') };
}

/** Follows the updater's state, and says what happens. */
class Watch {
  readonly #places: Places;
  readonly #untilMs: number;
  readonly #quiet: boolean;
  #next: number;

  constructor(places: Places, { next }: UpdaterState, { timeout, json = false }: UpdateOptions) {
    this.#places = places;
    this.#next = next;
    this.#quiet = json;
    this.#untilMs = performance.now() + timeout * 1_000;
  }

  /** Resolves when a request was taken; rejects with the updater's code where it was refused. */
  async answer(id: string): Promise<void> {
    throwRefusal(await this.#until((state) => state.answered.includes(id)));
  }

  /** Resolves with the state when no release is on trial any more. */
  verdict(): Promise<UpdaterState> {
    return this.#until(({ trial, undo }) => trial === undefined && undo === undefined);
  }

  async #until(fits: (state: UpdaterState) => boolean): Promise<UpdaterState> {
    for (;;) {
      const state = await stateOfDevice(this.#places);
      for (const one of state.happenings.filter(({ number }) => number >= this.#next)) this.#tell(one);
      this.#next = Math.max(this.#next, state.next);
      if (fits(state)) return state;
      if (performance.now() > this.#untilMs) {
        throw new UpdateError(
          'CW-UPD-033',
          'the updater has come to no end in this time; it goes on by itself: systemctl status cartwright-update.path cartwright-update, then scripts/cartwright update',
        );
      }
      await sleep(lookEveryMs);
    }
  }

  #tell({ what, version = '' }: Happening): void {
    if (this.#quiet || what === 'refused') return;
    const words = what === 'began' ? 'began; it is watched for a minute or more' : what;
    process.stdout.write(printableLines(`release ${version}: ${words}\n`));
  }
}

function describe({ good, before, staged, trial, failed }: UpdaterState): string {
  const lines = [
    `in service: ${trial?.version ?? good}${trial === undefined ? '' : ` (on trial; ${good} is the good one)`}`,
    `before it:  ${before ?? 'none'}`,
    ...(staged === undefined ? [] : [`waits here: ${staged.version}`]),
    ...failed.map(({ version, code, why }) => `failed:     ${version} ${code} ${why}`),
  ];
  return `${lines.join('\n')}\n`;
}
