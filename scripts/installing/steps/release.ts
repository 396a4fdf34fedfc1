import { chmod, copyFile, mkdir, rename, rm, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, syncFolder } from '#base/atomic-file.ts';
import { describeError, isCoded } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { checkUnpacked, contentsFile, foldersOf } from '#updates/contents.ts';
import { linkedVersion, switchLink } from '#updates/links.ts';
import { placesUnder } from '#updates/places.ts';
import type { UpdaterState } from '#updates/state.ts';
import { readState } from '#updates/state-file.ts';
import { compareVersions } from '#updates/versions.ts';
import { SetupError } from '../errors.ts';
import { at, isThere, type Machine, mustRun, textOf } from '../machine.ts';
import { folder } from '../parts.ts';
import { recordPath } from '../record.ts';
import type { Source } from '../source.ts';
import { type Step, unmakeAll } from '../step.ts';

/** The release in a folder of its version, and the links by which everything finds it. */
export function release(source: Source): Step {
  const { version } = source.contents;
  const home = `/opt/cartwright/releases/${version}`;
  return {
    title: 'release',
    async look(machine) {
      const places = placesUnder(machine.root);
      const [current, good] = [await linkedVersion(places.current), await linkedVersion(places.good)];
      if (current !== undefined && compareVersions(current, version) > 0)
        throw new SetupError(
          'CW-SYS-015',
          `version ${current} is in service here, and this is the older ${version}; to go back use 'cartwright update', or uninstall first`,
        );
      mustBeLeftToSetup(machine, version);
      const plan: string[] = [];
      if (!(await isWhole(machine, home)))
        plan.push(`put release ${version} to ${home} (from ${source.described})`);
      if (current !== version || good !== version)
        plan.push(
          current === undefined
            ? `let 'current' and 'good' lead to it`
            : `put ${version} in place of ${current}`,
        );
      return plan.length === 0 ? { state: 'done', what: `${version} in ${home}` } : { state: 'needed', plan };
    },
    async act(machine) {
      const places = placesUnder(machine.root);
      await machine.record.add('made', '/opt/cartwright');
      const target = join(places.releases, version);
      if (!(await isWhole(machine, home))) {
        await rm(target, { recursive: true, force: true });
        await place(machine, source, target);
      }
      await switchLink(places.good, version);
      await switchLink(places.current, version);
    },
    async undo(machine) {
      const lines: string[] = [];
      for (const name of ['current', 'good', 'releases']) {
        if (!isThere(machine, `/opt/cartwright/${name}`)) continue;
        await rm(at(machine, `/opt/cartwright/${name}`), { recursive: true, force: true });
        lines.push(`removed /opt/cartwright/${name}`);
      }
      await machine.record.remove();
      await rm(at(machine, recordPath), { force: true });
      return [...lines, ...(await unmakeAll(machine, [folder('/opt/cartwright')]))];
    },
  };
}

/** From the first boot on the updater decides what is in service, and would take back what setup did behind its back. */
function mustBeLeftToSetup(machine: Machine, version: string): void {
  const text = textOf(machine, '/var/lib/cartwright-updater/state.json');
  if (text === undefined) return;
  let state: UpdaterState;
  try {
    state = readState(text);
  } catch {
    // Damaged: the updater itself goes by the links then.
    return;
  }
  const { good, trial, undo } = state;
  if (trial === undefined && undo === undefined && good === version) return;
  const found =
    trial === undefined && undo === undefined ? `version ${good} is in service` : 'an update is under way';
  throw new SetupError(
    'CW-SYS-016',
    `${found}, and the updater looks after it: take ${version} into service by 'scripts/cartwright update' (docs/operator/update.md)`,
  );
}

async function isWhole(machine: Machine, home: string): Promise<boolean> {
  return checkUnpacked(at(machine, home)).then(
    () => true,
    () => false,
  );
}

async function place(machine: Machine, source: Source, target: string): Promise<void> {
  try {
    await copyRelease(machine, source, target);
  } catch (cause) {
    const why = isCoded(cause) ? describeError(cause) : plainCause(cause);
    throw new SetupError('CW-SYS-009', `the release can't be put into ${target}: ${why}`, { cause });
  }
}

/** Copies what the list of files names and nothing else, to a folder beside; checked, on the disk, then renamed. */
async function copyRelease(
  machine: Machine,
  { folder: from, contents }: Source,
  target: string,
): Promise<void> {
  const part = join(dirname(target), `.${basename(target)}.part`);
  await rm(part, { recursive: true, force: true });
  await makeFolder(dirname(target), 0o755);
  await mkdir(part, { mode: 0o755 });
  try {
    const paths = [...Object.keys(contents.files), ...Object.keys(contents.links)];
    for (const inside of [...foldersOf(paths)].sort()) {
      await mkdir(join(part, inside));
      await chmod(join(part, inside), 0o755);
    }
    for (const path of [...Object.keys(contents.files), contentsFile])
      await copyFile(join(from, path), join(part, path));
    for (const [path, link] of Object.entries(contents.links)) await symlink(link, join(part, path));
    for (const [path, { executable }] of Object.entries(contents.files))
      await chmod(join(part, path), executable === true ? 0o755 : 0o644);
    await chmod(join(part, contentsFile), 0o644);
    // The clock begins no earlier than this time: that of the release, not of the copy.
    const made = new Date(contents.createdMs);
    await utimes(join(part, contentsFile), made, made);
    await checkUnpacked(part);
    await mustRun(machine, 'sync', ['--file-system', part]);
    await rename(part, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}
