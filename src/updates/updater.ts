import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CodedError, describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { forget, foundFormats, keep, restore } from './backup.ts';
import { checkUnpacked } from './contents.ts';
import { UpdateError } from './errors.ts';
import type { ReleaseFacts } from './facts.ts';
import { firmwareDiffers, flashBoards } from './firmware.ts';
import { linkedVersion, switchLink } from './links.ts';
import { checkOrder } from './orders.ts';
import type { Places } from './places.ts';
import { readRequest, type UpdateRequest } from './request.ts';
import type { Services } from './services.ts';
import { admit, prune, unpackFetched } from './staging.ts';
import {
  adopt,
  answered,
  begin,
  booted,
  confirm,
  flashedIn,
  goBack,
  type HealthBefore,
  refuse,
  stage,
  takeBack,
  type UpdaterState,
  undone,
  useOrder,
  wanted,
} from './state.ts';
import { loadState, saveState } from './state-file.ts';
import { installUnits } from './units.ts';
import { compareVersions } from './versions.ts';
import { HealthWatch, readReport, reportAt } from './watch.ts';

/** How often the health of a release on trial is looked at, ms. */
const lookEveryMs = 1_000;

export interface UpdaterOptions {
  readonly places: Places;
  readonly services: Services;
  readonly log: Logger;
  /** Tells one start of the machine from another. */
  readonly bootId: string;
  /** UTC ms. */
  readonly utcMs: () => number;
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Takes releases into service, and out again. Whatever it does, the new state is on the disk first; then `#settle` makes
 * links, units, data and boards follow it, each step of which may be done again. So a power cut at any moment leaves
 * what the next run goes on from.
 */
export class Updater {
  readonly #options: UpdaterOptions;
  #state: UpdaterState;

  /** Reads the state on this device. Rejects with CW-UPD-032 where there is no release at all. */
  static async open(options: UpdaterOptions): Promise<Updater> {
    const { state, damage, isNew } = await loadState(options.places, options.utcMs());
    if (damage !== undefined) options.log.error({ code: damage.code }, damage.message);
    const updater = new Updater(options, state);
    // The gateway sees by it that there is an updater.
    if (isNew) await saveState(options.places.state, state);
    await updater.#adoptSetUp();
    return updater;
  }

  private constructor(options: UpdaterOptions, state: UpdaterState) {
    this.#options = options;
    this.#state = state;
  }

  get state(): UpdaterState {
    return this.#state;
  }

