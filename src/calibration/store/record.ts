import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isSameJson } from '#base/canonical-json.ts';
import { describeError } from '#base/errors.ts';
import { type Calibration, calibrationSchema } from '#config/board.ts';

/** Counters of category 3 sealing (NIST Handbook 44, General Code, table G-S.8.1): they only ever rise. */
export interface Counters {
  /** +1 with every revision that changed an adjustment. */
  readonly calibration: number;
  /** +1 with every change of the configuration that weighing depends on. */
  readonly configuration: number;
}

/** What the gateway keeps of the newest revision beside its events: it says which one is committed. */
export interface CalibrationHead {
  readonly revision: number;
  /** Hash of its record, lower-case hexadecimal. */
  readonly hash: string;
  readonly counters: Counters;
}

/** Under this key the head lies in the state of the outbox. */
export const calibrationHeadKey = 'calibration/head';

/** What made a revision. `configuration`: the calibration stayed, what it is used with changed. */
const revisionCauses = ['calibrate', 'zero', 'rollback', 'import', 'configuration'] as const;

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();

/** One parameter of the configuration that changed: its path, and its values as JSON; left out where there was or is none. */
const changeSchema = z.object({
  path: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});
export type ConfigurationChange = z.infer<typeof changeSchema>;

/** Version of the records' format. */
export const calibrationRecordFormat = 1;

/** A later version may say more about a revision; what it weighs with has to be understood in full. */
const recordSchema = z.object({
  record: z.literal(calibrationRecordFormat),
  revision: count,
  previous: hash.nullable(),
  oldest: count,
  counters: z.object({ calibration: count, configuration: count }),
  cause: z.enum(revisionCauses),
  atMs: z.number(),
  timeQuality: z.enum(['synced', 'holdover', 'unset']),
  by: z
    .object({
      key: z.string().optional(),
      role: z.string().optional(),
      who: z.union([z.string(), z.number()]).optional(),
    })
    .optional(),
  session: z.string().optional(),
  transaction: z.string().optional(),
  plates: z.array(z.string()),
  from: count.optional(),
  changes: z.array(changeSchema).optional(),
  configuration: z.record(z.string(), z.unknown()).optional(),
  calibration: calibrationSchema,
  report: z.unknown().optional(),
});

/**
 * One revision as it lies on the disk. `oldest` is the oldest revision that was kept beside it; `plates` are those whose
 * adjustment it changed; `from` is the revision that a rollback brought back; `configuration` is what else weighing
 * depends on, so that a change of that is noticed; `report` is the calibration's report.
 */
export type CalibrationRecord = z.infer<typeof recordSchema> & { readonly hash: string };

/** A record without what its place in the chain gives it. */
export type RecordFacts = Omit<z.infer<typeof recordSchema>, 'record'>;

/** No record is longer, bytes. */
export const largestRecord = 8 * 1_048_576;
const tail = /,"hash":"([0-9a-f]{64})"\}\n$/;
/** `,"hash":"…"}` and a line feed. */
const tailLength = 76;

/**
 * The bytes of a record. Its hash, always last, is the SHA-256 of everything before `,"hash":`: every bit counts, those of
 * the content by the hash, those of hash and frame because they have one form only.
 */
export function encodeRecord(facts: RecordFacts): Buffer {
  const body = JSON.stringify({ record: calibrationRecordFormat, ...facts }).slice(0, -1);
  return Buffer.from(`${body},"hash":"${sha256Hex(body)}"}\n`);
}

/** Reads a record; what is wrong with it otherwise, as part of a sentence. Never throws. */
export function decodeRecord(bytes: Uint8Array): CalibrationRecord | string {
  if (bytes.length > largestRecord) return `it has ${bytes.length} bytes, no record has`;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const stated = tail.exec(buffer.subarray(-tailLength).toString('latin1'))?.[1];
  if (stated === undefined) return 'it does not end with its hash';
  const body = buffer.subarray(0, -tailLength);
  if (sha256Hex(body) !== stated) return 'it is not what its hash says';
  let value: unknown;
  try {
    value = JSON.parse(`${body.toString('utf8')}}`);
  } catch (error) {
    return `it is not JSON (${describeError(error)})`;
  }
  const result = recordSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    return `this release can't read it (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`;
  }
  if (result.data.calibration.revision !== result.data.revision) return 'it holds another revision';
  return { ...result.data, hash: stated };
}

/** The head that a record makes. */
export function headOf({ revision, hash: ownHash, counters }: CalibrationRecord): CalibrationHead {
  return { revision, hash: ownHash, counters };
}

/** Reads a head from its JSON text; undefined for what is none. */
export function parseHead(text: string): CalibrationHead | undefined {
  const schema = z.object({ revision: count, hash, counters: recordSchema.shape.counters });
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Each counter the larger of both. */
export function laterCounters(a: Counters, b: Counters | undefined): Counters {
  return {
    calibration: Math.max(a.calibration, b?.calibration ?? 0),
    configuration: Math.max(a.configuration, b?.configuration ?? 0),
  };
}

/** Plates whose entry differs between two calibrations, and whether anything else of them does (the number apart). */
export function changesBetween(
  before: Calibration | undefined,
  after: Calibration,
): { readonly plates: readonly string[]; readonly changed: boolean } {
  const ids = new Set([...Object.keys(before?.plates ?? {}), ...Object.keys(after.plates)]);
  const plates = [...ids].filter((id) => !isSameJson(before?.plates[id], after.plates[id])).sort();
  const rest = (one: Calibration | undefined) => ({ ...one, revision: 0, plates: {} });
  return { plates, changed: plates.length > 0 || !isSameJson(rest(before), rest(after)) };
}

/** SHA-256 in lower-case hexadecimal. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
