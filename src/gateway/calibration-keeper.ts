import { join } from 'node:path';
import { isSameJson } from '#base/canonical-json.ts';
import type { Clock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { CalibrationError } from '#calibration/errors.ts';
import type { StoreFinding } from '#calibration/store/chain.ts';
import {
  type CalibrationHead,
  type CalibrationRecord,
  calibrationHeadKey,
  parseHead,
} from '#calibration/store/record.ts';
import {
  type CalibrationDraft,
  CalibrationStore,
  type PreparedCalibration,
} from '#calibration/store/store.ts';
import type { Calibration } from '#config/board.ts';
import type { Config } from '#config/schema.ts';
import type { TimeQuality } from '#events/event.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Auditor } from './audit.ts';
import { attachedHardware, type OpenedDevice } from './calibrated-hardware.ts';
import { committedEvent, committedFacts, findingChannel } from './calibration-on-record.ts';
import type { DecisionLoop } from './decisions.ts';
import type { KeptChange } from './kept-change.ts';
import {
  configurationChanges,
  type SealedConfiguration,
  sealedConfiguration,
} from './sealed-configuration.ts';
import type { GatewaySetup } from './setup.ts';
import type { StoredState } from './state.ts';
import { TimeSource } from './time-source.ts';

/** Longest text of a fault. */
const longestMessage = 1_000;

interface KeeperOptions {
  /** Its `calibration` is the configuration's own file: the first revision, where there is none yet. */
  readonly setup: Pick<GatewaySetup, 'dataFolder' | 'board' | 'calibration'> & {
    readonly config: Pick<Config, 'site' | 'calibrationRevisions'>;
  };
  readonly stored: StoredState;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The gateway that a keeper belongs to: it is built with the calibration in force, so it comes later. */
export interface KeeperHost {
  readonly loop: Pick<DecisionLoop, 'append' | 'saveState' | 'push'>;
  readonly auditor: Pick<Auditor, 'note' | 'flush'>;
  readonly timeQuality: () => TimeQuality;
  /** A shopper's trip is under way. */
  readonly inSession: () => boolean;
  /** What is attached now. */
  readonly opened: () => readonly OpenedDevice[];
  /** Hears that another revision is in force. */
  readonly onInForce: () => void;
}

/** Stores a change in one write with whatever else belongs to the deed; resolves when it is on the disk. */
export type WriteChange = (change: KeptChange) => Promise<void>;

/** A revision that a technician asks for. */
type AskedCalibration = Omit<CalibrationDraft, 'atMs' | 'timeQuality' | 'configuration' | 'changes'> & {
  /** Newest revision that the one who asks knows of; refused where there is a later one. Not judged where left out. */
  readonly expected?: number | undefined;
};

/**
 * Keeps the calibrations of this device. One comes into force in three steps: its file is made ready; one write to the
 * outbox holds its head, its event, its record for the audit log and the answer to whoever asked; then the pipeline
 * weighs with it. So it is in force with all that, or, wherever power is cut before the write, not at all.
 */
export class CalibrationKeeper {
  readonly #options: KeeperOptions;
  readonly #store: CalibrationStore;
  readonly #configuration: SealedConfiguration;
  readonly #findings: StoreFinding[];
  /** The gateway's state lacks the store's head, or has an older one. */
  #headIsNew: boolean;
  /** What is committed as soon as the gateway runs: the first revision, or a changed configuration. */
  #first: PreparedCalibration | undefined;
  #inForce: Calibration | undefined;
  #host: KeeperHost | undefined;

  /** Opens the store and finds what is in force. Rejects with CW-CAL-108 where its folder can't be read. */
  static async open(options: KeeperOptions): Promise<CalibrationKeeper> {
    const { setup, stored, log } = options;
    const { dataFolder, config } = setup;
    const text = stored[calibrationHeadKey];
    const head = text === undefined ? undefined : parseHead(text);
    const opened = await CalibrationStore.open({
      folder: join(dataFolder, 'calibrations'),
      head,
      keep: config.calibrationRevisions,
    });
    const keeper = new CalibrationKeeper(options, opened);
    await keeper.#prepareFirst().catch((error: unknown) => {
      // What was in force stays so; the next start tries again.
      keeper.#findings.push({ code: 'CW-CAL-108', message: describeError(error), details: {} });
    });
    keeper.#inForce = keeper.#first?.record.calibration ?? keeper.#inForce;
    for (const { code, message, details } of keeper.#findings) log.error({ code, ...details }, message);
    const revision = keeper.#store.head?.revision;
    if (revision !== undefined && (setup.calibration?.revision ?? 0) > revision) {
      log.warn(
        { revision, file: setup.calibration?.revision },
        `the configuration's calibration file is not looked at any more: revision ${revision} of the device's own calibrations is in force; calibrate it (cartwright calibrate), or leave calibration out of the configuration`,
      );
    }
    return keeper;
  }

  private constructor(
    options: KeeperOptions,
    { store, findings, headIsNew }: Awaited<ReturnType<typeof CalibrationStore.open>>,
  ) {
    const { setup } = options;
    this.#options = options;
    this.#store = store;
    this.#findings = [...findings];
    this.#headIsNew = headIsNew;
    this.#configuration = sealedConfiguration(setup.board, setup.config.site);
    // The configuration's file is where a device begins, and nothing to fall back to afterwards.
    this.#inForce = store.current?.calibration ?? (store.isNew ? setup.calibration : undefined);
  }

  async #prepareFirst(): Promise<void> {
    const { calibration: configured } = this.#options.setup;
    const { current, head } = this.#store;
    if (current === undefined) {
      if (!this.#store.isNew || configured === undefined) return;
      this.#first = await this.#store.prepare(
        await this.#firstDraft({ cause: 'import', calibration: configured }),
      );
      return;
    }
    // An earlier revision is in force until somebody has looked: that is not covered up by a new one.
    if (current.revision !== head?.revision) return;
    const changes = configurationChanges(current.configuration ?? this.#configuration, this.#configuration);
    if (changes.length === 0) return;
    const { calibration } = current;
    const draft = await this.#firstDraft({ cause: 'configuration', calibration, changes });
    this.#first = await this.#store.prepare(draft);
  }

  /** Before the gateway runs, nobody has looked how good the clock is. */
  async #firstDraft(draft: Omit<CalibrationDraft, 'atMs' | 'timeQuality'>): Promise<CalibrationDraft> {
    const time = new TimeSource(this.#options.clock);
    await time.refresh();
    return this.#draft(draft, time.quality);
  }

  #draft(
    draft: Omit<CalibrationDraft, 'atMs' | 'timeQuality'>,
    timeQuality = this.#running().timeQuality(),
  ): CalibrationDraft {
    const { clock } = this.#options;
    return { ...draft, configuration: this.#configuration, atMs: clock.utcMs(), timeQuality };
  }

  /** What weighing goes by; undefined where nothing is calibrated, or no revision can be used. */
  get calibration(): Calibration | undefined {
    return this.#inForce;
  }

  /** The newest committed revision with its counters: what an answer to "which revision" is held against. */
  get head(): CalibrationHead | undefined {
    return this.#store.head;
  }

  /** The revision in force, with all that is known of it. */
  get record(): CalibrationRecord | undefined {
    return this.#store.current;
  }

  /** Revisions to list, to read and to check. */
  get revisions(): Pick<CalibrationStore, 'list' | 'read' | 'verify'> {
    return this.#store;
  }

  /** The gateway runs: tells what was found, and commits what an earlier run could not, or the configuration asks for. */
  async start(host: KeeperHost): Promise<void> {
    this.#host = host;
    const first = this.#first;
    this.#first = undefined;
    this.#tell(this.#findings);
    if (this.#findings.length > 0) {
      const found = this.#findings.map(({ code, message }) => ({ code, message }));
      await host.loop.saveState(host.auditor.note({ what: 'calibration.found', found }));
      void host.auditor.flush();
    }
    const { current } = this.#store;
    // Before what follows from it: power may have been cut before anybody was told of it, or the outbox was lost.
    if (this.#headIsNew && current !== undefined) await this.#writeOwn(this.#changeOf(current, undefined));
    this.#headIsNew = false;
    if (first !== undefined) await this.#carryOut(first, undefined);
  }

  /**
   * Brings a calibration into force. `write` stores the change together with what the one who asked needs; left out, the
   * keeper does so itself. Resolves with the revision once it is on the disk and weighed with.
   * Rejects with CW-CAL-108 where it can't be written, -109 while another one is being committed, -112 during a shopping
   * session, -113 where another revision than the expected one is the newest.
   */
  async commit(asked: AskedCalibration, write?: WriteChange): Promise<CalibrationRecord> {
    const { expected, ...draft } = asked;
    const host = this.#running();
    if (host.inSession()) {
      throw new CalibrationError(
        'CW-CAL-112',
        'a shopping session is open; a calibration comes into force when it has ended',
      );
    }
    const newest = this.#store.head?.revision;
    if (expected !== undefined && expected !== (newest ?? 0)) {
      throw new CalibrationError(
        'CW-CAL-113',
        `revision ${newest ?? 'none'} is the newest, ${expected} was expected: somebody else calibrated meanwhile; look at it and begin anew`,
        { details: { expected, newest } },
      );
    }
    const prepared = await this.#store.prepare(
      this.#draft({ ...draft, calibration: this.#onHardware(draft) }),
    );
    return await this.#carryOut(prepared, write);
  }

  /** Brings an earlier revision back as a new one. Rejects as `commit`, with CW-CAL-110 where there is none, -100 where it is damaged. */
  async rollback(
    asked: Pick<AskedCalibration, 'by' | 'transaction' | 'expected'> & { readonly revision: number },
    write?: WriteChange,
  ): Promise<CalibrationRecord> {
    const { revision, ...rest } = asked;
    const { calibration } = await this.#store.read(revision);
    return await this.commit({ ...rest, cause: 'rollback', from: revision, calibration }, write);
  }

  /** A calibration is one of what is attached; a new zero, or an earlier revision, of what it was made on. */
  #onHardware({ cause, calibration }: Pick<AskedCalibration, 'cause' | 'calibration'>): Calibration {
    if (cause !== 'calibrate') return calibration;
    const { board } = this.#options.setup;
    const before = this.#inForce;
    const plates = Object.keys(calibration.plates).filter(
      (id) => !isSameJson(before?.plates[id], calibration.plates[id]),
    );
    const { hardware: former, ...rest } = calibration;
    const hardware = attachedHardware({ former, board, opened: this.#running().opened(), plates });
    return hardware === undefined ? rest : { ...rest, hardware };
  }

  async #carryOut(prepared: PreparedCalibration, write: WriteChange | undefined): Promise<CalibrationRecord> {
    const before = this.#store.current;
    const { record } = prepared;
    try {
      await (write ?? ((change) => this.#writeOwn(change)))(this.#changeOf(record, before));
    } catch (error) {
      // Only where it is certain that nothing was written: a head without its file would be worse than a file too many.
      if (isCoded(error) && error.code === 'CW-GWY-007') await this.#store.discard(prepared);
      throw error;
    }
    const host = this.#running();
    const { clock, log } = this.#options;
    const isOther = this.#inForce?.revision !== record.revision;
    this.#inForce = record.calibration;
    const kept = this.#store.committed(prepared);
    if (isOther) {
      host.loop.push({ kind: 'calibration', atUs: clock.nowUs(), calibration: record.calibration });
    }
    this.#tell(await kept);
    const { revision, cause, plates, counters } = record;
    log.info({ revision, cause, plates, ...counters }, 'calibration in force');
    host.onInForce();
    return record;
  }

  #changeOf(record: CalibrationRecord, before: CalibrationRecord | undefined): KeptChange {
    const { revision, hash, counters } = record;
    return {
      state: { [calibrationHeadKey]: JSON.stringify({ revision, hash, counters }) },
      drafts: [committedEvent(record, before)],
      facts: committedFacts(record, before),
    };
  }

  async #writeOwn({ state = {}, drafts = [], facts = {} }: KeptChange): Promise<void> {
    const { loop, auditor } = this.#running();
    const note = auditor.note({ what: 'calibration.committed', from: 'this-machine', ...facts });
    const [event] = drafts;
    if (event === undefined) await loop.saveState({ ...state, ...note });
    else await loop.append(event, { ...state, ...note });
    void auditor.flush();
  }

  #running(): KeeperHost {
    if (this.#host === undefined) {
      throw new CalibrationError('CW-CAL-109', 'the gateway is starting; try again in a moment');
    }
    return this.#host;
  }

  /** Faults of the store itself: they stand until a start that finds nothing. */
  #tell(findings: readonly StoreFinding[]): void {
    const { loop } = this.#running();
    for (const finding of findings) {
      const fault = {
        fault: 'integrity',
        code: finding.code,
        channel: findingChannel(finding),
        message: finding.message.slice(0, longestMessage),
      } as const;
      const input: Extract<PipelineInput, { kind: 'device-fault' }> = {
        kind: 'device-fault',
        source: 'calibration',
        atUs: this.#options.clock.nowUs(),
        fault,
      };
      loop.push(input);
    }
  }
}
