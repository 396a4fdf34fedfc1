import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '#base/atomic-file.ts';
import { calibrationRecordFormat } from '#calibration/store/record.ts';
import { configFormat } from '#config/migrate.ts';
import { copyOutboxState, lowerOutbox, outboxFormat, outboxFormatAt } from '#uplink/outbox-file.ts';
import type { ReleaseFacts } from './facts.ts';

/** The formats that this version writes; a release's description names them. */
export const ownFormats: ReleaseFacts['formats'] = {
  configuration: configFormat.current,
  outbox: outboxFormat,
  calibration: calibrationRecordFormat,
};

/** Of the gateway's folder, what this room knows of. */
const outboxName = 'outbox.sqlite';
const calibrationsName = 'calibrations';

/** The formats of what lies in the gateway's folder; 0 where there is none of a kind. Nobody else has the outbox open. */
async function dataFormats(data: string): Promise<Pick<ReleaseFacts['formats'], 'outbox' | 'calibration'>> {
  const records = await Promise.all(
    (await filesIn(join(data, calibrationsName)))
      .filter((name) => /^calibration-\d+\.json$/.test(name))
      .map(async (name) => recordFormat(await readFile(join(data, calibrationsName, name), 'utf8'))),
  );
  return {
    outbox: outboxFormatAt(join(data, outboxName)) ?? 0,
    calibration: Math.max(0, ...records),
  };
}

/**
 * Copies what an older release needs to go on, should a newer one have changed it: calibrations, and the state of the
 * outbox. `to` is an empty folder. The gateway does not run.
 */
async function keepData(data: string, to: string): Promise<void> {
  await copyFolder(join(data, calibrationsName), join(to, calibrationsName));
  const copy = join(to, outboxName);
  await rm(copy, { force: true });
  copyOutboxState(join(data, outboxName), copy);
  if (existsSync(copy)) await syncFile(copy);
  await syncFolder(to);
}

/** Brings data that this version wrote into the form that an older release reads. Throws CW-UPL-003 where it can't. */
function lowerData(data: string, outbox: number): void {
  lowerOutbox(join(data, outboxName), outbox);
}

/**
 * Puts back what was kept where the data is of a newer format than `formats`, and answers in words what that did. What
 * is replaced stays beside. Repeated after a power cut it comes to the same.
 */
async function restoreData(
  data: string,
  kept: string,
  formats: Pick<ReleaseFacts['formats'], 'outbox' | 'calibration'>,
): Promise<readonly string[]> {
  const notes: string[] = [];
  const found = await dataFormats(data);
  if (found.outbox > formats.outbox) {
    const aside = await setAside(data, outboxName, ['-wal', '-shm', '']);
    await takeBack(join(kept, outboxName), join(data, outboxName));
    notes.push(
      `the outbox of format ${found.outbox} can't be read by the older release and lies in ${aside}; a new ledger begins, with the state of before`,
    );
  } else if (found.outbox === 0 && existsSync(join(kept, outboxName))) {
    // A power cut came between the two steps above.
    await takeBack(join(kept, outboxName), join(data, outboxName));
  }
  const isEmpty = !existsSync(join(data, calibrationsName));
  if (found.calibration > formats.calibration || (isEmpty && existsSync(join(kept, calibrationsName)))) {
    const aside = isEmpty ? undefined : await setAside(data, calibrationsName, ['']);
    const part = join(data, `.${calibrationsName}.part`);
    await rm(part, { recursive: true, force: true });
    await copyFolder(join(kept, calibrationsName), part);
    if (existsSync(part)) await rename(part, join(data, calibrationsName));
    await syncFolder(data);
    if (aside !== undefined)
      notes.push(`the calibrations are those of before the update; the newer ones lie in ${aside}`);
  }
  return notes;
}

/** What is done on the gateway's folder as its own user: each answers with one line of text. */
export const dataWork: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = {
  async formats([data = '']) {
    return JSON.stringify(await dataFormats(data));
  },
  async 'keep-data'([data = '', to = '']) {
    await keepData(data, to);
    return 'kept';
  },
  async 'lower-data'([data = '', outbox = '']) {
    lowerData(data, Number(outbox));
    return 'lowered';
  },
  async 'restore-data'([data = '', kept = '', formats = '']) {
    const read = JSON.parse(formats) as { outbox: number; calibration: number };
    return JSON.stringify(await restoreData(data, kept, read));
  },
};

async function takeBack(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return;
  const part = `${to}.part`;
  await copyFile(from, part);
  await syncFile(part);
  await rename(part, to);
  await syncFolder(join(to, '..'));
}

/** Moves a file, with those beside it, to a name that is free. */
async function setAside(folder: string, name: string, suffixes: readonly string[]): Promise<string> {
  let number = 1;
  while (suffixes.some((suffix) => existsSync(join(folder, `${name}.newer-${number}${suffix}`)))) number++;
  const target = `${name}.newer-${number}`;
  for (const suffix of suffixes) {
    if (existsSync(join(folder, name + suffix)))
      await rename(join(folder, name + suffix), join(folder, target + suffix));
  }
  await syncFolder(folder);
  return target;
}

function recordFormat(text: string): number {
  const found = /^\{"record":(\d{1,9})[,}]/.exec(text)?.[1];
  return found === undefined ? 0 : Number(found);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

async function copyFolder(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return;
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const name of await filesIn(from)) {
    await copyFile(join(from, name), join(to, name));
    await syncFile(join(to, name));
  }
  await syncFolder(to);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
