import type { CalibrationCode } from '../errors.ts';
import type { Scan, ScannedFile, ScannedRevision } from './folder.ts';
import {
  type CalibrationHead,
  type CalibrationRecord,
  type Counters,
  headOf,
  laterCounters,
} from './record.ts';

/** Something that an operator must hear of, found in the store. */
export interface StoreFinding {
  readonly code: CalibrationCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Which revision counts, what follows it, what is to be put right, and what was found on the way. */
export interface Verdict {
  /** In force; undefined where none can be used, or there is none. */
  readonly current: CalibrationRecord | undefined;
  /** The newest committed one, which need not be readable; undefined before the first. */
  readonly head: CalibrationHead | undefined;
  /** The gateway keeps no head of it, or an older one: it has to be told. */
  readonly headIsNew: boolean;
  readonly counters: Counters;
  /** Revision that the next one gets. */
  readonly next: number;
  readonly findings: readonly StoreFinding[];
  readonly repairs: Repairs;
}

interface Repairs {
  /** Files that were never committed, or that retention was about to remove. */
  readonly remove: readonly string[];
  /** A file whose whole content the last-good copy has. */
  readonly restore: ScannedRevision | undefined;
  /** The file that the last-good copy is written anew from; undefined where the copy is right, or nothing better is there. */
  readonly copyFrom: string | undefined;
}

/**
 * Judges what lies in the folder against the head that the gateway keeps beside its events. Pure. The head says which
 * revision is committed; a newer file is one that a power cut kept from being so. Without a head, or where files say
 * that it is out of date, the newest revision that is whole and in its chain counts.
 */
export function judgeFolder(scan: Scan, kept: CalibrationHead | undefined): Verdict {
  const orphan = kept === undefined ? undefined : orphanOf(scan, kept);
  const revisions = scan.revisions.filter((one) => one !== orphan);
  const findings: StoreFinding[] = [...chainFindings(revisions), ...copyFindings(scan.copy, revisions)];
  const isBehind = kept !== undefined && (newestOf(revisions, scan.copy)?.revision ?? 0) > kept.revision;
  const known = isBehind ? undefined : kept;
  if (isBehind) findings.push(behind(kept, revisions, scan.copy));
  const chosen = known === undefined ? newestOf(revisions, scan.copy) : named(known, revisions, scan.copy);
  if (
    known === undefined &&
    kept === undefined &&
    chosen !== undefined &&
    !isFirstImport(chosen, revisions)
  ) {
    findings.push(unknownHead(chosen));
  }
  if (known !== undefined) findings.push(...headFindings(known, revisions));
  const fallback =
    chosen ?? (known === undefined ? undefined : newestOf(revisions, scan.copy, known.revision));
  if (chosen === undefined) findings.push(...lostFindings(known, revisions, fallback));
  const head = known ?? (chosen === undefined ? undefined : headOf(chosen));
  const counters = countersOf(revisions, scan.copy, kept);
  const last = Math.max(head?.revision ?? -1, kept?.revision ?? -1, revisions.at(-1)?.revision ?? -1);
  const whole = head === undefined ? undefined : { ...head, counters };
  return {
    current: fallback,
    head: whole,
    headIsNew: known === undefined && chosen !== undefined,
    counters,
    next: last + 1,
    findings,
    repairs: repairsOf({ scan, orphan, revisions, chosen }),
  };
}

/**
 * The file that was made ready for a commit that never came: a single one above the head. That the last-good copy is as
 * new shows that it was committed.
 */
function orphanOf({ revisions, copy }: Scan, head: CalibrationHead): ScannedRevision | undefined {
  const newer = revisions.filter(({ revision }) => revision > head.revision);
  const [only] = newer;
  if (only === undefined || newer.length > 1) return undefined;
  return (copy?.record?.revision ?? -1) >= only.revision ? undefined : only;
}

/** The revision that the head names, from its file or from the last-good copy. */
function named(
  { revision, hash }: CalibrationHead,
  revisions: readonly ScannedRevision[],
  copy: ScannedFile | undefined,
): CalibrationRecord | undefined {
  const file = revisions.find((one) => one.revision === revision);
  if (file?.record?.hash === hash) return file.record;
  return copy?.record?.hash === hash ? copy.record : undefined;
}

/** The newest record that is whole and that its successor, where that is whole, follows from; below `limit` where that is given. */
function newestOf(
  revisions: readonly ScannedRevision[],
  copy: ScannedFile | undefined,
  limit = Number.POSITIVE_INFINITY,
): CalibrationRecord | undefined {
  const records = revisions.flatMap(({ record }) => (record === undefined ? [] : [record]));
  if (copy?.record !== undefined && !records.some(({ hash }) => hash === copy.record?.hash)) {
    const { record } = copy;
    // Where a file of that number is whole and says something else, nobody can tell which of them is right.
    if (!records.some(({ revision }) => revision === record.revision)) records.push(record);
  }
  const usable = records.filter(({ revision }) => revision < limit).sort((a, b) => b.revision - a.revision);
  return usable.find((record) => {
    const after = records.find(({ revision }) => revision === record.revision + 1);
    return after === undefined || after.previous === record.hash;
  });
}

/** Every counter at its largest: neither damage nor an old copy may take one back. */
function countersOf(
  revisions: readonly ScannedRevision[],
  copy: ScannedFile | undefined,
  kept: CalibrationHead | undefined,
): Counters {
  const seen = [...revisions, ...(copy === undefined ? [] : [copy])].map(({ record }) => record?.counters);
  return [...seen, kept?.counters].reduce<Counters>(laterCounters, { calibration: 0, configuration: 0 });
}

function repairsOf(of: {
  readonly scan: Scan;
  readonly orphan: ScannedRevision | undefined;
  readonly revisions: readonly ScannedRevision[];
  readonly chosen: CalibrationRecord | undefined;
}): Repairs {
  const { scan, orphan, revisions, chosen } = of;
  const outdated = chosen === undefined ? [] : revisions.filter(({ revision }) => revision < chosen.oldest);
  const remove = [
    ...scan.unfinished,
    ...(orphan === undefined ? [] : [orphan.name]),
    ...outdated.map(({ name }) => name),
  ];
  const file = revisions.find(({ revision }) => revision === chosen?.revision);
  const isFromCopy = chosen !== undefined && file?.record?.hash !== chosen.hash;
  return {
    remove,
    restore: isFromCopy
      ? (file ?? { name: '', revision: chosen.revision, record: undefined, problem: undefined, sha256: '' })
      : undefined,
    copyFrom:
      chosen === undefined || isFromCopy || scan.copy?.record?.hash === chosen.hash ? undefined : file?.name,
  };
}

/** What is wrong with the files as such: damage, gaps, revisions that do not follow from the one before. Pure. */
export function chainFindings(revisions: readonly ScannedRevision[]): StoreFinding[] {
  const findings: StoreFinding[] = [];
  let before: ScannedRevision | undefined;
  for (const file of revisions) {
    const { name, revision, record, problem } = file;
    if (problem !== undefined) findings.push(damaged(name, revision, problem));
    if (before !== undefined && before.revision !== revision - 1) {
      findings.push(missing(before.revision + 1, revision - 1));
    } else if (
      before?.record !== undefined &&
      record !== undefined &&
      record.previous !== before.record.hash
    ) {
      findings.push({
        code: 'CW-CAL-102',
        message: `revision ${revision} of the calibration does not follow from ${before.name}: one of the two was replaced; compare both with the events calibration.committed in the store, and calibrate anew if in doubt`,
        details: { revision, previous: record.previous, found: before.record.hash },
      });
    }
    before = file;
  }
  const newest = revisions.findLast(({ record }) => record !== undefined);
  const [first] = revisions;
  if (newest?.record !== undefined && first !== undefined && first.revision > newest.record.oldest) {
    findings.push(missing(newest.record.oldest, first.revision - 1));
  }
  return findings;
}

/** What is wrong with the last-good copy; that it is missing or one behind is what a power cut may leave. Pure. */
export function copyFindings(
  copy: ScannedFile | undefined,
  revisions: readonly ScannedRevision[],
): StoreFinding[] {
  if (copy === undefined) return [];
  const details = { file: copy.name, sha256: copy.sha256 };
  if (copy.record === undefined) {
    const message = `the last-good copy of the calibration, ${copy.name}, is damaged (${copy.problem}); it is written anew from the revision in force at the next start`;
    return [{ code: 'CW-CAL-103', message, details }];
  }
  const { revision, hash } = copy.record;
  const same = revisions.find((one) => one.revision === revision);
  if (same?.record === undefined || same.record.hash === hash) return [];
  const message = `the last-good copy of the calibration is another revision ${revision} than ${same.name}: one of the two was replaced`;
  return [{ code: 'CW-CAL-102', message, details: { ...details, revision, found: hash } }];
}

/** What is wrong with the newest revision, held against the head that was kept elsewhere. Pure. */
export function headFindings(head: CalibrationHead, revisions: readonly ScannedRevision[]): StoreFinding[] {
  const file = revisions.find(({ revision }) => revision === head.revision);
  const details = { revision: head.revision, expected: head.hash };
  if (file === undefined) {
    const message = `revision ${head.revision} of the calibration was committed, and its file is missing`;
    return [{ code: 'CW-CAL-101', message, details }];
  }
  if (file.record === undefined || file.record.hash === head.hash) return [];
  const message = `${file.name} is not the revision that was committed: its hash should be ${head.hash}`;
  return [{ code: 'CW-CAL-102', message, details: { ...details, found: file.record.hash } }];
}

function lostFindings(
  known: CalibrationHead | undefined,
  revisions: readonly ScannedRevision[],
  fallback: CalibrationRecord | undefined,
): StoreFinding[] {
  if (known === undefined && revisions.length === 0) return [];
  const details = { committed: known?.revision ?? revisions.at(-1)?.revision };
  if (fallback === undefined) {
    const message =
      'no revision of the calibration can be used, so its plates are not weighed; calibrate them, or put the folder calibrations back from a backup';
    return [{ code: 'CW-CAL-105', message, details }];
  }
  const { revision } = fallback;
  const message = `revision ${details.committed} of the calibration can not be used; revision ${revision}, the last good one, is in force: check the scales with known weights and calibrate, or roll back to a revision that you trust`;
  return [{ code: 'CW-CAL-104', message, details: { ...details, revision } }];
}

function damaged(name: string, revision: number, problem: string): StoreFinding {
  return {
    code: 'CW-CAL-100',
    message: `${name}, revision ${revision} of the calibration, is damaged: ${problem}`,
    details: { file: name, revision, problem },
  };
}

function missing(from: number, to: number): StoreFinding {
  const which = from === to ? `revision ${from}` : `revisions ${from} to ${to}`;
  return {
    code: 'CW-CAL-101',
    message: `${which} of the calibration ${from === to ? 'is' : 'are'} missing: somebody took the file away`,
    details: { from, to },
  };
}

/** The very first record, made ready when power was cut: nothing is lost, and nobody need be told. */
function isFirstImport({ cause, previous }: CalibrationRecord, revisions: readonly ScannedRevision[]) {
  return cause === 'import' && previous === null && revisions.length === 1;
}

function unknownHead({ revision }: CalibrationRecord): StoreFinding {
  return {
    code: 'CW-CAL-106',
    message: `the gateway's own state knows of no calibration, as after a lost outbox; the newest whole one of the folder, revision ${revision}, is in force`,
    details: { revision },
  };
}

function behind(
  head: CalibrationHead,
  revisions: readonly ScannedRevision[],
  copy: ScannedFile | undefined,
): StoreFinding {
  const newest = Math.max(revisions.at(-1)?.revision ?? 0, copy?.record?.revision ?? 0);
  return {
    code: 'CW-CAL-106',
    message: `the gateway's own state ends with revision ${head.revision} of the calibration, the folder with ${newest}, as after an old copy of the outbox was put back; the newest whole one is in force`,
    details: { kept: head.revision, newest },
  };
}
