import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PublicKey, readPublicPem } from '#identity/keys.ts';
import { UpdateError } from '../errors.ts';
import { entriesFolder, readEntryName } from './loader-entry.ts';
import { partitionNames, runningSlot, type Slot } from './slot.ts';

/** Where things lie on a device that an image was written to. */
export interface SlotPlaces {
  /** The boot partition (FAT). */
  readonly boot: string;
  /** The data partition. */
  readonly data: string;
  readonly state: string;
  /** Why the deadline gave a root up that nobody judged. */
  readonly givenUp: string;
  /** Folder of links to partitions by their GPT names, and by their PARTUUIDs. */
  readonly byName: string;
  readonly byId: string;
  readonly commandLine: string;
  /** What root is in service: version and time. */
  readonly imageFacts: string;
  readonly releaseKeys: string;
  readonly config: string;
  readonly healthy: string;
  /** Link to the release in service. */
  readonly current: string;
}

/** The places below `root`, which is / on a device. */
export function slotPlacesUnder(root: string): SlotPlaces {
  const at = (...parts: string[]) => join(root, ...parts);
  return {
    boot: at('efi'),
    data: at('data'),
    state: at('data/slots/state.json'),
    givenUp: at('data/slots/given-up'),
    byName: at('dev/disk/by-partlabel'),
    byId: at('dev/disk/by-partuuid'),
    commandLine: at('proc/cmdline'),
    imageFacts: at('usr/lib/cartwright/image.json'),
    releaseKeys: at('etc/cartwright/release-keys'),
    config: at('etc/cartwright/cartwright.yaml'),
    healthy: at('run/cartwright/healthy.json'),
    current: at('opt/cartwright/current'),
  };
}

/** The running slot. Rejects with CW-UPD-074 on a machine that no image was written to. */
export async function slotInService(places: SlotPlaces): Promise<Slot> {
  const slot = runningSlot(await readFile(places.commandLine, 'utf8'));
  if (slot !== undefined) return slot;
  throw new UpdateError(
    'CW-UPD-074',
    'this machine was not started from an image of scripts/build-image, and has no second root; update its system as its distribution does (apt-get upgrade)',
  );
}

/** Entries of the boot loader that are Cartwright's, by name. */
export async function entriesOf(
  places: SlotPlaces,
): Promise<{ readonly file: string; readonly text: string }[]> {
  const folder = join(places.boot, entriesFolder);
  const names = (await readdir(folder)).filter((name) => readEntryName(name) !== undefined).sort();
  return await Promise.all(
    names.map(async (file) => ({ file, text: await readFile(join(folder, file), 'utf8') })),
  );
}

/** Link to a partition by its GPT name. */
export function partitionOf(places: SlotPlaces, which: keyof typeof partitionNames): string {
  return join(places.byName, partitionNames[which]);
}

/** Public keys whose roots and releases are taken. Rejects with CW-UPD-035 where there are none. */
export async function trustedKeys(places: SlotPlaces): Promise<PublicKey[]> {
  const names = await readdir(places.releaseKeys).catch(() => []);
  const keys: PublicKey[] = [];
  for (const name of names.filter((file) => file.endsWith('.pem')).sort())
    keys.push(readPublicPem(await readFile(join(places.releaseKeys, name), 'utf8')));
  if (keys.length > 0) return keys;
  throw new UpdateError(
    'CW-UPD-035',
    `${places.releaseKeys} holds no key (*.pem); put the public key of whoever makes roots and releases there`,
  );
}
