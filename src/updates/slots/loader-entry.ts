import { type Slot, slots, trialBoots } from './slot.ts';

/** What an entry of the boot loader says of a slot. */
interface LoaderEntry {
  readonly slot: Slot;
  /** Version of the root in it, for people. */
  readonly version: string;
  /** Counts the roots that were ever written to this disk: the boot loader takes the highest that has tries left. */
  readonly generation: number;
  /** PARTUUIDs of the slot's own partition and of the data partition. */
  readonly rootId: string;
  readonly dataId: string;
  /** Further words for the kernel: the machine's own, such as its console. */
  readonly kernelWords: readonly string[];
}

/** How far a slot is on trial, as the boot loader keeps it in the name of the entry's file. */
interface EntryName {
  readonly slot: Slot;
  /** Undefined where nothing is counted: the slot was found to be good. */
  readonly triesLeft: number | undefined;
  readonly triesDone: number;
}

/** Folder of a slot's kernel on the boot partition. */
export function kernelFolder(slot: Slot): string {
  return `cartwright/${slot}`;
}

/** Folder of the entries on the boot partition. */
export const entriesFolder = 'loader/entries';

/**
 * Name of an entry's file, as the Boot Loader Specification counts tries: `cartwright-b+3.conf` on trial,
 * `cartwright-b.conf` once it is good.
 */
export function entryFile(slot: Slot, triesLeft: number | undefined = undefined): string {
  return `cartwright-${slot}${triesLeft === undefined ? '' : `+${triesLeft}`}.conf`;
}

/** Reads such a name; undefined for files of others. */
export function readEntryName(name: string): EntryName | undefined {
  const match = /^cartwright-([ab])(?:\+(\d{1,3})(?:-(\d{1,3}))?)?\.conf$/.exec(name);
  const slot = slots.find((known) => known === match?.[1]);
  if (match === null || slot === undefined) return undefined;
  return {
    slot,
    triesLeft: match[2] === undefined ? undefined : Number(match[2]),
    triesDone: Number(match[3] ?? 0),
  };
}

/**
 * Text of an entry (Boot Loader Specification, type #1). `version` orders entries, so the newest root comes first; one
 * whose tries are used up comes last whatever its version.
 */
export function entryText(entry: LoaderEntry): string {
  const options = [
    `root=PARTUUID=${entry.rootId}`,
    'rootfstype=ext4',
    // Never written to while it runs: a power cut finds nothing half-done, and the card is spared.
    'ro',
    `cartwright.slot=${entry.slot}`,
    `cartwright.data=PARTUUID=${entry.dataId}`,
    // A kernel that panics and an initramfs that finds no root start the machine anew, which counts a try.
    'panic=10',
    ...entry.kernelWords,
  ];
  return [
    `title Cartwright ${entry.version} (${entry.slot})`,
    'sort-key cartwright',
    `version ${entry.generation}`,
    `linux /${kernelFolder(entry.slot)}/linux`,
    `initrd /${kernelFolder(entry.slot)}/initrd`,
    `options ${options.join(' ')}`,
    '',
  ].join('\n');
}

/** What is read back of an entry: its generation, and the words for the kernel that belong to the machine. */
export function readEntry(text: string): Pick<LoaderEntry, 'generation' | 'kernelWords' | 'version'> {
  const settingOf = (key: string) => new RegExp(`^${key}[ \\t]+(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const own = /^(?:root=|rootfstype=|ro$|cartwright\.(?:slot|data)=|panic=)/;
  const generation = Number(settingOf('version'));
  return {
    generation: Number.isSafeInteger(generation) && generation > 0 ? generation : 0,
    kernelWords: settingOf('options')
      .split(/\s+/)
      .filter((word) => word !== '' && !own.test(word)),
    version: /^Cartwright (\S+) \([ab]\)$/.exec(settingOf('title'))?.[1] ?? '',
  };
}

/**
 * Which entry the boot loader takes, by its own order (systemd-boot 252): those without tries left last, then the highest
 * version, and of equal ones the later name. For reports and tests; the boot loader decides by itself.
 */
export function firstToBoot(
  entries: readonly { readonly file: string; readonly text: string }[],
): Slot | undefined {
  const known = entries.flatMap(({ file, text }) => {
    const name = readEntryName(file);
    return name === undefined ? [] : [{ ...name, generation: readEntry(text).generation }];
  });
  const isBad = (name: EntryName) => name.triesLeft === 0;
  known.sort(
    (one, two) =>
      Number(isBad(one)) - Number(isBad(two)) ||
      two.generation - one.generation ||
      two.slot.localeCompare(one.slot),
  );
  return known[0]?.slot;
}

/** Name of the entry's file of a root that was just written. */
export function trialFile(slot: Slot): string {
  return entryFile(slot, trialBoots);
}
