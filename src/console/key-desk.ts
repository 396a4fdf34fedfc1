import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { openRequest } from '#commands/sealed.ts';
import { type KeyEntry, type KeyList, openKeyList, type Role, sealKeyList } from '#identity/key-list.ts';
import { KeyRing } from '#identity/key-ring.ts';
import { type PrivateKey, publicPem, readPublicKey } from '#identity/keys.ts';
import { storePrefix } from '#uplink/topics.ts';
import { type CodeBook, enrolmentText } from './codes.ts';
import { ConsoleError } from './errors.ts';

/** The store's list of keys as a file, and its next version. */
export interface ListFile {
  read(): Promise<KeyList>;
  /** Writes the next version of `before`, made now, with these keys. */
  writeNext(before: KeyList, keys: readonly KeyEntry[]): Promise<KeyList>;
}

export interface KeyDeskOptions {
  readonly store: string;
  readonly list: ListFile;
  /** The store's root key; without it, requests are written for whoever has it. */
  readonly root: PrivateKey | undefined;
  /** Where requests are written. */
  readonly requestFolder: string;
  readonly codes: CodeBook;
  /** Publishes on `_store/keys`, retained; resolves when the broker has it. */
  readonly publish: (topic: string, bytes: Uint8Array) => Promise<void>;
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** What became of a key that a page has made. */
export interface Enrolment {
  /** `requested`: whoever holds the root key has to add it to the list. */
  readonly status: 'enrolled' | 'requested';
  readonly id: string;
  readonly role: Role;
  readonly who: string;
  /** Of the list that has it. */
  readonly version?: number;
}

const revocation = z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/) });
/** What an operator signs to revoke a key, in the place of a topic. */
export const revocationPlace = (store: string) => `cw/1/${store}/_console/key/revoke`;

/**
 * Changes the store's list of keys for pages: enrols a key for a code, revokes one for an operator's signature. It has no
 * authority of its own: the code was made by whoever runs it, the signature is an operator's, and devices believe the root key.
 */
export class KeyDesk {
  readonly #options: KeyDeskOptions;
  readonly #topic: string;
  #turn: Promise<unknown> = Promise.resolve();
  /** Version on the broker, as far as it was heard. */
  #published = 0;
  readonly #revoked = new Set<string>();

  constructor(options: KeyDeskOptions) {
    this.#options = options;
    this.#topic = `${storePrefix(options.store)}/keys`;
  }

  /** Takes a retained list that came from the broker: an older one than that is never published. Lists of another root key don't count. */
  heard(bytes: Uint8Array): void {
    const { root, log } = this.#options;
    if (root === undefined || bytes.length === 0) return;
    try {
      const { version } = openKeyList(bytes, this.#topic, root.publicKey);
      this.#published = Math.max(this.#published, version);
    } catch (error) {
      log.warn({ error: describeError(error) }, 'the list of keys on the broker is not of this root key');
    }
  }

  /** Publishes the list where the broker has an older one: a console that was ended between writing and publishing goes on. */
  async catchUp(): Promise<void> {
    await this.#inTurn(async () => {
      const list = await this.#options.list.read();
      if (this.#options.root !== undefined && list.version > this.#published) await this.#publish(list);
    });
  }

