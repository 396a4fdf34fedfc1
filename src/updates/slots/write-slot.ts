import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { syncFolder } from '#base/atomic-file.ts';
import { plainCause } from '#base/system-error.ts';
import { UpdateError } from '../errors.ts';
import { mustRunOn } from '../manifest.ts';
import { readReport, reportAt } from '../watch.ts';
import {
  entriesFolder,
  entryText,
  kernelFolder,
  readEntry,
  readEntryName,
  trialFile,
} from './loader-entry.ts';
import {
  checkWritten,
  extractPart,
  openRootArchive,
  type RootArchive,
  writeFileSystem,
} from './root-archive.ts';
import { otherThan, type Slot } from './slot.ts';
import { entriesOf, partitionOf, type SlotPlaces, slotInService, trustedKeys } from './slot-places.ts';
import { readSlotState, type SlotState, withHappening, writeSlotState } from './slot-state.ts';

interface WriteOptions {
  /** Node.js' name of this machine's processor. */
  readonly arch: string;
  readonly nowMs: number;
  /** Takes one that is older than the root in service. */
  readonly older: boolean;
  /** Takes one that failed here before. */
  readonly again: boolean;
  readonly log: (line: string) => void;
}

/**
 * Writes a signed root into the slot that does not run, and lets the boot loader try it next. Until the very last step, a
 * file that appears on the boot partition, nothing but the slot in service can be started; so it may be cut anywhere and
 * done again. Rejects with CW-UPD-035, -070 to -078.
 */
export async function writeSlot(places: SlotPlaces, path: string, options: WriteOptions): Promise<Slot> {
  const { log } = options;
  const running = await slotInService(places);
  const target = otherThan(running);
  const archive = await openRootArchive(path, await trustedKeys(places));
  const { manifest } = archive;
  mustRunOn(manifest, options.arch);
  const state = await readSlotState(places.state);
  await mustBeSettled(places, state, running);
  await mustBeWanted(places, state, archive, options);
  const before = await healthBefore(places);
  log(`Root ${manifest.version} goes into slot ${target}; slot ${running} stays in service`);
  const known = (await entriesOf(places)).map(({ file, text }) => ({ file, ...readEntry(text) }));
  await forget(places, target);
  await writePartition(places, archive, target, log);
  await rm(join(places.data, 'slots', target), { recursive: true, force: true });
  log('Writing the kernel');
  await writeKernel(places, archive, target);
  const root = { slot: target, back: running, version: manifest.version };
  const sha256 = manifest.fileSystem.unpacked.sha256;
  await writeSlotState(places.state, {
    ...withHappening(state, { atMs: options.nowMs, what: 'written', ...root }),
    trial: { ...root, sha256, sinceMs: options.nowMs, ...before },
  });
  await offer(places, target, {
    version: manifest.version,
    generation: Math.max(0, ...known.map(({ generation }) => generation)) + 1,
    kernelWords: known.find(({ file }) => readEntryName(file)?.slot === running)?.kernelWords ?? [],
  });
  log(`Root ${manifest.version} is tried at the next start of the machine`);
  return target;
}

/** While a root is on trial there is nothing safe to go back to but the other slot. */
async function mustBeSettled(places: SlotPlaces, state: SlotState, running: Slot): Promise<void> {
  const counted = (await entriesOf(places))
    .map(({ file }) => readEntryName(file))
    .find((name) => name?.slot === running && name.triesLeft !== undefined);
  if (counted === undefined && state.trial?.slot !== running) return;
  throw new UpdateError(
    'CW-UPD-075',
    `the root in slot ${running} is on trial itself; wait until it is found to be good (scripts/build-image --slot-status)`,
  );
}

async function mustBeWanted(
  places: SlotPlaces,
  state: SlotState,
  { manifest }: RootArchive,
  { older, again }: WriteOptions,
): Promise<void> {
  const failed = state.failed.findLast(({ sha256 }) => sha256 === manifest.fileSystem.unpacked.sha256);
  if (failed !== undefined && !again) {
    throw new UpdateError(
      'CW-UPD-077',
      `root ${manifest.version} was taken back on this device before: ${failed.why}; --again tries it all the same`,
    );
  }
  const facts = JSON.parse(await readFile(places.imageFacts, 'utf8')) as { createdMs?: number };
  if (manifest.createdMs < (facts.createdMs ?? 0) && !older) {
    throw new UpdateError(
      'CW-UPD-078',
      `root ${manifest.version} is older than the one in service; --older takes it all the same`,
    );
  }
}

