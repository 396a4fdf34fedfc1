import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import type { Clock } from '#base/clock.ts';
import { type CodedError, describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { RateLimit } from '#base/rate-limit.ts';
import { plainCause } from '#base/system-error.ts';
import type { AuditFacts } from '#identity/audit-chain.ts';
import { IdentityError } from '#identity/errors.ts';
import { type KeyList, openKeyList, readKeyFile } from '#identity/key-list.ts';
import { compareKeys, KeyRing, type KeySource } from '#identity/key-ring.ts';
import { type PublicKey, readPublicPem } from '#identity/keys.ts';
import { storePrefix } from '#uplink/topics.ts';
import type { Uplink } from '#uplink/uplink.ts';
import type { StateChanges, StoredState } from './state.ts';

/** How often the key file is looked at: what is revoked in it counts within this time. */
const lookEveryUs = 15_000_000;
const stateKeys = { store: 'keys/store', file: 'keys/file' } as const;
/** Ids of keys in a sentence. */
const keyIds = /\b[0-9a-f]{16,}\b/g;
/** The store's list as it came, in the data folder. */
const keptName = 'store-keys.cose';

/** What of a list outlives a restart: its version never goes back, and a change while the device was off is noticed. */
interface Mark {
  readonly version: number;
  /** SHA-256 of the list as it came. */
  readonly sha256: string;
  /** Ids of the keys that the store's list revoked: they stay so where it is lost. Earlier versions didn't keep them. */
  readonly revoked?: readonly string[];
}

/**
 * What was refused from one source. Anybody may be able to write to the store's topic, so that what is put on record is
 * limited: 30 at once, one a minute in the long run.
 */
interface Refusals {
  readonly limit: RateLimit;
  /** The last sentence, without the ids of keys: whoever forges a list takes another one each time. */
  last: string | undefined;
  unrecorded: number;
}

const newRefusals = (): Refusals => ({ limit: new RateLimit(30, 1), last: undefined, unrecorded: 0 });

interface KeyKeeperOptions {
  readonly store: string;
  readonly dataFolder: string;
  readonly keysFile: string | undefined;
  readonly rootKeyFile: string | undefined;
  readonly stored: StoredState;
  readonly clock: Clock;
  readonly log: Logger;
  readonly uplink: Pick<Uplink, 'subscribe'>;
  /** Puts a change on record with the state that follows from it; resolves when both are on disk. */
  readonly record: (facts: AuditFacts, state: StateChanges) => Promise<void>;
}

/**
 * Follows the lists of keys: the device's own file, looked at every quarter of a minute, and the store's signed list on
 * `_store/keys`. A list that can't be used changes nothing, and is told.
 */
export class KeyKeeper {
  readonly ring = new KeyRing();
  readonly #options: KeyKeeperOptions;
  readonly #topic: string;
  #root: PublicKey | undefined;
  #marks: Record<KeySource, Mark | undefined>;
  #fault: IdentityError | undefined;
  readonly #refusals: Record<KeySource, Refusals> = { file: newRefusals(), store: newRefusals() };
  #seen = '';
  /** Lists as the gateway found them: what is not on record yet will be. */
  readonly #found = new Map<KeySource, { readonly list: KeyList; readonly bytes: Uint8Array }>();
  #turn: Promise<void> = Promise.resolve();
  #cancels: (() => void)[] = [];
  #stopped = false;

  /**
   * Reads root key, key file and the store's last list. Rejects with CW-IDN-007 or -008 where file or root key can't be
   * used: a device that is told whom to believe must not start believing less.
   */
  static async open(options: KeyKeeperOptions): Promise<KeyKeeper> {
    const keeper = new KeyKeeper(options);
    const { rootKeyFile, keysFile } = options;
    if (rootKeyFile !== undefined) {
      keeper.#root = readPublicPem((await read(rootKeyFile)).toString('utf8'));
      await keeper.#restore(keeper.#root);
    }
    if (keysFile !== undefined) {
      keeper.#seen = await keeper.#stamp(keysFile);
      const bytes = await read(keysFile);
      keeper.#begin('file', readKeyFile(bytes.toString('utf8')), bytes);
    }
    return keeper;
  }

  private constructor(options: KeyKeeperOptions) {
    this.#options = options;
    this.#topic = `${storePrefix(options.store)}/keys`;
    this.#marks = { file: markIn(options.stored, 'file'), store: markIn(options.stored, 'store') };
  }

  /** Code of why a list that was offered is not taken. */
  get fault(): string | undefined {
    return this.#fault?.code;
  }

  #begin(source: KeySource, list: KeyList, bytes: Uint8Array): void {
    this.ring.set(source, list);
    this.#found.set(source, { list, bytes });
  }

  start(): void {
    const { uplink, keysFile } = this.#options;
    const root = this.#root;
    if (root !== undefined) {
      this.#cancels.push(
        uplink.subscribe('_store/keys', (_topic, payload) =>
          this.#inTurn('store', () => this.#offered(payload, root)),
        ),
      );
    }
    for (const [source, { list, bytes }] of this.#found) {
      const mark = this.#marks[source];
      const isWhole = source === 'file' || mark?.revoked !== undefined;
      if (hashOf(bytes) === mark?.sha256 && isWhole) continue;
      void this.#inTurn(source, () => this.#adopt(source, list, bytes, undefined));
    }
    this.#found.clear();
    if (keysFile !== undefined) this.#lookLater(keysFile);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#cancels.splice(0)) cancel();
    await this.#turn;
  }

  #inTurn(source: KeySource, work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      try {
        await work();
      } catch (error) {
        this.#failed(source, error);
      }
    });
    return this.#turn;
  }

  /**
   * The list that was taken last lies in the data folder; its version and what it revoked are also kept where files are
   * not put back or lost.
   */
  async #restore(root: PublicKey): Promise<void> {
    const path = join(this.#options.dataFolder, keptName);
    try {
      const bytes = await readFile(path);
      const list = openKeyList(bytes, this.#topic, root);
      this.#requireNewer(list, bytes, true);
      this.#begin('store', list, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && this.#marks.store === undefined) return;
      this.ring.revokeToo(this.#marks.store?.revoked ?? []);
      this.#failed(
        'store',
        error,
        'the list of keys that was kept is not used, what it revoked stays revoked; the store has to publish it again',
      );
    }
  }

  async #offered(bytes: Uint8Array, root: PublicKey): Promise<void> {
    // Who clears the topic takes no key back: that would be a way to undo what was revoked.
    if (bytes.length === 0) return;
    const list = openKeyList(bytes, this.#topic, root);
    const before = this.ring.list('store');
    if (!this.#requireNewer(list, bytes, before === undefined)) return;
    await writeFileAtomic(join(this.#options.dataFolder, keptName), bytes, 0o640);
    await this.#adopt('store', list, bytes, before);
    this.#mended('store');
  }

  /** False for the list that is in force. Throws CW-IDN-009 for an older one, or another one of the same version. */
  #requireNewer(list: KeyList, bytes: Uint8Array, again: boolean): boolean {
    const mark = this.#marks.store;
    if (mark === undefined || list.version > mark.version) return true;
    if (list.version === mark.version && hashOf(bytes) === mark.sha256) return again;
    throw new IdentityError(
      'CW-IDN-009',
      `the store offers version ${list.version} of its list of keys, and version ${mark.version} was in force; give the next list a higher version`,
    );
  }

  async #adopt(
    source: KeySource,
    list: KeyList,
    bytes: Uint8Array,
    before: KeyList | undefined,
  ): Promise<void> {
    const facts = { version: list.version, sha256: hashOf(bytes) };
    const mark: Mark = source === 'file' ? facts : { ...facts, revoked: revokedIn(list) };
    const changes = compareKeys(before, list);
    const last = this.#marks[source]?.version ?? null;
    this.ring.set(source, list);
    if (source === 'store') this.ring.revokeToo([]);
    this.#marks = { ...this.#marks, [source]: mark };
    this.#options.log.info({ source, ...facts, ...changes }, 'a list of keys is in force');
    await this.#options.record(
      {
        what: 'keys.changed',
        source,
        before: last,
        after: list.version,
        sha256: mark.sha256,
        ...changes,
      },
      { [stateKeys[source]]: JSON.stringify(mark) },
    );
  }

  #lookLater(path: string): void {
    if (this.#stopped) return;
    const cancel = this.#options.clock.after(lookEveryUs, () => {
      this.#cancels = this.#cancels.filter((one) => one !== cancel);
      void this.#inTurn('file', () => this.#look(path)).then(() => this.#lookLater(path));
    });
    this.#cancels.push(cancel);
  }

  async #look(path: string): Promise<void> {
    const stamp = await this.#stamp(path);
    if (stamp === this.#seen) return;
    const bytes = await read(path);
    const list = readKeyFile(bytes.toString('utf8'));
    this.#seen = stamp;
    if (hashOf(bytes) === this.#marks.file?.sha256) return;
    await this.#adopt('file', list, bytes, this.ring.list('file'));
    this.#mended('file');
  }

  /** Changes whenever the file was written or replaced. */
  async #stamp(path: string): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      return `${mtimeMs} ${size} ${ino}`;
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }

  #mended(source: KeySource): void {
    this.#fault = undefined;
    this.#refusals[source].last = undefined;
  }

  #failed(source: KeySource, error: unknown, rest = 'the keys that were in force stay so'): void {
    const { clock, log, record } = this.#options;
    const coded: CodedError = isCoded(error) ? error : unreadable(this.#topic, error);
    this.#fault = coded instanceof IdentityError ? coded : new IdentityError('CW-IDN-008', coded.message);
    const refusals = this.#refusals[source];
    const sentence = coded.message.replaceAll(keyIds, '');
    if (refusals.last === sentence) return;
    refusals.last = sentence;
    if (!refusals.limit.admits(clock.nowUs())) {
      refusals.unrecorded += 1;
      return;
    }
    const more = refusals.unrecorded === 0 ? {} : { unrecordedBefore: refusals.unrecorded };
    refusals.unrecorded = 0;
    log.error({ code: coded.code, ...more }, `${coded.message}; ${rest}`);
    record({ what: 'keys.refused', code: coded.code, cause: coded.message, ...more }, {}).catch(
      (failure: unknown) => log.error({ err: describeError(failure) }, 'not on record'),
    );
  }
}

function markIn(stored: StoredState, source: KeySource): Mark | undefined {
  const text = stored[stateKeys[source]];
  return text === undefined ? undefined : (JSON.parse(text) as Mark);
}

const revokedIn = ({ keys }: KeyList) =>
  keys.flatMap(({ key, revoked }) => (revoked === true ? [key.id] : []));

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function read(path: string): Promise<Buffer> {
  return await readFile(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
}

function unreadable(path: string, cause: unknown): IdentityError {
  return new IdentityError('CW-IDN-008', `${path} can't be read: ${plainCause(cause)}`, { cause });
}
