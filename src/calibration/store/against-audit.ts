import type { StoreFinding } from './chain.ts';
import type { CalibrationHead, CalibrationRecord } from './record.ts';

/** A revision as a record of the audit log tells of it. */
interface ToldRevision {
  readonly revision: number;
  readonly hash: string;
}

/** The revision that a record of the audit log tells of; undefined where it tells of none. Pure. */
export function toldRevision(facts: Readonly<Record<string, unknown>>): ToldRevision | undefined {
  const { calibration } = facts;
  if (typeof calibration !== 'object' || calibration === null) return undefined;
  const { revision, hash } = calibration as Readonly<Record<string, unknown>>;
  return typeof revision === 'number' && typeof hash === 'string' ? { revision, hash } : undefined;
}

/**
 * Holds the revisions of a folder against what the audit log tells of commits: two chains that were written apart have to
 * say the same. `told` are all that the log tells, in its order; a revision above `head` was never committed. Pure.
 */
export function againstAudit(
  records: readonly CalibrationRecord[],
  told: readonly ToldRevision[],
  head: CalibrationHead | undefined,
): StoreFinding[] {
  const findings: StoreFinding[] = [];
  const byRevision = new Map(told.map((one) => [one.revision, one.hash]));
  const newest = head?.revision ?? Number.POSITIVE_INFINITY;
  for (const { revision, hash } of records) {
    if (revision > newest) continue;
    const expected = byRevision.get(revision);
    if (expected === hash) continue;
    const what =
      expected === undefined
        ? `the audit log does not tell of revision ${revision} of the calibration: it was put there by somebody else`
        : `revision ${revision} of the calibration is not the one that the audit log tells of: its hash should be ${expected}`;
    findings.push({ code: 'CW-CAL-111', message: what, details: { revision, hash, expected } });
  }
  const last = records.findLast(({ revision }) => revision <= newest)?.revision ?? 0;
  const beyond = told.filter(({ revision }) => revision > last).map(({ revision }) => revision);
  if (beyond.length > 0) {
    const most = Math.max(...beyond);
    findings.push({
      code: 'CW-CAL-111',
      message: `the audit log tells of revision ${most} of the calibration, the folder ends with ${last}: the rest was taken away`,
      details: { told: most, last },
    });
  }
  return findings;
}
