import { fits, type Sign1 } from './cose.ts';
import { IdentityError } from './errors.ts';
import type { KeyEntry, KeyList } from './key-list.ts';

/** Who signed, as the list of keys knows it. */
export interface Signer {
  /** Id of the key. */
  readonly id: string;
  readonly role: string;
  /** Number of who holds it. */
  readonly who?: string;
}

/** What became different from one list to the next, by id of the key. */
interface KeyChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly revoked: readonly string[];
  /** Another role, number or validity. */
  readonly changed: readonly string[];
}

export type KeySource = 'file' | 'store';

/**
 * The keys that this device believes: those of its own file, and those of the store's signed list. What either revokes is
 * revoked; where both know a key, the store's word on its role counts.
 */
export class KeyRing {
  readonly #lists = new Map<KeySource, KeyList>();
  #withoutList: ReadonlySet<string> = new Set();
  /** All lists in one, until one of them changes. */
  #joined: ReadonlyMap<string, KeyEntry> | undefined;

  /** Puts a list in force, in place of the one from there; without one, that one's keys are gone. */
  set(source: KeySource, list: KeyList | undefined): void {
    if (list === undefined) this.#lists.delete(source);
    else this.#lists.set(source, list);
    this.#joined = undefined;
  }

  /** Keys, by id, that are revoked by a list which is not at hand: they don't count, whatever the lists here say. */
  revokeToo(ids: readonly string[]): void {
    this.#withoutList = new Set(ids);
    this.#joined = undefined;
  }

  list(source: KeySource): KeyList | undefined {
    return this.#lists.get(source);
  }

  /** Keys that are not revoked. */
  get size(): number {
    return [...this.#merged().values()].filter(({ revoked }) => revoked !== true).length;
  }

  /**
   * Who signed this for the place that `externalAad` names. Without a clock (`nowMs` undefined), the dates of a key are
   * held against the newest list: it is later than that. Throws CW-IDN-002 to -006.
   */
  verify(message: Sign1, externalAad: Uint8Array, nowMs: number | undefined): Signer {
    const entry = this.#merged().get(message.keyId);
    if (entry === undefined) {
      const known =
        this.#lists.size === 0 ? 'this device has no list of keys' : 'it is not in the list of keys';
      throw new IdentityError(
        'CW-IDN-002',
        `key ${message.keyId} is not known: ${known}; add its public half (scripts/cartwright key add)`,
      );
    }
    if (!fits(message, externalAad, entry.key)) {
      throw new IdentityError(
        'CW-IDN-003',
        `the signature of key ${message.keyId} does not fit ${Buffer.from(externalAad).toString()}: it was made for another device, another command or another content`,
      );
    }
    this.#requireValid(entry, nowMs);
    const { key, role, who } = entry;
    return { id: key.id, role, ...(who === undefined ? {} : { who }) };
  }

  #requireValid({ key, revoked, validFrom, validTo }: KeyEntry, nowMs: number | undefined): void {
    if (revoked === true) {
      throw new IdentityError('CW-IDN-004', `key ${key.id} has been revoked; sign with another one`);
    }
    const atLeastMs = Math.max(0, ...[...this.#lists.values()].map(({ issued }) => issued));
    const now = nowMs ?? atLeastMs;
    if (validTo !== undefined && validTo < now) {
      throw new IdentityError(
        'CW-IDN-005',
        `key ${key.id} was valid until ${new Date(validTo).toISOString()}; sign with another one, or renew it`,
      );
    }
    // What is not valid yet by a list's own date may be by now.
    if (nowMs !== undefined && validFrom !== undefined && validFrom > nowMs) {
      throw new IdentityError(
        'CW-IDN-006',
        `key ${key.id} is valid from ${new Date(validFrom).toISOString()}; sign with another one until then`,
      );
    }
  }

  #merged(): ReadonlyMap<string, KeyEntry> {
    if (this.#joined !== undefined) return this.#joined;
    const merged = new Map<string, KeyEntry>();
    for (const source of ['file', 'store'] as const) {
      for (const entry of this.#lists.get(source)?.keys ?? []) {
        const { id } = entry.key;
        const isRevoked =
          entry.revoked === true || merged.get(id)?.revoked === true || this.#withoutList.has(id);
        merged.set(id, { ...entry, revoked: isRevoked });
      }
    }
    this.#joined = merged;
    return merged;
  }
}

/** What the list `after` changes of the list `before`. */
export function compareKeys(before: KeyList | undefined, after: KeyList | undefined): KeyChanges {
  const old = new Map((before?.keys ?? []).map((entry) => [entry.key.id, entry]));
  const now = new Map((after?.keys ?? []).map((entry) => [entry.key.id, entry]));
  const kept = [...now].flatMap(([id, entry]) => {
    const was = old.get(id);
    return was === undefined ? [] : [{ id, was, entry }];
  });
  const isRevoked = ({ revoked }: KeyEntry) => revoked === true;
  return {
    added: [...now.keys()].filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !now.has(id)),
    revoked: kept.flatMap(({ id, was, entry }) => (isRevoked(entry) && !isRevoked(was) ? [id] : [])),
    changed: kept.flatMap(({ id, was, entry }) => (facts(was) === facts(entry) ? [] : [id])),
  };
}

function facts({ role, who, validFrom, validTo }: KeyEntry): string {
  return JSON.stringify([role, who, validFrom, validTo]);
}
