import { existsSync } from 'node:fs';
import { chown, copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder, writeFileAtomic } from '#base/atomic-file.ts';
import { describeError } from '#base/errors.ts';
import { dataWork } from './data-keeper.ts';
import { UpdateError } from './errors.ts';
import type { ReleaseFacts } from './facts.ts';
import type { Places } from './places.ts';
import { run } from './services.ts';

const program = join(import.meta.dirname, 'main.ts');
/** Larger files of the configuration's folder there are none; pictures and catalogues are the store's to give again. */
const largestConfigFile = 4 * 1024 * 1024;
const workWithinMs = 300_000;

/** The folder of what was kept before a trial, by the trial's number. */
const backupOf = (places: Places, number: number) => join(places.own, 'backups', String(number));

/**
 * Keeps configuration, calibrations and the outbox' state before a release is tried; nothing to do where that was done.
 * The gateway does not run. Rejects with CW-UPD-031.
 */
export async function keep(places: Places, number: number): Promise<void> {
  const folder = backupOf(places, number);
  if (existsSync(folder)) return;
  const part = `${folder}.part`;
  await rm(join(places.own, 'backups'), { recursive: true, force: true });
  // What is below belongs to the gateway's user, who has to get there.
  await makeFolder(join(places.own, 'backups'), 0o711);
  await mkdir(join(part, 'config'), { recursive: true, mode: 0o711 });
  for (const name of await configFiles(places.configFolder)) {
    await copyFile(join(places.configFolder, name), join(part, 'config', name));
    await syncPath(join(part, 'config', name));
  }
  await syncFolder(join(part, 'config'));
  if (existsSync(places.data)) {
    await mkdir(join(part, 'data'), { mode: 0o700 });
    const { uid, gid } = await stat(places.data);
    await chown(join(part, 'data'), uid, gid);
    await asOwner(places.data, ['keep-data', places.data, join(part, 'data')]);
  }
  await syncFolder(part);
  await rename(part, folder);
  await syncFolder(join(places.own, 'backups'));
}

/** The formats of this device's data. The gateway does not run. */
export async function foundFormats(places: Places): Promise<ReleaseFacts['formats']> {
  const text = await readFile(places.config, 'utf8').catch(() => '');
  const configuration = Number(/^cartwright:\s*(\d+)/m.exec(text)?.[1] ?? 0);
  if (!existsSync(places.data)) return { configuration, outbox: 0, calibration: 0 };
  const said = await asOwner(places.data, ['formats', places.data]);
  const { outbox, calibration } = JSON.parse(said) as ReleaseFacts['formats'];
  return { configuration, outbox, calibration };
}

/**
 * After a trial that failed: brings data back that the older release can't read. First the newer release is asked to write
 * it in the older form, which loses nothing; where it can't, what was kept is put back. Answers what was done, in words.
 */
export async function restore(
  places: Places,
  {
    number,
    from,
    formats,
  }: {
    readonly number: number;
    /** The release that failed. */
    readonly from: string;
    /** What the release reads that goes on. */
    readonly formats: ReleaseFacts['formats'];
  },
): Promise<readonly string[]> {
  const notes: string[] = [];
  const kept = backupOf(places, number);
  const found = await foundFormats(places);
  if (found.configuration > formats.configuration && existsSync(join(kept, 'config'))) {
    for (const name of await configFiles(join(kept, 'config'))) {
      const target = join(places.configFolder, name);
      const text = await readFile(join(kept, 'config', name));
      const newer = await readFile(target).catch(() => undefined);
      if (newer?.equals(text) === true) continue;
      if (newer !== undefined) await copyFile(target, `${target}.newer`);
      const {
        mode = 0o640,
        uid = 0,
        gid = 0,
      } = await stat(target).catch(() => ({}) as { mode?: number; uid?: number; gid?: number });
      await writeFileAtomic(target, text, mode & 0o777);
      await chown(target, uid, gid);
    }
    notes.push('the configuration is the one of before the update');
  }
  if (!existsSync(places.data)) return notes;
  if (found.outbox > formats.outbox) await lower(places, from, formats.outbox);
  const wanted = JSON.stringify({ outbox: formats.outbox, calibration: formats.calibration });
  const said = await asOwner(places.data, ['restore-data', places.data, join(kept, 'data'), wanted]);
  return [...notes, ...(JSON.parse(said) as string[])];
}

/** Forgets what was kept: the release is good, or all is as it was. */
export async function forget(places: Places): Promise<void> {
  await rm(join(places.own, 'backups'), { recursive: true, force: true });
}

/**
 * Does a piece of work on the gateway's folder as the user whose folder it is: what that user may have put there, links
 * to other files say, then reaches no further than that user does.
 */
async function asOwner(data: string, args: readonly string[]): Promise<string> {
  const { uid, gid } = await stat(data);
  const work = dataWork[args[0] ?? ''];
  if (process.getuid?.() === uid && work !== undefined) return await work(args.slice(1)).catch(failed);
  const { code, said } = await run(process.execPath, [program, ...args], {
    uid,
    gid,
    withinMs: workWithinMs,
  });
  return code === 0 ? said : failed(said.slice(-500) || `${args[0]} ended with ${code}`);
}

function failed(cause: unknown): never {
  throw new UpdateError(
    'CW-UPD-031',
    `the gateway's data could not be looked after: ${describeError(cause)}; nothing was changed`,
    { cause },
  );
}

/** The newer release writes what it has migrated in the older form; whether it can is seen afterwards. */
async function lower(places: Places, from: string, outbox: number): Promise<void> {
  const newer = join(places.releases, from);
  const { uid, gid } = await stat(places.data);
  const owner = process.getuid?.() === uid ? {} : { uid, gid };
  const main = join(newer, 'src/updates/main.ts');
  await run(join(newer, 'node_modules/.bin/node'), [main, 'lower-data', places.data, String(outbox)], {
    ...owner,
    withinMs: workWithinMs,
  });
}

async function configFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
  return files.filter((_, index) => (sizes[index] ?? 0) <= largestConfigFile);
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