/** What of the gateway's health can be asked of the new root: no more than there was before. Rejects with CW-UPD-076. */
async function healthBefore(places: SlotPlaces): Promise<{ brokerAway: boolean; gatewayAway: boolean }> {
  const isConfigured = await readFile(places.config).then(
    () => true,
    () => false,
  );
  if (!isConfigured) return { brokerAway: true, gatewayAway: true };
  const checks = readReport((await reportAt(places.healthy)) ?? '')?.checks;
  if (checks?.sensors === true && checks.fusion) return { brokerAway: !checks.broker, gatewayAway: false };
  throw new UpdateError(
    'CW-UPD-076',
    'the gateway is not healthy now, so that nothing could tell whether a new root is good; put it in order first (scripts/cartwright doctor)',
  );
}

/** Takes away the entries of a slot, so that it can't be started from now on. */
export async function forget(places: SlotPlaces, slot: Slot): Promise<void> {
  const folder = join(places.boot, entriesFolder);
  for (const { file } of await entriesOf(places))
    if (readEntryName(file)?.slot === slot) await rm(join(folder, file));
  await syncFolder(folder);
}

async function writePartition(
  places: SlotPlaces,
  archive: RootArchive,
  slot: Slot,
  log: (line: string) => void,
): Promise<void> {
  const partition = await realpath(partitionOf(places, slot)).catch((cause: unknown) => {
    throw new UpdateError(
      'CW-UPD-074',
      `the partition of slot ${slot} is not there: ${plainCause(cause)}; write a new image to the card`,
      { cause },
    );
  });
  const { unpacked } = archive.manifest.fileSystem;
  // Exclusive: refused for a partition that is mounted.
  const file = await open(partition, constants.O_RDWR | constants.O_EXCL);
  try {
    const size = (await file.stat()).isBlockDevice() ? await lengthOf(partition) : (await file.stat()).size;
    if (size < unpacked.bytes) {
      throw new UpdateError(
        'CW-UPD-079',
        `root ${archive.manifest.version} needs a partition of ${unpacked.bytes} bytes, and that of slot ${slot} has ${size}; write a new image to the card`,
      );
    }
    log(`Writing ${Math.round(unpacked.bytes / 1e6)} MB to ${basename(partition)}`);
    await writeFileSystem(archive, file);
    await file.sync();
  } finally {
    await file.close();
  }
  log('Reading it back');
  await checkWritten(partition, archive.manifest);
}

/** Length of a block device, bytes, as the kernel says it in sysfs (in sectors of 512). */
async function lengthOf(device: string): Promise<number> {
  return Number(await readFile(join('/sys/class/block', basename(device), 'size'), 'utf8')) * 512;
}

/** Files on FAT can't be replaced in one step with their folder: each is written beside, synced, and renamed. */
async function writeKernel(places: SlotPlaces, archive: RootArchive, slot: Slot): Promise<void> {
  const folder = join(places.boot, kernelFolder(slot));
  // What the slot held before goes first: there is room on the boot partition for two kernels, not for three.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const part of ['linux', 'initrd'] as const) {
    await extractPart(archive, part, join(folder, `${part}.new`));
    await rename(join(folder, `${part}.new`), join(folder, part));
  }
  await syncFolder(folder);
}

/** The one step that changes what is started next. */
async function offer(
  places: SlotPlaces,
  slot: Slot,
  entry: { readonly version: string; readonly generation: number; readonly kernelWords: readonly string[] },
): Promise<void> {
  const text = entryText({
    ...{ slot, ...entry },
    rootId: await partitionId(places, partitionOf(places, slot)),
    dataId: await partitionId(places, partitionOf(places, 'data')),
  });
  const folder = join(places.boot, entriesFolder);
  const fresh = join(folder, `${trialFile(slot)}.new`);
  await writeFile(fresh, text, { flush: true });
  await rename(fresh, join(folder, trialFile(slot)));
  await syncFolder(folder);
}

/** PARTUUID of a partition: the name of the link to the same device. */
async function partitionId(places: SlotPlaces, link: string): Promise<string> {
  const device = await realpath(link);
  for (const id of await readdir(places.byId))
    if (basename(await readlink(join(places.byId, id))) === basename(device)) return id;
  throw new UpdateError('CW-UPD-074', `${link} has no PARTUUID; write a new image to the card`);
}