  /**
   * Enrols the public key `spki` (DER) for the code that `proof` proves; `signature` is by its private half, over the same.
   * Rejects with CW-CON-003, -005 or -007, and with CW-IDN-007 for a key that can't be used.
   */
  async enrol(spki: Uint8Array, proof: Uint8Array, signature: Uint8Array): Promise<Enrolment> {
    const { store, codes, nowMs, log, root } = this.#options;
    const key = readPublicKey(spki);
    if (!key.verify(enrolmentText(store, spki), signature)) {
      throw new ConsoleError('CW-CON-003', 'the page did not prove that it has the private half of the key');
    }
    return await this.#inTurn(async () => {
      const before = await this.#usable();
      const { role, who } = await codes.redeem(spki, proof, nowMs());
      if (before.keys.some((entry) => entry.key.id === key.id)) {
        throw new ConsoleError('CW-CON-003', `key ${key.id} is in the list already; make a new one`);
      }
      log.info({ key: key.id, role, who }, root === undefined ? 'a key is requested' : 'a key is enrolled');
      if (root === undefined)
        return await this.#request({ status: 'requested', id: key.id, role, who }, publicPem(key));
      const next = await this.#options.list.writeNext(before, [...before.keys, { key, role, who }]);
      await this.#publish(next);
      return { status: 'enrolled', id: key.id, role, who, version: next.version };
    });
  }

  /**
   * Revokes the key that an operator's signed request names. Rejects with CW-CON-007 or -008, with CW-IDN-001 to -006 where
   * the signature does not hold, and with CW-CMD-001.
   */
  async revoke(signed: Uint8Array): Promise<{ readonly id: string; readonly version: number }> {
    const { store, nowMs, log, list } = this.#options;
    return await this.#inTurn(async () => {
      const before = await this.#usable();
      const ring = new KeyRing();
      ring.set('store', before);
      ring.revokeToo([...this.#revoked]);
      const now = nowMs();
      const { request, sender } = openRequest(signed, revocationPlace(store), ring, now);
      const { id } = this.#asked(request.args, request.issued, request.expires, now);
      if (sender.role !== 'operator') {
        throw new ConsoleError(
          'CW-CON-008',
          `key ${sender.id} is of role ${sender.role}; keys are revoked by an operator`,
        );
      }
      this.#requireRoot();
      if (!before.keys.some((entry) => entry.key.id === id)) {
        throw new ConsoleError('CW-CON-003', `there is no key ${id} in the list`);
      }
      const keys = before.keys.map((entry) => (entry.key.id === id ? { ...entry, revoked: true } : entry));
      const next = await list.writeNext(before, keys);
      this.#revoked.add(id);
      await this.#publish(next);
      log.info({ key: id, by: sender.id, version: next.version }, 'a key is revoked');
      return { id, version: next.version };
    });
  }

  #asked(args: unknown, issued: number, expires: number, now: number) {
    const minutes = 5 * 60_000;
    if (expires < now || issued > now + minutes || issued < now - minutes) {
      throw new ConsoleError(
        'CW-CON-003',
        'the request is not of now; set the clock of the device that signs',
      );
    }
    const result = revocation.safeParse(args);
    if (!result.success) throw new ConsoleError('CW-CON-003', 'the request needs {id} of a key');
    return result.data;
  }

  #requireRoot(): void {
    if (this.#options.root !== undefined) return;
    throw new ConsoleError(
      'CW-CON-007',
      'this console has no root key; revoke where that is kept (scripts/cartwright key revoke)',
    );
  }

  /** The list as it is now, if a next one would be taken by devices. */
  async #usable(): Promise<KeyList> {
    const list = await this.#options.list.read();
    if (this.#options.root === undefined || list.version >= this.#published) return list;
    throw new ConsoleError(
      'CW-CON-007',
      `the broker has version ${this.#published} of the list of keys, and the file of this console version ${list.version}; give it the newest file`,
    );
  }

  async #publish(list: KeyList): Promise<void> {
    const { root, store, publish } = this.#options;
    if (root === undefined) return;
    try {
      await publish(this.#topic, sealKeyList(list, this.#topic, root));
    } catch (cause) {
      if (isCoded(cause) && cause.code.startsWith('CW-IDN')) throw cause;
      throw new ConsoleError(
        'CW-CON-007',
        `version ${list.version} of the list of keys of ${store} is written, and the broker did not take it; it is published when the console starts again`,
        { cause },
      );
    }
    this.#published = Math.max(this.#published, list.version);
  }

  /** Two files for whoever has the root key: who asks, and the public key. */
  async #request(enrolment: Enrolment, pem: string): Promise<Enrolment> {
    const path = join(this.#options.requestFolder, enrolment.id);
    await writeFileAtomic(`${path}.pem.pub`, pem, 0o644);
    const { id, role, who } = enrolment;
    await writeFileAtomic(
      `${path}.json`,
      `${JSON.stringify({ request: 1, id, role, who, at: new Date(this.#options.nowMs()).toISOString() })}\n`,
    );
    return enrolment;
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return await done;
  }
}
