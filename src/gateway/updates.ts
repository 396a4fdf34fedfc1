import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import type { Clock } from '#base/clock.ts';
import { type CodedError, describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import { claimedTransaction } from '#commands/sealed.ts';
import type { UpdatesConfig } from '#config/updates.ts';
import type { Draft } from '#events/event.ts';
import { releaseNotice } from '#events/mqtt-payloads.ts';
import { isSigned } from '#identity/cose.ts';
import { UpdateError } from '#updates/errors.ts';
import { certificatesIn, fetchArchive } from '#updates/fetching.ts';
import { openRelease, type ReleaseManifest } from '#updates/manifest.ts';
import { incomingPath, requestPath } from '#updates/places.ts';
import type { UpdateRequest } from '#updates/request.ts';
import { holdOf, type ReleaseNotice } from '#updates/roll-out.ts';
import { releaseKeys } from '#updates/staging.ts';
import { failureOf, type Happening, type UpdaterState } from '#updates/state.ts';
import { readState } from '#updates/state-file.ts';
import { compareVersions } from '#updates/versions.ts';
import { decodePayload } from '#uplink/payloads.ts';
import type { Uplink } from '#uplink/uplink.ts';
import type { DecisionLoop } from './decisions.ts';
import type { Health } from './health.ts';
import type { StoredState } from './state.ts';
import { markPaused } from './updates-pause.ts';

const lookEveryUs = 5_000_000;
/** What could not be fetched is tried again after this. */
const againAfterUs = 15 * 60_000_000;
/** What the updater has not answered by then is asked for again: systemd hears of no change while a unit runs. */
const askAgainAfterUs = 120_000_000;
const mostSealed = 16;
const toldKey = 'updates/told';
/** Of the stored state: whether a command has paused updates here. */
export const pausedKey = 'updates/paused';

export interface UpdatesOptions {
  readonly place: { readonly store: string; readonly device: string };
  readonly config: UpdatesConfig;
  /** Certificates that vouch for the store's server. */
  readonly caFile?: string | undefined;
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly uplink: Pick<Uplink, 'subscribe'>;
  readonly loop: Pick<DecisionLoop, 'append' | 'saveState'>;
  readonly stored: StoredState;
  readonly clockTrusted: () => boolean;
  /** Why nothing is begun now (somebody shops, a scale is calibrated, little power), in words. */
  readonly busy: () => string | undefined;
  /** Boards whose firmware is not the one of the release in service. */
  readonly firmwareBehind: () => readonly string[];
}

/** What somebody has told this device to do, whatever the roll-out says. */
export interface Ordered {
  readonly version: string;
  readonly force: boolean;
  readonly downgrade: boolean;
  readonly order: string | undefined;
}

interface Offer {
  readonly notice: ReleaseNotice;
  readonly manifest: ReleaseManifest;
  readonly release: Uint8Array;
  readonly urls: readonly string[];
}

/**
 * Hears which release the store offers, fetches it when it is this device's turn, asks the updater for the rest, and tells
 * what came of it. It decides nothing about what runs: the updater, which is root's, checks all of it again.
 */
export class GatewayUpdates {
  readonly #options: UpdatesOptions;
  #state: UpdaterState | undefined;
  #stateText = '';
  #offer: Offer | undefined;
  #fault: CodedError | undefined;
  #hold: string | undefined;
  #ordered: Ordered | undefined;
  #fetched: string | undefined;
  #fetching: AbortController | undefined;
  #againAtUs = 0;
  /** The request that the updater has not answered yet. */
  #asked: { readonly id: string; readonly text: string; readonly atUs: number } | undefined;
  readonly #sealed = new Map<string, Uint8Array>();
  readonly #stops: (() => void)[] = [];
  #cancel: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  #stopped = false;
  #told: string;
  #paused: boolean;

  constructor(options: UpdatesOptions) {
    this.#options = options;
    this.#told = options.stored[toldKey] ?? '';
    this.#paused = options.stored[pausedKey] === 'true';
  }

  start(): void {
    const { uplink } = this.#options;
    this.#stops.push(
      uplink.subscribe(
        '_store/release',
        (_topic, payload) => void this.#inTurn(() => this.#offered(payload)),
      ),
    );
    void this.#inTurn(() => markPaused(this.#options.dataFolder, this.#paused));
    this.#lookAgain();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    this.#fetching?.abort();
    for (const stop of this.#stops.splice(0)) stop();
    await this.#turn;
  }

  get state(): UpdaterState | undefined {
    return this.#state;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The version that the store offers for this kind of processor. */
  get offered(): string | undefined {
    return this.#offer?.manifest.version;
  }

  /** Undefined where this machine has no updater. */
  health(): Health['update'] {
    const state = this.#state;
    if (state === undefined) return undefined;
    const failed = state.failed.at(-1)?.version;
    const firmware = this.#options.firmwareBehind();
    return {
      version: state.trial?.version ?? state.good,
      state: this.#doing(state),
      group: this.#options.config.group,
      ...(this.offered === undefined ? {} : { offered: this.offered }),
      ...(state.staged === undefined ? {} : { staged: state.staged.version }),
      ...(failed === undefined ? {} : { failed }),
      ...(this.#hold === undefined ? {} : { hold: this.#hold }),
      ...(this.#fault === undefined ? {} : { fault: this.#fault.code }),
      ...(firmware.length === 0 ? {} : { firmware }),
    };
  }

  /** Looks at what the updater says and at what is offered, and goes on. */
  check(): Promise<void> {
    return this.#inTurn(async () => {
      this.#againAtUs = 0;
      await this.#look();
    });
  }

  /** Why nothing may be begun now. */
  get busy(): string | undefined {
    return this.#options.busy();
  }

  /** The signed command of a transaction, for the updater; undefined where it came unsigned. */
  sealedOf(transaction: string): string | undefined {
    const sealed = this.#sealed.get(transaction);
    return sealed === undefined ? undefined : Buffer.from(sealed).toString('base64');
  }

  /** Has a release taken now. */
  async begin(ordered: Ordered): Promise<void> {
    this.#ordered = ordered;
    // What was refused before is asked for once more: the disk may have room by now.
    if (this.#fault?.code === 'CW-UPD-052') this.#fault = undefined;
    await this.check();
  }

  /** Has the release before taken into service again. */
  async rollBack(why: string, order: string | undefined): Promise<void> {
    const version = this.#state?.trial?.version ?? this.#state?.good ?? '';
    this.#ordered = undefined;
    await this.#ask({ action: 'rollback', version, why, ...(order === undefined ? {} : { order }) });
  }

  /** State to be kept with the command that pauses, or goes on. */
  pause(paused: boolean): Readonly<Record<string, string | null>> {
    this.#paused = paused;
    void this.#inTurn(() => markPaused(this.#options.dataFolder, paused));
    return { [pausedKey]: paused ? 'true' : null };
  }

  #doing(state: UpdaterState): string {
    if (state.trial !== undefined) return 'trial';
    if (this.#fetching !== undefined) return 'fetching';
    if (this.#asked !== undefined) return 'asked';
    if (this.#hold !== undefined) return 'waiting';
    return state.staged === undefined ? 'idle' : 'staged';
  }

  /** Keeps a signed command of this room as it came: the updater checks it again. */
  hear(command: string, payload: Uint8Array): void {
    if (!command.startsWith('update.') || !isSigned(payload)) return;
    const transaction = claimedTransaction(payload);
    if (transaction === undefined) return;
    this.#sealed.set(transaction, payload);
    for (const name of [...this.#sealed.keys()].slice(0, -mostSealed)) this.#sealed.delete(name);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      if (this.#stopped) return;
      try {
        await work();
      } catch (error) {
        if (!this.#stopped) this.#options.log.error({ err: describeError(error) }, 'updates do not go on');
      }
    });
    return this.#turn;
  }

  #lookAgain(): void {
    if (this.#stopped) return;
    this.#cancel = this.#options.clock.after(lookEveryUs, () => {
      void this.#inTurn(() => this.#look()).then(() => this.#lookAgain());
    });
  }

  async #offered(payload: Uint8Array): Promise<void> {
    this.#fetching?.abort();
    this.#offer = undefined;
    this.#fault = undefined;
    this.#hold = undefined;
    if (payload.length > 0) {
      try {
        this.#offer = await this.#read(payload);
      } catch (error) {
        this.#failed(error);
      }
    }
    await this.#look();
  }

  async #read(payload: Uint8Array): Promise<Offer | undefined> {
    const notice = (() => {
      try {
        return decodePayload(releaseNotice, payload);
      } catch (cause) {
        throw new UpdateError(
          'CW-UPD-050',
          `what the store says of a release can't be read: ${describeError(cause)}`,
          { cause },
        );
      }
    })();
    // Without an updater there is nobody to ask for it, and mostly no key to check it by.
    if ((await this.#readState()) === undefined) return undefined;
    const keys = await releaseKeys(this.#options.config.releaseKeys);
    for (const { release, urls } of notice.releases) {
      const manifest = openRelease(release, keys);
      if (manifest.arch !== process.arch) continue;
      if (manifest.version === notice.version) return { notice, manifest, release, urls };
      throw new UpdateError(
        'CW-UPD-050',
        `the store offers ${notice.version}, and describes ${manifest.version}`,
      );
    }
    throw new UpdateError(
      'CW-UPD-004',
      `the store offers release ${notice.version} without one for ${process.arch}`,
    );
  }

  async #readState(): Promise<UpdaterState | undefined> {
    const text = await readFile(this.#options.config.stateFile, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    if (text === this.#stateText) return this.#state;
    try {
      this.#state = readState(text);
      this.#stateText = text;
    } catch (error) {
      this.#options.log.warn({ err: describeError(error) }, "the updater's state can't be read");
    }
    return this.#state;
  }

  async #look(): Promise<void> {
    const state = await this.#readState();
    if (state === undefined) return;
    await this.#tell(state);
    if (this.#asked !== undefined && state.answered.includes(this.#asked.id)) {
      this.#asked = undefined;
      const last = state.happenings.at(-1);
      // What is refused once is so again: it waits for another offer, or for somebody's order.
      if (last?.what === 'refused') {
        this.#ordered = undefined;
        this.#fault = new UpdateError('CW-UPD-052', last.why ?? '');
      }
    }
    await this.#pursue(state);
  }

  /** Every happening becomes one event: the number of the last one told is part of the same write. */
  async #tell(state: UpdaterState): Promise<void> {
    const [row, number] = this.#told.split(':');
    const upTo = row === String(state.sinceMs) ? Number(number) : 0;
    for (const one of state.happenings.filter((happening) => happening.number > upTo)) {
      this.#told = `${state.sinceMs}:${one.number}`;
      await this.#options.loop.append(draftOf(one), { [toldKey]: this.#told });
    }
  }

  async #pursue(state: UpdaterState): Promise<void> {
    const offer = this.#offer;
    this.#hold = undefined;
    if (state.trial !== undefined || state.undo !== undefined) return;
    if (this.#asked !== undefined) {
      const { id, text, atUs } = this.#asked;
      if (this.#options.clock.nowUs() - atUs > askAgainAfterUs) await this.#write(id, text);
      return;
    }
    const ordered = this.#ordered;
    const version = ordered?.version ?? offer?.manifest.version;
    if (version === undefined || version === state.good) {
      this.#ordered = undefined;
      return;
    }
    this.#hold = ordered === undefined ? this.#holdOf(state, offer) : undefined;
    if (this.#hold !== undefined) return;
    if (state.staged?.version !== version) {
      if (offer?.manifest.version === version && this.#fault === undefined) await this.#bring(offer);
      return;
    }
    if (ordered === undefined && this.#fault !== undefined) return;
    this.#hold = this.#options.busy() ?? (ordered === undefined ? this.#outsideWindow() : undefined);
    if (this.#hold !== undefined) return;
    const { force = false, downgrade = false, order } = ordered ?? {};
    await this.#ask({
      action: 'begin',
      version,
      force,
      downgrade,
      ...(order === undefined ? {} : { order }),
    });
  }

  /** Why what is offered is not taken by itself. */
  #holdOf(state: UpdaterState, offer: Offer | undefined): string | undefined {
    const { config, place, clock, clockTrusted } = this.#options;
    if (offer === undefined) return undefined;
    const { version } = offer.manifest;
    if (this.#paused) return 'a command has paused updates on this device';
    if (!config.automatic) return 'this device takes releases by a command alone (updates.automatic)';
    if (compareVersions(version, state.good) < 0)
      return `release ${version} is older than the one in service`;
    const failed = failureOf(state, version);
    if (failed !== undefined) return `release ${version} failed here: ${failed.code}`;
    const device = { device: place.device, group: config.group };
    return holdOf(offer.notice, device, clockTrusted() ? clock.utcMs() : undefined);
  }

  #outsideWindow(): string | undefined {
    const { clock, clockTrusted, config } = this.#options;
    if (config.window === undefined) return undefined;
    if (!clockTrusted()) return 'the clock is not set';
    const { from, to } = config.window;
    const now = new Date(clock.utcMs()).toTimeString().slice(0, 5);
    const isWithin = from <= to ? now >= from && now < to : now >= from || now < to;
    return isWithin ? undefined : `the time for updates is from ${from} to ${to}`;
  }

  /** Fetches a release in the background, then has it staged. */
  async #bring(offer: Offer): Promise<void> {
    const { clock, config, dataFolder, caFile } = this.#options;
    const { version } = offer.manifest;
    const archive = `${version}.tar.gz`;
    if (this.#fetched === version) {
      this.#fetched = undefined;
      const release = Buffer.from(offer.release).toString('base64');
      await this.#ask({ action: 'stage', version, archive, release });
      return;
    }
    if (this.#fetching !== undefined || clock.nowUs() < this.#againAtUs) return;
    const fetching = new AbortController();
    this.#fetching = fetching;
    const { signal } = fetching;
    const to = join(dataFolder, ...incomingPath, archive);
    const random = createRandom(Math.floor(clock.nowUs() % 2 ** 31));
    const { urls, manifest } = offer;
    const { maxBytesPerS } = config;
    void certificatesIn(caFile)
      .then((ca) => fetchArchive({ urls, manifest, to, maxBytesPerS, ca, clock, random, signal }))
      .then(
        () => {
          if (!signal.aborted) this.#fetched = version;
        },
        (error: unknown) => {
          if (signal.aborted) return;
          this.#options.log.warn(
            { err: describeError(error) },
            'a release was not fetched; it is tried again',
          );
          this.#againAtUs = clock.nowUs() + againAfterUs;
        },
      )
      .finally(() => {
        if (this.#fetching === fetching) this.#fetching = undefined;
        if (this.#fetched !== undefined) void this.#inTurn(() => this.#look());
      });
  }

  async #ask(
    request: Omit<UpdateRequest, 'request' | 'id' | 'why' | 'force' | 'downgrade'> & Partial<UpdateRequest>,
  ): Promise<void> {
    const id = randomUUID();
    await this.#write(id, JSON.stringify({ request: 1, id, ...request }));
    this.#options.log.info({ action: request.action, version: request.version }, 'asked the updater');
  }

  async #write(id: string, text: string): Promise<void> {
    const { clock, dataFolder } = this.#options;
    await writeFileAtomic(join(dataFolder, ...requestPath), text, 0o600);
    this.#asked = { id, text, atUs: clock.nowUs() };
  }

  #failed(error: unknown): void {
    this.#fault = isCoded(error) ? error : new UpdateError('CW-UPD-050', describeError(error));
    this.#options.log.warn({ code: this.#fault.code }, this.#fault.message);
  }
}

function draftOf({ number, what, atMs, version = '', back = '', code = '', why = '' }: Happening): Draft {
  const base = { number, atMs };
  switch (what) {
    case 'rolled-back':
      return { type: 'update.rolled-back', data: { ...base, version, back, code, why } };
    case 'refused':
      return { type: 'update.refused', data: { ...base, ...(version === '' ? {} : { version }), code, why } };
    default:
      return { type: `update.${what}`, data: { ...base, version, back } };
  }
}
