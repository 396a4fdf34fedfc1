import { createHash } from 'node:crypto';
import { partitionNames } from '#updates/slots/slot.ts';

export const sectorBytes = 512;
export const mebibyte = 1 << 20;
const alignment = mebibyte / sectorBytes;
/** Header and table of the second GPT, at the end of the disk. */
const backupSectors = 33;

/** What a disk is divided into, MiB. */
export interface Sizes {
  readonly boot: number;
  /** Each of the two roots. */
  readonly root: number;
  /** In the file; the device makes it as large as its disk. */
  readonly data: number;
}

export interface Partition {
  readonly name: string;
  readonly role: keyof typeof partitionNames;
  /** GPT type. */
  readonly type: string;
  readonly id: string;
  readonly startSector: number;
  readonly sectors: number;
}

export interface Table {
  readonly id: string;
  readonly sectors: number;
  readonly partitions: readonly Partition[];
}

/** GPT types: EFI system partition, and Linux data (not that of roots, so that no generator mounts the wrong one). */
const types = {
  boot: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
} as const;

/** A UUID that is the same for the same words (RFC 9562, version 8). */
export function derivedUuid(...words: readonly string[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(words)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Lays out the partitions, each at a whole MiB; data comes last, so that it can grow. */
export function layOut(sizes: Sizes, seed: string): Table {
  let next = alignment;
  const roles = ['boot', 'a', 'b', 'data'] as const;
  const partitions = roles.map((role): Partition => {
    const mebibytes = role === 'a' || role === 'b' ? sizes.root : sizes[role];
    const sectors = mebibytes * alignment;
    const startSector = next;
    next += sectors;
    return {
      ...{ role, name: partitionNames[role], type: role === 'boot' ? types.boot : types.linux },
      ...{ id: derivedUuid(seed, 'partition', role), startSector, sectors },
    };
  });
  // The second table ends the file, rounded up so that the file is of whole MiB too.
  const sectors = Math.ceil((next + backupSectors) / alignment) * alignment;
  return { id: derivedUuid(seed, 'disk'), sectors, partitions };
}

/** The table in the words of `sfdisk`. */
export function sfdiskScript(table: Table): string {
  return [
    'label: gpt',
    `label-id: ${table.id}`,
    'unit: sectors',
    `sector-size: ${sectorBytes}`,
    'first-lba: 34',
    `last-lba: ${table.sectors - backupSectors - 1}`,
    '',
    ...table.partitions.map(
      ({ name, type, id, startSector, sectors }) =>
        `start=${startSector}, size=${sectors}, type=${type}, uuid=${id}, name="${name}"`,
    ),
    '',
  ].join('\n');
}

/** MiB that a file system of so many bytes and files takes: ext4's tables, and a tenth for what fills no block. */
export function roomFor(bytes: number, files: number): number {
  const blocks = bytes * 1.06 + files * (256 + 2_048) + 24 * mebibyte;
  return Math.ceil(blocks / mebibyte);
}

/** The partition of a role. */
export function partitionFor(table: Table, role: Partition['role']): Partition {
  const found = table.partitions.find((partition) => partition.role === role);
  if (found === undefined) throw new TypeError(`the table has no partition ${role}`);
  return found;
}
