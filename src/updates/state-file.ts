import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { checkUnpacked } from './contents.ts';
import { UpdateError } from './errors.ts';
import { versionPattern } from './facts.ts';
import { linkedVersion } from './links.ts';
import type { Places } from './places.ts';
import { freshState, refuse, type UpdaterState, updaterState } from './state.ts';
import { compareVersions } from './versions.ts';

/** Reads the text of a state. Throws CW-UPD-030. */
export function readState(text: string): UpdaterState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(describeError(cause), cause);
  }
  const result = updaterState.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw damaged(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** Makes a state durable. Rejects with CW-UPD-031; then the one before stands. */
export async function saveState(path: string, state: UpdaterState): Promise<void> {
  try {
    // The gateway reads it, to tell of it.
    await writeFileAtomic(path, `${JSON.stringify(state, null, 1)}\n`, 0o644);
  } catch (cause) {
    throw new UpdateError(
      'CW-UPD-031',
      `${path} can't be written: ${plainCause(cause)}; nothing was begun. Make room, or mount it writable`,
      { cause },
    );
  }
}

/**
 * The state on this device, and what was wrong with the file. Without one that can be read, the good release is where
 * the links lead, or the newest that is complete; the damaged file is kept beside. Rejects with CW-UPD-032.
 */
export async function loadState(
  places: Places,
  atMs: number,
): Promise<{
  readonly state: UpdaterState;
  readonly damage: UpdateError | undefined;
  readonly isNew: boolean;
}> {
  let damage: UpdateError | undefined;
  try {
    return { state: readState(await readFile(places.state, 'utf8')), damage, isNew: false };
  } catch (error) {
    if (error instanceof UpdateError) {
      damage = error;
      await copyFile(places.state, `${places.state}.damaged`).catch(() => undefined);
    } else if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      damage = damaged(plainCause(error), error);
    }
  }
  const state = freshState(await findGood(places), atMs);
  if (damage === undefined) return { state, damage, isNew: true };
  return { isNew: true, state: refuse(state, { code: damage.code, why: damage.message }, atMs), damage };
}

/** Versions whose folder bears a release's name, newest first. */
export async function versionsIn(releases: string): Promise<string[]> {
  const names = await readdir(releases).catch(() => []);
  return names.filter((name) => versionPattern.test(name)).sort((a, b) => compareVersions(b, a));
}

async function findGood(places: Places): Promise<string> {
  const [good, current] = [await linkedVersion(places.good), await linkedVersion(places.current)];
  const candidates = [good, current, ...(await versionsIn(places.releases))];
  for (const version of new Set(candidates)) {
    if (version === undefined) continue;
    const contents = await checkUnpacked(join(places.releases, version)).catch(() => undefined);
    if (contents?.version === version) return version;
  }
  throw new UpdateError(
    'CW-UPD-032',
    `no release below ${places.releases} is complete; run scripts/setup of a release's archive again`,
  );
}

function damaged(why: string, cause?: unknown): UpdateError {
  return new UpdateError(
    'CW-UPD-030',
    `the updater's state can't be read: ${why}; it goes by the links and the releases on the disk, and failures of before are forgotten`,
    { cause },
  );
}
