import { join } from 'node:path';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { againstAudit, toldRevision } from '#calibration/store/against-audit.ts';
import type { CalibrationRecord } from '#calibration/store/record.ts';
import type { Board, Calibration } from '#config/board.ts';
import { parseBoard } from '#config/load.ts';
import type { Draft } from '#events/event.ts';
import { Auditor, auditHeadKey } from '#gateway/audit.ts';
import { CalibrationKeeper } from '#gateway/calibration-keeper.ts';
import type { StateChanges } from '#gateway/state.ts';
import type { AuditHead } from '#identity/audit-chain.ts';
import { verifyAudit } from '#identity/audit-log.ts';
import { Outbox } from '#uplink/outbox.ts';

const board: Board = parseBoard(`profile: 1
name: bench
devices:
  - { id: bridge, driver: firmata-hx711, options: { cells: [left], samplesPerSecond: 10 } }
plates:
  - { id: plate, kind: shelf, maxMg: 10000000, intervalMg: 5000, cells: [{ id: left, positionMm: [0, 0], capacityMg: 20000000 }] }
`);

/** Every revision's zero follows from its number, so that a mixture of two is seen. */
export const zeroOf = (revision: number) => 1_000 * revision;
export const firstRevision = 7;

const calibrationOf = (revision: number): Calibration => ({
  calibration: 1,
  revision,
  plates: { plate: { cells: { left: { zeroCounts: zeroOf(revision), milligramsPerCount: 2 } } } },
});

/** What a device has promised: it never goes back behind that. */
export interface Promised {
  readonly revision: number;
  readonly calibration: number;
  readonly configuration: number;
}

/** Outbox, audit log and calibrations of a device, as the gateway joins them; no scales, no broker. */
export class CalibrationDevice {
  readonly keeper: CalibrationKeeper;
  readonly #outbox: Outbox;
  readonly #auditor: Auditor;
  /** State as it was stored. */
  readonly #known: ReadonlyMap<string, string | null>;
  /** Codes of what the store or the audit log found, with their sources. */
  readonly faults: string[];

  /** @param heightM of the site: another one is another configuration */
  static async open(folder: string, heightM = 0): Promise<CalibrationDevice> {
    const outbox = new Outbox(join(folder, 'outbox.sqlite'), {
      maxBytes: 1e8,
      ledgerShare: 0.8,
      checkpointPages: 20,
    });
    const { boot, state } = outbox.start;
    const clock = new VirtualClock(1_000_000 * boot);
    const faults: string[] = outbox.setAside === undefined ? [] : [`outbox ${outbox.setAside.reason}`];
    let next = outbox.start.nextSequence;
    const known = new Map<string, string | null>(Object.entries(state));
    const store = (drafts: readonly Draft[], changes: StateChanges = {}): Promise<void> => {
      const events = drafts.map((draft, i) => ({
        sequence: next + i,
        type: draft.type,
        class: 'ledger' as const,
        bytes: Buffer.from(JSON.stringify(draft)),
      }));
      outbox.append([{ events, state: changes, reported: [] }]);
      next += drafts.length;
      for (const [key, value] of Object.entries(changes)) known.set(key, value);
      return Promise.resolve();
    };
    const auditor = await Auditor.open({
      dataFolder: folder,
      stored: state,
      boot,
      clock,
      timeQuality: () => 'synced',
      log: silentLogger,
      append: (draft, changes) => store([draft], changes),
      push: ({ source, fault }) => faults.push(`${source} ${fault.code}`),
    });
    const keeper = await CalibrationKeeper.open({
      setup: {
        dataFolder: folder,
        board,
        calibration: calibrationOf(firstRevision),
        config: { site: { latitudeMicroDegrees: 0, heightM }, calibrationRevisions: 3 },
      },
      stored: state,
      clock,
      log: silentLogger,
    });
    await keeper.start({
      loop: {
        append: (draft, changes) => store([draft], changes),
        saveState: (changes) => store([], changes),
        push: (input) => {
          if (input.kind === 'device-fault') faults.push(`${input.source} ${input.fault.code}`);
        },
      },
      auditor,
      timeQuality: () => 'synced',
      inSession: () => false,
      opened: () => [],
      onInForce: () => {},
    });
    auditor.start();
    return new CalibrationDevice({ keeper, outbox, auditor, faults, store, known });
  }

  readonly #store: (drafts: readonly Draft[], changes?: StateChanges) => Promise<void>;

  private constructor(parts: {
    readonly keeper: CalibrationKeeper;
    readonly outbox: Outbox;
    readonly auditor: Auditor;
    readonly faults: string[];
    readonly store: (drafts: readonly Draft[], changes?: StateChanges) => Promise<void>;
    readonly known: ReadonlyMap<string, string | null>;
  }) {
    this.keeper = parts.keeper;
    this.#outbox = parts.outbox;
    this.#auditor = parts.auditor;
    this.#store = parts.store;
    this.faults = parts.faults;
    this.#known = parts.known;
  }

