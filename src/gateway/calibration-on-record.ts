import { z } from 'zod';
import { isSameJson } from '#base/canonical-json.ts';
import type { StoreFinding } from '#calibration/store/chain.ts';
import { type CalibrationRecord, sha256Hex } from '#calibration/store/record.ts';
import type { Draft } from '#events/event.ts';
import type { AuditFacts } from '#identity/audit-chain.ts';

/** Parameters in a record of the audit log, as JSON, are kept whole up to this many characters: a shelf has many cells. */
const longestParameters = 20_000;

/** What the ledger hears of a revision. */
export function committedEvent(record: CalibrationRecord, before: CalibrationRecord | undefined): Draft {
  const { revision, cause, plates, counters, hash, from, session, by } = record;
  return {
    type: 'calibration.committed',
    data: {
      revision,
      ...(before === undefined ? {} : { previous: before.revision }),
      cause,
      plates,
      calibrationCounter: counters.calibration,
      configurationCounter: counters.configuration,
      hash,
      ...(from === undefined ? {} : { from }),
      ...(session === undefined ? {} : { session }),
      ...(by?.key === undefined ? {} : { actor: by.key }),
    },
  };
}

/**
 * What the audit log says of a revision: its place in the chain of revisions, so that one can be held against the other,
 * each parameter that changed with its value before and after, and the steps that somebody took for a reason of his own.
 */
export function committedFacts(record: CalibrationRecord, before: CalibrationRecord | undefined): AuditFacts {
  const { revision, cause, plates, counters, hash, from, session, changes, report } = record;
  const forced = forcedSteps(report);
  return {
    calibration: {
      revision,
      hash,
      cause,
      plates,
      counters,
      ...(from === undefined ? {} : { from }),
      ...(session === undefined ? {} : { session }),
    },
    ...(changes === undefined ? {} : { changes: whole(changes) }),
    ...(forced.length === 0 ? {} : { forced: whole(forced) }),
    before: { revision: before?.revision ?? null, parameters: whole(parametersOf(before, plates)) },
    after: { revision, parameters: whole(parametersOf(record, plates)) },
  };
}

const reportedNotices = z.object({
  plates: z.array(
    z.object({
      id: z.string(),
      notices: z.array(z.object({ code: z.string(), message: z.string() })).default([]),
    }),
  ),
});

/** Codes of steps that were taken although something spoke against them: of zero, and of a load. */
const forcedCodes: readonly string[] = ['CW-CAL-074', 'CW-CAL-075'];

/** What the report keeps of such steps; nothing where a revision has no report. */
function forcedSteps(report: unknown): { plate: string; code: string; message: string }[] {
  const { success, data } = reportedNotices.safeParse(report);
  if (!success) return [];
  return data.plates.flatMap(({ id, notices }) =>
    notices.filter(({ code }) => forcedCodes.includes(code)).map((notice) => ({ plate: id, ...notice })),
  );
}

/** The named plates' entries, and what the calibration says beside its plates. */
function parametersOf(record: CalibrationRecord | undefined, plates: readonly string[]): unknown {
  if (record === undefined) return {};
  const { plates: all, calibration: _, revision: _r, ...rest } = record.calibration;
  const entries = plates.flatMap((id) => (all[id] === undefined ? [] : [[id, all[id]] as const]));
  return { ...rest, plates: Object.fromEntries(entries) };
}

/** What is too long for a line of the log stands there by its hash: the revision's own file has all of it. */
function whole(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text.length <= longestParameters ? value : { characters: text.length, sha256: sha256Hex(text) };
}

/** Where a finding is, as the channel of a fault: one for each file, so that none hides another. */
export function findingChannel({ code, details }: StoreFinding): string {
  const { revision, file, from } = details;
  if (isSameJson(file, 'last-good.json')) return 'last-good';
  if (typeof revision === 'number' && code !== 'CW-CAL-104') return `revision-${revision}`;
  if (typeof from === 'number') return `revision-${from}`;
  return code.toLowerCase();
}
