import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSameJson } from '#base/canonical-json.ts';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import type { Calibration } from '#config/board.ts';
import { CalibrationError } from '../errors.ts';
import { chainFindings, copyFindings, headFindings, judgeFolder, type StoreFinding } from './chain.ts';
import {
  copyName,
  fileOf,
  moveAside,
  readRevision,
  removeFiles,
  type Scan,
  type ScannedRevision,
  scanFolder,
  writeRecordFile,
} from './folder.ts';
import {
  type CalibrationHead,
  type CalibrationRecord,
  type Counters,
  changesBetween,
  decodeRecord,
  encodeRecord,
  headOf,
  type RecordFacts,
} from './record.ts';

/** Never fewer are kept: the one in force and the one to go back to. */
const fewestKept = 2;
/** Kept where nothing else is configured. */
const usuallyKept = 50;

/** A revision to be: what it says beside its place in the chain, which the store gives it. */
export interface CalibrationDraft
  extends Pick<
    RecordFacts,
    | 'cause'
    | 'atMs'
    | 'timeQuality'
    | 'by'
    | 'session'
    | 'transaction'
    | 'from'
    | 'changes'
    | 'configuration'
    | 'report'
  > {
  /** Its own number counts only as the first of a store; later ones are numbered by it. */
  readonly calibration: Calibration;
}

/** A revision that is on the disk and not committed yet: `head` goes into the outbox under `calibrationHeadKey`. */
export interface PreparedCalibration {
  readonly record: CalibrationRecord;
  readonly head: CalibrationHead;
}

/** A revision as lists name it. */
type RevisionSummary = Omit<CalibrationRecord, 'calibration' | 'report' | 'configuration' | 'changes'> & {
  readonly hasReport: boolean;
};

interface StoreOptions {
  /** Folder of the revisions; it need not exist. */
  readonly folder: string;
  /** What the gateway keeps beside its events; undefined where it knows of none. */
  readonly head: CalibrationHead | undefined;
  /** How many revisions are kept, at least 2. */
  readonly keep?: number;
}

interface OpenedStore {
  readonly store: CalibrationStore;
  readonly findings: readonly StoreFinding[];
  /** The gateway's head is missing or out of date: the store's own has to be kept now. */
  readonly headIsNew: boolean;
}

/**
 * The calibrations of a device, one file a revision, each with the hash of the one before. A commit has two steps: the
 * file is made ready and durable (`prepare`), then the gateway stores the head that names it in one write with whatever
 * else belongs to the deed, and says so (`committed`). Where power is cut before that write the file is removed at the
 * next start; so a calibration is in force with its event, its record and its answer, or not at all.
 */
export class CalibrationStore {
  readonly #folder: string;
  readonly #keep: number;
  #current: CalibrationRecord | undefined;
  #head: CalibrationHead | undefined;
  #counters: Counters;
  #next: number;
  #summaries: RevisionSummary[];
  #prepared: { readonly prepared: PreparedCalibration; readonly bytes: Uint8Array } | undefined;
  #preparing = false;

  /**
   * Opens the store, takes away what was never committed and puts right what its own copies allow. What is wrong is among
   * the findings, and never keeps it from opening. Rejects with CW-CAL-108 where the folder can't be read.
   */
  static async open(options: StoreOptions): Promise<OpenedStore> {
    const { folder, head } = options;
    try {
      const scan = await scanFolder(folder);
      const verdict = judgeFolder(scan, head);
      const failed = await repair(folder, verdict.repairs);
      const gone = new Set(verdict.repairs.remove);
      const revisions = scan.revisions.filter(({ name }) => !gone.has(name));
      const { findings, headIsNew } = verdict;
      const store = new CalibrationStore(options, verdict, revisions);
      return { store, findings: [...findings, ...failed], headIsNew };
    } catch (cause) {
      throw unwritable(folder, cause);
    }
  }

  private constructor(
    { folder, keep = usuallyKept }: StoreOptions,
    { current, head, counters, next }: ReturnType<typeof judgeFolder>,
    revisions: readonly ScannedRevision[],
  ) {
    this.#folder = folder;
    this.#keep = Math.max(fewestKept, keep);
    this.#current = current;
    this.#head = head;
    this.#counters = counters;
    this.#next = next;
    this.#summaries = revisions.flatMap(({ record }) => (record === undefined ? [] : [summaryOf(record)]));
    // The one in force may have come from the last-good copy.
    if (current !== undefined && !this.#summaries.some(({ revision }) => revision === current.revision)) {
      this.#summaries.push(summaryOf(current));
      this.#summaries.sort((a, b) => a.revision - b.revision);
    }
  }

