import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { asOwnerOf } from '#base/as-owner.ts';
import { syncFolder } from '#base/atomic-file.ts';
import { isCoded } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { openCredentials } from '#identity/credentials.ts';
import { outboxFormatAt } from '#uplink/outbox-file.ts';
import { installedConfig } from './config-file.ts';
import { CliError } from './errors.ts';

interface ResetOptions {
  readonly config: string;
  readonly credentials: string;
  readonly yes?: boolean;
  readonly loseEvents?: boolean;
  readonly keepCalibrations?: boolean;
}

/** Of the data folder: a floor of the clock names nobody, and keeps certificates usable. */
const stays = new Set(['clock-floor']);

/** `cartwright factory-reset`: this device belongs to nobody and knows nothing. */
export function registerFactoryReset(program: Command): void {
  program
    .command('factory-reset')
    .description('wipe the identity, the queue and everything learned; software and configuration stay')
    .option('-c, --config <file>', 'configuration', installedConfig)
    .option('--credentials <folder>', 'folder of the credentials', '/etc/cartwright/credentials')
    .option('--keep-calibrations', 'the calibrations stay: the same cells go on')
    .option('--lose-events', 'also where events wait that the store does not have yet')
    .option('--yes', 'do it')
    .addHelpText(
      'after',
      `
Wiped: key, certificate and password; the queue of events; basket, learned masses, audit log, what came from the store (catalogue,
gallery, keys), and calibrations unless --keep-calibrations. Kept: the software, the configuration, the keys of releases, the system's log.
Stop the gateway first (systemctl stop cartwright). An SD card keeps traces of what was deleted: destroy it where that matters, and
revoke the device in any case (authority revoke).

Examples:
  scripts/cartwright factory-reset --keep-calibrations --yes`,
    )
    .action(reset);
}

async function reset(options: ResetOptions): Promise<void> {
  if (options.yes !== true)
    throw new CliError(
      'CW-CLI-001',
      'nothing of it comes back: say --yes (make a backup before: cartwright backup)',
    );
  const data = await dataFolder(options.config);
  // The folder is the gateway's, which may have put anything there.
  const { names, waiting } = await asOwnerOf(data, () => lookInto(data, options));
  if (waiting > 0 && options.loseEvents !== true) {
    throw new CliError(
      'CW-CLI-004',
      `${waiting} events wait that the store does not have: let the gateway deliver them first, or say --lose-events`,
    );
  }
  // The identity first: whatever comes between, this device is nobody's.
  const had = await (await openCredentials(options.credentials)).wipe();
  await asOwnerOf(data, async () => {
    for (const name of names) await rm(join(data, name), { recursive: true, force: true });
    if (names.length > 0) await syncFolder(data);
  });
  process.stdout.write(
    `wiped: ${had ? 'identity, ' : ''}${names.length} entries of ${data}; ${waiting} events were lost\n`,
  );
}

/** What would be wiped of the data folder, and how many events wait in it. */
async function lookInto(data: string, options: ResetOptions) {
  const names = (await readdir(data).catch(() => [])).filter(
    (name) => !stays.has(name) && !(options.keepCalibrations === true && name === 'calibrations'),
  );
  if (names.length > 0 && !names.some((name) => name === 'outbox.sqlite' || name === 'calibrations')) {
    throw new CliError(
      'CW-CLI-004',
      `${data} does not look like the data folder of a gateway; nothing was wiped`,
    );
  }
  return { names, waiting: names.includes('outbox.sqlite') ? waitingEvents(join(data, 'outbox.sqlite')) : 0 };
}

async function dataFolder(config: string): Promise<string> {
  try {
    const value = (parse(await readFile(config, 'utf8')) ?? {}) as Record<string, unknown>;
    return resolve(dirname(config), typeof value.data === 'string' ? value.data : 'data');
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${config} can't be read: ${plainCause(cause)}`, { cause });
  }
}

/** Throws CW-CLI-004 where the gateway still has it open. */
function waitingEvents(path: string): number {
  try {
    outboxFormatAt(path);
    const database = new DatabaseSync(path, { timeout: 2_000 });
    try {
      return Number(database.prepare('SELECT count(*) AS n FROM event').get()?.n ?? 0);
    } finally {
      database.close();
    }
  } catch (cause) {
    if (isCoded(cause) && cause.code === 'CW-UPL-004') {
      throw new CliError(
        'CW-CLI-004',
        'the gateway runs: stop it first (systemctl stop cartwright); nothing was wiped',
        { cause },
      );
    }
    // A queue that can't be read delivers nothing any more.
    return 0;
  }
}