  get promised(): Promised {
    const { revision = 0, counters } = this.keeper.head ?? {};
    return {
      revision,
      calibration: counters?.calibration ?? 0,
      configuration: counters?.configuration ?? 0,
    };
  }

  /** A technician's commit, with the answer to a transaction in the same write. */
  async commit(): Promise<CalibrationRecord> {
    const revision = (this.keeper.head?.revision ?? 0) + 1;
    return await this.#carryOut(revision, (write) =>
      this.keeper.commit(
        { cause: 'calibrate', calibration: calibrationOf(revision), report: { notes: 'x'.repeat(2_000) } },
        write,
      ),
    );
  }

  async rollback(to: number): Promise<CalibrationRecord> {
    const revision = (this.keeper.head?.revision ?? 0) + 1;
    return await this.#carryOut(revision, (write) => this.keeper.rollback({ revision: to }, write));
  }

  async #carryOut(
    revision: number,
    work: (write: Parameters<CalibrationKeeper['commit']>[1]) => Promise<CalibrationRecord>,
  ): Promise<CalibrationRecord> {
    const record = await work(async ({ state = {}, drafts = [], facts = {} }) => {
      const done: Draft = {
        type: 'command.done',
        data: { command: 'calibration.commit', transaction: `t${revision}` },
      };
      const note = this.#auditor.note({ what: 'calibration.commit', ...facts });
      await this.#store([...drafts, done], { ...state, ...note, [`transaction/t${revision}`]: 'done' });
    });
    await this.#auditor.flush();
    return record;
  }

  /** What is wrong with the device after whatever happened to it; none where it is as it promised. */
  async problems(folder: string, promised: Promised): Promise<string[]> {
    await this.#auditor.flush();
    const { keeper } = this;
    const now = this.promised;
    const problems = this.faults.filter((fault) => fault !== 'audit CW-IDN-014');
    if (now.revision < promised.revision)
      problems.push(`revision ${now.revision}, ${promised.revision} was promised`);
    if (now.calibration < promised.calibration) problems.push('the counter of calibrations went back');
    if (now.configuration < promised.configuration) problems.push('the counter of configurations went back');
    if (keeper.record?.revision !== now.revision)
      problems.push(`${keeper.record?.revision} is in force, not ${now.revision}`);
    if (keeper.calibration?.revision !== now.revision) problems.push('weighed with another revision');
    const known = new Map<number, number>();
    for (const { revision } of [...keeper.revisions.list()].reverse()) {
      const { cause, from, calibration } = await keeper.revisions.read(revision);
      const zero = calibration.plates.plate?.cells.left?.zeroCounts ?? Number.NaN;
      known.set(revision, zero);
      const expected =
        cause === 'configuration'
          ? known.get(revision - 1)
          : cause === 'rollback'
            ? known.get(from ?? 0)
            : zeroOf(revision);
      if (expected !== undefined && zero !== expected)
        problems.push(`revision ${revision} is a mixture: ${zero}`);
    }
    problems.push(...(await keeper.revisions.verify()).map(({ message }) => message));
    problems.push(...this.#told(now.revision), ...(await this.#onRecord(folder)));
    return problems;
  }

  /** Every revision was told exactly once, with the answer to the command that asked for it. */
  #told(newest: number): string[] {
    const drafts = this.#outbox
      .read(0, 100_000)
      .map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as Draft);
    const told = drafts.flatMap((draft) => (draft.type === 'calibration.committed' ? [draft.data] : []));
    const answered = drafts.flatMap((draft) =>
      draft.type === 'command.done' ? [draft.data.transaction] : [],
    );
    const wrong: string[] = [];
    for (let revision = firstRevision; revision <= newest; revision++) {
      const times = told.filter((data) => data.revision === revision);
      if (times.length !== 1) wrong.push(`revision ${revision} was told ${times.length} times`);
      const isAsked = times[0]?.cause === 'calibrate' || times[0]?.cause === 'rollback';
      if (isAsked !== answered.includes(`t${revision}`))
        wrong.push(`revision ${revision} and its answer are not one`);
    }
    if (told.some(({ revision }) => revision > newest)) wrong.push('a revision was told that is not there');
    return wrong;
  }

  /** The audit log is whole, and tells of every revision once. */
  async #onRecord(folder: string): Promise<string[]> {
    const text = this.#known.get(auditHeadKey) ?? undefined;
    const head = text === undefined ? undefined : (JSON.parse(text) as AuditHead);
    const { records, problems } = await verifyAudit(join(folder, 'audit'), head);
    const told = records.flatMap(({ facts }) => toldRevision(facts) ?? []);
    const twice = told.filter(({ revision }, i) => told.findIndex((one) => one.revision === revision) !== i);
    const kept: CalibrationRecord[] = [];
    for (const { revision } of this.keeper.revisions.list())
      kept.unshift(await this.keeper.revisions.read(revision));
    return [
      ...problems,
      ...twice.map(({ revision }) => `revision ${revision} is on record twice`),
      ...againstAudit(kept, told, this.keeper.head).map(({ message }) => message),
    ];
  }

  async close(): Promise<void> {
    await this.#auditor.flush();
    this.#outbox.close();
  }
}