  /** The revision in force; undefined before the first one, and where none can be used. */
  get current(): CalibrationRecord | undefined {
    return this.#current;
  }

  /** The newest committed revision; it is the one in force unless that had to fall back. */
  get head(): CalibrationHead | undefined {
    return this.#head;
  }

  /** Nothing was ever kept here, whole or damaged: a device that begins. */
  get isNew(): boolean {
    return this.#next === 0;
  }

  get counters(): Counters {
    return this.#counters;
  }

  /** The revisions that are kept and whole, the newest first. */
  list(): readonly RevisionSummary[] {
    return this.#summaries.toReversed();
  }

  /** One revision with everything. Rejects with CW-CAL-110 where there is none, with CW-CAL-100 where it is damaged. */
  async read(revision: number): Promise<CalibrationRecord> {
    if (this.#current?.revision === revision) return this.#current;
    const isKept = this.#summaries.some((one) => one.revision === revision);
    const file = isKept ? await readRevision(this.#folder, revision) : undefined;
    if (file?.record !== undefined) return file.record;
    if (file?.problem !== undefined) {
      const message = `${file.name}, revision ${revision} of the calibration, is damaged: ${file.problem}`;
      throw new CalibrationError('CW-CAL-100', message);
    }
    const kept = this.#summaries.map((one) => one.revision);
    const there = kept.length === 0 ? 'none is kept' : `kept are ${kept[0]} to ${kept.at(-1)}`;
    throw new CalibrationError('CW-CAL-110', `there is no revision ${revision} of the calibration; ${there}`);
  }

  /**
   * Writes a revision; it is on the disk when this resolves, and in force only once it is `committed`. One at a time.
   * Rejects with CW-CAL-109 while another one is being committed, CW-CAL-108 where it can't be written.
   */
  async prepare(draft: CalibrationDraft): Promise<PreparedCalibration> {
    if (this.#preparing || this.#prepared !== undefined) {
      throw new CalibrationError(
        'CW-CAL-109',
        'another calibration is being committed; try again in a moment',
      );
    }
    this.#preparing = true;
    try {
      const bytes = encodeRecord(this.#factsOf(draft));
      // What could not be read again at the next start must not come into force.
      const record = decodeRecord(bytes);
      if (typeof record === 'string') {
        throw new CalibrationError('CW-CAL-108', `the calibration can't be kept: ${record}`);
      }
      await writeRecordFile(this.#folder, fileOf(record.revision), bytes).catch((cause: unknown) => {
        throw unwritable(this.#folder, cause);
      });
      const prepared = { record, head: headOf(record) };
      this.#prepared = { prepared, bytes };
      return prepared;
    } finally {
      this.#preparing = false;
    }
  }

  #factsOf(draft: CalibrationDraft): RecordFacts {
    const isFirst = this.#next === 0;
    const revision = isFirst ? Math.max(1, draft.calibration.revision) : this.#next;
    const calibration = { ...draft.calibration, revision };
    const { plates, changed } = changesBetween(this.#current?.calibration, calibration);
    const { cause } = draft;
    const kept = [...this.#summaries.map((one) => one.revision), revision].slice(-this.#keep);
    const former = this.#current?.configuration;
    const configuration = draft.configuration ?? former;
    const isReconfigured = former !== undefined && !isSameJson(former, configuration);
    return {
      revision,
      previous: this.#head?.hash ?? null,
      oldest: kept[0] ?? revision,
      counters: {
        calibration: this.#counters.calibration + Number(changed),
        configuration: this.#counters.configuration + Number(isReconfigured),
      },
      cause,
      atMs: draft.atMs,
      timeQuality: draft.timeQuality,
      by: draft.by,
      session: draft.session,
      transaction: draft.transaction,
      plates: [...plates],
      from: draft.from,
      changes: draft.changes,
      configuration,
      calibration,
      report: draft.report,
    };
  }

  /**
   * The head of a prepared revision is stored: from now on it is in force. Resolves when copies and retention are done;
   * what of that failed is told, and made good at the next start. Never rejects.
   */
  async committed(prepared: PreparedCalibration): Promise<readonly StoreFinding[]> {
    const held = this.#prepared;
    if (held === undefined || held.prepared !== prepared) return [];
    const { record } = prepared;
    this.#prepared = undefined;
    this.#current = record;
    this.#head = prepared.head;
    this.#counters = record.counters;
    this.#next = record.revision + 1;
    const outdated = this.#summaries.filter(({ revision }) => revision < record.oldest);
    this.#summaries = [
      ...this.#summaries.filter(({ revision }) => revision >= record.oldest),
      summaryOf(record),
    ];
    try {
      await writeRecordFile(this.#folder, copyName, held.bytes);
      await removeFiles(
        this.#folder,
        outdated.map(({ revision }) => fileOf(revision)),
      );
      return [];
    } catch (cause) {
      const { code, message } = unwritable(this.#folder, cause);
      return [{ code, message, details: { revision: record.revision } }];
    }
  }

  /** A prepared revision is not committed after all. Rejects with CW-CAL-108; the next start would remove it as well. */
  async discard(prepared: PreparedCalibration): Promise<void> {
    if (this.#prepared?.prepared !== prepared) return;
    this.#prepared = undefined;
    try {
      await removeFiles(this.#folder, [fileOf(prepared.record.revision)]);
    } catch (cause) {
      throw unwritable(this.#folder, cause);
    }
  }

  /** Reads every file anew and says what is wrong with them. Rejects with CW-CAL-108 where the folder can't be read. */
  async verify(): Promise<readonly StoreFinding[]> {
    try {
      const uncommitted = this.#prepared?.prepared.record.revision;
      const scan = await scanFolder(this.#folder);
      return findingsOf({
        ...scan,
        revisions: scan.revisions.filter(({ revision }) => revision !== uncommitted),
        head: this.#head,
      });
    } catch (cause) {
      throw unwritable(this.#folder, cause);
    }
  }
}

/** What was found in a folder off line. */
interface FolderReport {
  /** The revisions that are whole, the oldest first. */
  readonly records: readonly CalibrationRecord[];
  readonly findings: readonly StoreFinding[];
}

/**
 * Checks a folder of calibrations off line; nothing in it is changed. A single file above `head` was never committed.
 * Rejects with the system's error where it can't be read.
 */
export async function verifyFolder(folder: string, head: CalibrationHead | undefined): Promise<FolderReport> {
  const scan = await scanFolder(folder);
  const records = scan.revisions.flatMap(({ record }) => (record === undefined ? [] : [record]));
  return { records, findings: findingsOf({ ...scan, head }) };
}

function findingsOf({
  revisions,
  copy,
  foreign,
  head,
}: Scan & { readonly head: CalibrationHead | undefined }): StoreFinding[] {
  return [
    ...chainFindings(revisions),
    ...copyFindings(copy, revisions),
    ...(head === undefined ? [] : headFindings(head, revisions)),
    ...foreign.map((name) => ({
      code: 'CW-CAL-107' as const,
      message: `${name} in the folder of calibrations is none of them; look what it is, and remove it`,
      details: { file: name },
    })),
  ];
}

/** Puts right what can be. That it could not is told; what counts is known without it. */
async function repair(
  folder: string,
  { remove, restore, copyFrom }: ReturnType<typeof judgeFolder>['repairs'],
): Promise<readonly StoreFinding[]> {
  try {
    await removeFiles(folder, remove);
    if (restore !== undefined) {
      const bytes = await readFile(join(folder, copyName));
      if (restore.name !== '') await moveAside(folder, restore);
      await writeRecordFile(folder, fileOf(restore.revision), bytes);
    }
    if (copyFrom !== undefined) {
      await writeRecordFile(folder, copyName, await readFile(join(folder, copyFrom)));
    }
    return [];
  } catch (cause) {
    const { code, message } = unwritable(folder, cause);
    return [{ code, message, details: {} }];
  }
}

function summaryOf(record: CalibrationRecord): RevisionSummary {
  const { calibration: _, report, configuration: _c, changes: _d, ...rest } = record;
  return { ...rest, hasReport: report !== undefined };
}

function unwritable(folder: string, cause: unknown): CalibrationError {
  if (cause instanceof CalibrationError) return cause;
  return new CalibrationError(
    'CW-CAL-108',
    `the folder of calibrations ${folder} can't be used: ${plainCause(cause)}; what is in force stays so`,
    { cause, details: { cause: describeError(cause) } },
  );
}