  /** At the start of the machine, before the gateway: counts it, and finishes what a power cut had left. */
  async boot(): Promise<void> {
    const { bootId, utcMs, places, services } = this.#options;
    await this.#become(booted(this.#state, bootId, utcMs()));
    await this.#settleOrTakeBack();
    // The verdict comes when the gateway runs; nobody may wait for it here.
    if (this.#state.trial !== undefined || (await this.#isAsked(places))) await services.goOnLater();
  }

  /** Goes on with a trial, and does what the gateway asks for until there is nothing more. */
  async run(): Promise<void> {
    const { trial, undo } = this.#state;
    const current = await linkedVersion(this.#options.places.current);
    const isOpen = undo !== undefined || (trial !== undefined && trial.flashed === undefined);
    // What an updater that died had begun is done as it would have done it.
    if (isOpen || current !== wanted(this.#state)) await this.#switch();
    else await this.#settle();
    if (this.#state.trial !== undefined) await this.#judge();
    const { places } = this.#options;
    do {
      while (await this.#answerRequest());
      await prune(places, this.#state);
      // What came during that time has started nobody: the path unit looks on only when this has ended.
    } while (await this.#isAsked(places));
  }

  /** An operator's `scripts/setup` of another release moves both links: that one is in service then. */
  async #adoptSetUp(): Promise<void> {
    const { places, utcMs } = this.#options;
    const { good, trial, undo } = this.#state;
    if (trial !== undefined || undo !== undefined) return;
    const [current, linked] = [await linkedVersion(places.current), await linkedVersion(places.good)];
    if (current === undefined || current === good || linked !== current) return;
    const contents = await checkUnpacked(join(places.releases, current)).catch(() => undefined);
    if (contents?.version === current) await this.#become(adopt(this.#state, current, utcMs()));
  }

  /** Makes a state durable, before anything follows from it. */
  async #become(state: UpdaterState): Promise<void> {
    if (state === this.#state) return;
    const { log, places } = this.#options;
    await saveState(places.state, state);
    for (const { number, what, version, code, why } of state.happenings) {
      if (number >= this.#state.next)
        log.info({ version, code }, why === undefined ? what : `${what}: ${why}`);
    }
    this.#state = state;
  }

  #release(version: string): string {
    return join(this.#options.places.releases, version);
  }

  /** Lets everything follow the state. The gateway does not run, or nothing changes under it. */
  async #settle(): Promise<void> {
    const { places, services, log } = this.#options;
    const { trial, undo, good } = this.#state;
    if (trial !== undefined) await keep(places, trial.number);
    if (undo !== undefined) {
      const { formats } = await this.#factsOf(good);
      for (const note of await restore(places, { number: undo.number, from: undo.from, formats }))
        log.warn({}, note);
    }
    const version = wanted(this.#state);
    await switchLink(places.current, version);
    await switchLink(places.good, good);
    if (await installUnits(this.#release(version), places.units)) await services.reload();
    await this.#settleFirmware();
    if (undo !== undefined) {
      await this.#become(undone(this.#state));
      await forget(places);
    }
  }

  /** Boards follow the release in service: on a trial once, on the way back those that the trial has changed. */
  async #settleFirmware(): Promise<void> {
    const { trial, undo, good } = this.#state;
    if (trial !== undefined && trial.flashed === undefined) {
      const before = await this.#factsOf(trial.back);
      const boards = firmwareDiffers(before.firmware, trial.firmware)
        ? await flashBoards(this.#release(trial.version))
        : [];
      for (const { port, ok } of boards) {
        if (!ok)
          this.#options.log.error(
            { code: 'CW-UPD-044', port },
            'the firmware of a board could not be written',
          );
      }
      await this.#become(flashedIn(this.#state, boards));
    }
    const changed = undo?.flashed?.map(({ port }) => port) ?? [];
    if (changed.length > 0) await flashBoards(this.#release(good), { again: changed });
  }

  async #factsOf(version: string): Promise<Pick<ReleaseFacts, 'formats' | 'firmware'>> {
    const text = await readFile(join(this.#release(version), 'release.json'), 'utf8');
    const { formats, firmware } = JSON.parse(text) as ReleaseFacts;
    return { formats, firmware };
  }

  /** Ends the gateway, lets all follow the state, starts the one that is in service now. */
  async #switch(): Promise<void> {
    const { services } = this.#options;
    await services.stop();
    try {
      await this.#settleOrTakeBack();
    } finally {
      // Whatever went wrong meanwhile: a cart sells.
      await services.start();
    }
  }

  /** A trial that can't even be begun, as on a full disk, is over. */
  async #settleOrTakeBack(): Promise<void> {
    try {
      await this.#settle();
    } catch (error) {
      if (this.#state.trial === undefined) throw error;
      const code = isCoded(error) ? error.code : 'CW-UPD-031';
      await this.#become(takeBack(this.#state, { code, why: describeError(error) }, this.#options.utcMs()));
      await this.#settle();
    }
  }

  /** Waits for the verdict on the release on trial. */
  async #judge(): Promise<void> {
    const { trial } = this.#state;
    if (trial === undefined) return;
    const { nowMs, sleep, services, utcMs, places } = this.#options;
    const watch = new HealthWatch(trial, nowMs(), this.#reportBefore);
    for (;;) {
      const verdict = watch.see(await this.#report(), nowMs());
      if (verdict.kind === 'good') {
        await this.#become(confirm(this.#state, utcMs()));
        await this.#settle();
        await forget(places);
        return;
      }
      if (verdict.kind === 'failed') return this.#takeBack('CW-UPD-040', verdict.why);
      if (await services.hasFailed()) {
        return this.#takeBack('CW-UPD-041', 'the gateway keeps ending, or ended in safe mode');
      }
      const stop = await this.#askedToStop();
      if (stop !== undefined) return this.#takeBack('CW-UPD-043', `taken back by a command: ${stop}`);
      await sleep(lookEveryMs);
    }
  }

  async #takeBack(code: string, why: string): Promise<void> {
    await this.#become(takeBack(this.#state, { code, why }, this.#options.utcMs()));
    await this.#switch();
  }

  /** Why a request that came during the trial ends it; undefined where none does. */
  async #askedToStop(): Promise<string | undefined> {
    const { places } = this.#options;
    const request = await readRequest(places.data).catch(() => undefined);
    if (request?.action !== 'rollback' || this.#state.answered.includes(request.id)) return undefined;
    const isOrdered = await this.#attempt(request, () => this.#ordered(request, true));
    return isOrdered ? request.why || 'no reason given' : undefined;
  }

  /** Answers the request that lies there; whether there was one. */
  async #answerRequest(): Promise<boolean> {
    const { places } = this.#options;
    let request: UpdateRequest | undefined;
    try {
      request = await readRequest(places.data);
    } catch (error) {
      await this.#refused(error, undefined);
      return false;
    }
    if (request === undefined || this.#state.answered.includes(request.id)) return false;
    const { action } = request;
    const asked = request;
    const isDone = await this.#attempt(request, async () => {
      if (action === 'stage') return this.#stage(asked);
      return action === 'begin' ? this.#begin(asked) : this.#goBack(asked);
    });
    if (isDone && this.#state.trial !== undefined) {
      await this.#switch();
      await this.#judge();
    }
    return true;
  }

  /** Does what is asked for in one change of the state, with the answer; a refusal is told. */
  async #attempt(request: UpdateRequest, act: () => Promise<UpdaterState>): Promise<boolean> {
    try {
      await this.#become(answered(await act(), request.id));
      return true;
    } catch (error) {
      await this.#refused(error, request);
      return false;
    }
  }

  async #refused(error: unknown, request: UpdateRequest | undefined): Promise<void> {
    const coded: CodedError = isCoded(error)
      ? error
      : new UpdateError('CW-UPD-031', `the update can't go on: ${describeError(error)}`, { cause: error });
    this.#options.log.error({ code: coded.code }, coded.message);
    const told = refuse(
      this.#state,
      { version: request?.version, code: coded.code, why: coded.message },
      this.#options.utcMs(),
    );
    await this.#become(request === undefined ? told : answered(told, request.id));
  }

  async #stage(request: UpdateRequest): Promise<UpdaterState> {
    const { places, utcMs } = this.#options;
    const { release, archive, version } = request;
    if (release === undefined || archive === undefined) {
      throw new UpdateError('CW-UPD-020', 'to stage a release, its description and its archive are needed');
    }
    const manifest = await admit(places, Buffer.from(release, 'base64'), this.#state.good);
    if (manifest.version !== version) {
      throw new UpdateError(
        'CW-UPD-020',
        `release ${version} is asked for, and ${manifest.version} described`,
      );
    }
    const { firmware, formats } = manifest;
    const next = stage(this.#state, { version, firmware, formats }, utcMs());
    await unpackFetched(places, manifest, archive, this.#state);
    return next;
  }

  async #begin(request: UpdateRequest): Promise<UpdaterState> {
    const { utcMs } = this.#options;
    const { version, downgrade, force } = request;
    const isOlder = compareVersions(version, this.#state.good) < 0;
    const ordered = await this.#ordered(request, (downgrade && isOlder) || force);
    const before = await this.#healthBefore();
    const next = begin(ordered, { version, downgrade, force, ...before }, utcMs());
    await checkUnpacked(this.#release(version));
    if (isOlder) await this.#requireReadable(next);
    return next;
  }

  async #goBack(request: UpdateRequest): Promise<UpdaterState> {
    const { utcMs } = this.#options;
    const ordered = await this.#ordered(request, true);
    const version = this.#state.before ?? this.#state.good;
    const facts = await checkUnpacked(this.#release(version));
    const release = { version, firmware: facts.firmware, formats: facts.formats };
    const before = await this.#healthBefore();
    const next = goBack(ordered, { release, why: request.why, before }, utcMs());
    await this.#requireReadable(next);
    return next;
  }

  /** The state after the signed order was used up, where one is needed. */
  async #ordered(request: UpdateRequest, isNeeded: boolean): Promise<UpdaterState> {
    if (!isNeeded) return this.#state;
    const transaction = await checkOrder(this.#options.places, request, this.#options.utcMs());
    return transaction === undefined ? this.#state : useOrder(this.#state, transaction);
  }

  /** An older release must be able to read what is there: nothing brings back what it can't. */
  async #requireReadable(next: UpdaterState): Promise<void> {
    const { places, services } = this.#options;
    const { trial } = next;
    if (trial === undefined) return;
    await services.stop();
    try {
      const found = await foundFormats(places);
      const { formats, version } = trial;
      for (const kind of ['configuration', 'outbox', 'calibration'] as const) {
        if (found[kind] <= formats[kind]) continue;
        throw new UpdateError(
          'CW-UPD-027',
          `release ${version} reads ${kind} data up to format ${formats[kind]}, and this device's has format ${found[kind]}; stay with ${this.#state.good}, or restore a backup made with ${version}`,
        );
      }
    } catch (error) {
      await services.start();
      throw error;
    }
  }

  /** The last report of the gateway that ran before. */
  #reportBefore: string | undefined;

  async #report(): Promise<string | undefined> {
    return await reportAt(this.#options.places.healthy);
  }

  async #healthBefore(): Promise<HealthBefore> {
    this.#reportBefore = await this.#report();
    const said = this.#reportBefore === undefined ? undefined : readReport(this.#reportBefore);
    if (said?.version !== this.#state.good) return { brokerAway: false, faulty: [] };
    return { brokerAway: !said.checks.broker, faulty: said.faulty.slice(0, 256) };
  }

  async #isAsked(places: Places): Promise<boolean> {
    const request = await readRequest(places.data).catch(() => undefined);
    return request !== undefined && !this.#state.answered.includes(request.id);
  }
}
