import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What tells one machine from another: `board` (serial number of the Raspberry Pi or of the PC's board), `network` (burnt-in
 * addresses of its interfaces), `storage` (serial numbers of its cards and disks). Several values may be there of each.
 */
export type HardwareFacts = Readonly<Partial<Record<HardwareKind, readonly string[]>>>;
const kinds = ['board', 'network', 'storage'] as const;
type HardwareKind = (typeof kinds)[number];

/** Facts as they are kept: salted and hashed, so that a file that is copied off the device names no serial number. */
export interface HardwareBinding {
  readonly salt: string;
  readonly board?: readonly string[] | undefined;
  readonly network?: readonly string[] | undefined;
  readonly storage?: readonly string[] | undefined;
}

export interface HardwareMatch {
  /** The identity belongs to this machine. */
  readonly fits: boolean;
  readonly same: readonly HardwareKind[];
  readonly other: readonly HardwareKind[];
}

/** So many facts have to agree, or all where fewer can be compared. */
const mustAgree = 2;

/** Serial numbers that makers leave in their boards. */
const noSerial =
  /^$|^(?:0+|f+|none|n\/a|default string|to be filled by o\.?e\.?m\.?|system serial number|not specified|123456789)$|^[0f-]+$/i;

/** Reads what can be read: some of it only root may. `root` is the folder under which /proc and /sys are looked for. */
export function readHardware(root = '/'): HardwareFacts {
  const text = (...path: readonly string[]): string | undefined => {
    try {
      // The device tree ends its texts with a zero byte.
      const value = readFileSync(join(root, ...path), 'utf8')
        .replaceAll('\0', '')
        .trim()
        .toLowerCase();
      return noSerial.test(value) ? undefined : value;
    } catch {
      return undefined;
    }
  };
  const pi = text('proc/device-tree/serial-number');
  const board =
    pi === undefined ? [text('sys/class/dmi/id/product_uuid'), text('sys/class/dmi/id/board_serial')] : [pi];
  const network = names(join(root, 'sys/class/net')).map((name) => {
    const folder = join('sys/class/net', name);
    const isOwn = isThere(join(root, folder, 'device')) && assignedByHardware(join(root, folder));
    return isOwn ? text(folder, 'address') : undefined;
  });
  const storage = names(join(root, 'sys/block')).map((name) => {
    const folder = join('sys/block', name);
    // A card reader's stick may be anybody's: what is there to stay counts.
    if (text(folder, 'removable') === '1' || !isThere(join(root, folder, 'device'))) return undefined;
    return (
      text(folder, 'device/cid') ??
      text(folder, 'device/serial') ??
      text(folder, 'wwid') ??
      text(folder, 'serial')
    );
  });
  return { ...some('board', board), ...some('network', network), ...some('storage', storage) };
}

/** 0: the address is the hardware's own, not drawn or set (Linux, include/uapi/linux/netdevice.h). */
function assignedByHardware(folder: string): boolean {
  try {
    return readFileSync(join(folder, 'addr_assign_type'), 'utf8').trim() === '0';
  } catch {
    return false;
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function isThere(path: string): boolean {
  try {
    realpathSync(path);
    return true;
  } catch {
    return false;
  }
}

function some(kind: HardwareKind, values: readonly (string | undefined)[]): HardwareFacts {
  const found = [...new Set(values.filter((value) => value !== undefined))].sort();
  return found.length === 0 ? {} : { [kind]: found };
}

/** Binds an identity to these facts. */
export function bindHardware(facts: HardwareFacts, salt = randomBytes(16).toString('hex')): HardwareBinding {
  const hashed = kinds.flatMap((kind) => {
    const values = facts[kind];
    return values === undefined ? [] : [[kind, values.map((value) => hashFact(kind, value, salt))] as const];
  });
  return { salt, ...Object.fromEntries(hashed) };
}

function hashFact(kind: HardwareKind, value: string, salt: string): string {
  return createHash('sha256').update(`cartwright hardware\0${salt}\0${kind}\0${value}`).digest('hex');
}

/**
 * Whether a machine of these facts is the one that the identity was bound to. Of each kind one value that agrees is enough: a
 * second network adapter may come and go. Two kinds have to agree; where only one can be compared (a plain user can't read the
 * serial number of a PC's board), that one. Where nothing can be compared that was bound, it is another machine.
 */
export function matchHardware(binding: HardwareBinding, facts: HardwareFacts): HardwareMatch {
  const bound = kinds.filter((kind) => (binding[kind]?.length ?? 0) > 0);
  const compared = bound.filter((kind) => (facts[kind]?.length ?? 0) > 0);
  const agrees = (kind: HardwareKind) =>
    (facts[kind] ?? []).some((value) =>
      (binding[kind] ?? []).some((hash) => isSame(hash, hashFact(kind, value, binding.salt))),
    );
  const same = compared.filter(agrees);
  const other = compared.filter((kind) => !agrees(kind));
  const needed = Math.min(mustAgree, compared.length);
  return { fits: bound.length === 0 || (compared.length > 0 && same.length >= needed), same, other };
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
