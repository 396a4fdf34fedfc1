import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { openRequest } from '#commands/sealed.ts';
import { type KeyEntry, type KeyList, openKeyList, roles, sealKeyList } from '#identity/key-list.ts';
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
  /** Resolves after so long. */
  readonly wait: (ms: number) => Promise<unknown>;
  readonly log: Logger;
}

/** A broker that has a retained list sends it within so long of the subscription. */
const heardWithinMs = 2_000;

/** What became of a key that a page has made. */
export interface Enrolment {
  /** `requested`: whoever holds the root key has to add it to the list. */
  readonly status: 'enrolled' | 'requested';
  readonly id: string;
  readonly role: string;
  readonly who: string;
  /** Of the list that has it. */
  readonly version?: number;
  /** False where the list is written and the broker did not take it yet: it is published when the broker is back. */
  readonly published?: boolean;
}

const revocation = z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/) });
const requestFile = z.object({ role: z.enum(roles), who: z.string() });
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
  #heardIt = Promise.withResolvers<void>();
  /** Until then nobody knows what the broker has. */
  #listening: Promise<unknown> = Promise.resolve();
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
      this.#heardIt.resolve();
    } catch (error) {
      log.warn({ error: describeError(error) }, 'the list of keys on the broker is not of this root key');
    }
  }

  /**
   * The topic of the list was subscribed to, for the first time or again: listens for what the broker has retained, and
   * publishes the list where that is older or none. A console that was ended between writing and publishing goes on so, and
   * one with an old file never puts it over a newer list.
   */
  async subscribed(): Promise<void> {
    this.#heardIt = Promise.withResolvers<void>();
    this.#listening = Promise.race([this.#heardIt.promise, this.#options.wait(heardWithinMs)]);
    await this.#inTurn(async () => {
      const list = await this.#options.list.read();
      if (list.version > this.#published) await this.#publish(list);
    });
  }

  /**
   * Enrols the public key `spki` (DER) for the code that `proof` proves; `signature` is by its private half, over the same.
   * Who asks again for the same key, as after an answer that was lost, hears what became of it. Rejects with CW-CON-003, -005 or -007, and with CW-IDN-007 for a key that can't be used.
   */
  async enrol(spki: Uint8Array, proof: Uint8Array, signature: Uint8Array): Promise<Enrolment> {
    const { store, codes, nowMs, log, root } = this.#options;
    const key = readPublicKey(spki);
    if (!key.verify(enrolmentText(store, spki), signature)) {
      throw new ConsoleError('CW-CON-003', 'the page did not prove that it has the private half of the key');
    }
    return await this.#inTurn(async () => {
      const before = await this.#usable();
      const already = await this.#already(key.id, before);
      if (already !== undefined) return already;
      const { role, who } = await codes.redeem(spki, proof, nowMs());
      log.info({ key: key.id, role, who }, root === undefined ? 'a key is requested' : 'a key is enrolled');
      if (root === undefined)
        return await this.#request({ status: 'requested', id: key.id, role, who }, publicPem(key));
      const next = await this.#options.list.writeNext(before, [...before.keys, { key, role, who }]);
      return await this.#enrolled({ id: key.id, role, who, version: next.version }, next);
    });
  }

  /**
   * Revokes the key that an operator's signed request names; one that is revoked already stays so. Rejects with CW-CON-007 or -008, with CW-IDN-001 to -006 where
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
      const isRevoked = before.keys.some((entry) => entry.key.id === id && entry.revoked === true);
      const keys = before.keys.map((entry) => (entry.key.id === id ? { ...entry, revoked: true } : entry));
      const next = isRevoked ? before : await list.writeNext(before, keys);
      this.#revoked.add(id);
      if (!isRevoked || next.version > this.#published) await this.#publish(next);
      const { version } = next;
      log.info(
        { key: id, by: sender.id, version },
        isRevoked ? 'a key was revoked already' : 'a key is revoked',
      );
      return { id, version };
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
    throw this.#isOlder(list);
  }

  #isOlder({ version }: KeyList): ConsoleError {
    return new ConsoleError(
      'CW-CON-007',
      `the broker has version ${this.#published} of the list of keys, and the file of this console version ${version}; give it the newest file`,
    );
  }

  /** What became of a key that was asked for before: its answer was lost, or it is asked for twice. */
  async #already(id: string, list: KeyList): Promise<Enrolment | undefined> {
    const entry = list.keys.find(({ key }) => key.id === id);
    if (entry?.revoked === true)
      throw new ConsoleError('CW-CON-003', `key ${id} has been revoked; make a new one`);
    if (entry !== undefined) {
      const found = { id, role: entry.role, who: entry.who ?? '', version: list.version };
      if (list.version <= this.#published) return { status: 'enrolled', ...found };
      return await this.#enrolled(found, list);
    }
    return this.#options.root === undefined ? await this.#requested(id) : undefined;
  }

  /** The key is in the list for good, whether the broker takes that now or later. */
  async #enrolled(entry: Omit<Enrolment, 'status' | 'published'>, list: KeyList): Promise<Enrolment> {
    try {
      await this.#publish(list);
    } catch (error) {
      if (!isCoded(error) || error.code !== 'CW-CON-007') throw error;
      this.#options.log.warn({ error: describeError(error) }, 'a key is enrolled, and not published yet');
      return { status: 'enrolled', ...entry, published: false };
    }
    return { status: 'enrolled', ...entry };
  }

  async #publish(list: KeyList): Promise<void> {
    const { root, store, publish } = this.#options;
    if (root === undefined) return;
    const sealed = sealKeyList(list, this.#topic, root);
    // What the broker has may have become newer while the list was written.
    if (list.version <= this.#published) throw this.#isOlder(list);
    try {
      await publish(this.#topic, sealed);
    } catch (cause) {
      throw new ConsoleError(
        'CW-CON-007',
        `version ${list.version} of the list of keys of ${store} is written, and the broker did not take it; it is published when the broker is back`,
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

  /** What was requested for this key before. */
  async #requested(id: string): Promise<Enrolment | undefined> {
    const text = await readFile(join(this.#options.requestFolder, `${id}.json`), 'utf8').catch(() => 'null');
    const found = requestFile.safeParse(JSON.parse(text));
    return found.success ? { status: 'requested', id, ...found.data } : undefined;
  }

  /** One after the other, and none before it is known what the broker has. */
  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#turn.then(() => this.#listening).then(work);
    this.#turn = done.catch(() => {});
    return await done;
  }
}
