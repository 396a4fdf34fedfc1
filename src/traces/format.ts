import { z } from 'zod';
import { calibrationSchema } from '#config/board.ts';
import { ofOneThing } from '#fusion/observations.ts';
import { deviceFaultKinds } from '#readings/faults.ts';
import { TraceError } from './errors.ts';

const integer = z.number().int();
const time = integer.nonnegative();
const source = z.string().min(1);

/** A room's own saved state, which that room checks. */
const section = z.custom<object>((value) => typeof value === 'object' && value !== null, 'must be an object');

/** The first line of a trace. Paths are relative to the trace's folder. Unknown keys are ignored. */
export const headerSchema = z.object({
  trace: z.literal(1),
  device: z.string(),
  store: z.string().optional(),
  /** A profile's name or a file. */
  board: z.string(),
  calibration: z.string().optional(),
  catalogue: z.string().optional(),
  planogram: z.string().optional(),
  config: z.string().optional(),
  gallery: z.string().optional(),
  model: z.string().optional(),
  started: z.iso.datetime({ offset: true }).optional(),
  /** Monotonic time of the device at `t` = 0, µs: a recorded run keeps its times. */
  originUs: time.optional(),
  /** Keeps derived session ids as they were in a recorded run. */
  sessionSalt: z.string().optional(),
  /** Tare, baselines, basket and what was learned at the start; without it everything starts empty. */
  state: z
    .object({
      atUs: integer,
      weighing: section,
      fusion: section,
      basket: section,
    })
    .optional(),
});
export type TraceHeader = z.infer<typeof headerSchema>;

/** What really happened, for scoring; never shown to the pipeline. */
export const truthSchema = z.object({
  kind: z.enum(['added', 'removed', 'taken', 'returned', 'misplaced']),
  gtin: z.string().optional(),
  plu: z.string().optional(),
  count: integer.positive().default(1),
  plate: z.string().optional(),
  /** False where the catalogue doesn't have the product: then a question is the right answer. */
  listed: z.boolean().optional(),
});
export type Truth = z.infer<typeof truthSchema>;

const faultKinds = z.enum(deviceFaultKinds);

const ppm = integer.min(0).max(1_000_000);
const candidates = z.array(z.object({ look: z.string(), probabilityPpm: ppm }));
const share = integer.min(0).max(1_000);

/** What a camera said of a movement. */
const seen = z.object({
  plate: z.string().optional(),
  outcome: z.enum(['seen', 'nothing-changed', 'hand-only']),
  things: z.array(
    z.object({
      change: z.enum(['came', 'went']).optional(),
      moved: z.boolean().default(false),
      box: z.tuple([share, share, share, share]).optional(),
      candidates,
      unknownPpm: ppm.default(0),
      ambiguous: z.boolean().default(false),
    }),
  ),
  /** `t` at which the movement settled that it is of. */
  settled: time.optional(),
});
/** The same in recordings in which a look was at one thing. */
const seenOne = z
  .object({ ...seen.pick({ plate: true, settled: true }).shape, candidates, unknownPpm: ppm.default(0) })
  .transform(({ candidates: of, unknownPpm, ...rest }) => ({
    ...rest,
    ...ofOneThing({ candidates: of, unknownPpm }),
  }));

const lineSchemas = {
  acceleration: z.object({ t: time, source, acceleration: z.tuple([integer, integer, integer]) }),
  scan: z.object({ t: time, source, scan: z.string(), symbology: z.string().default('') }),
  scanHex: z.object({
    t: time,
    source,
    scanHex: z.string().regex(/^([0-9a-fA-F]{2})*$/),
    symbology: z.string().default(''),
  }),
  frame: z.object({ t: time, source, frame: z.string() }),
  massMg: z.object({
    t: time,
    source,
    massMg: integer,
    stable: z.boolean(),
    status: z.string().optional(),
    certificate: z.string().optional(),
  }),
  power: z.object({
    t: time,
    source,
    power: z.object({ external: z.boolean(), batteryPpm: integer.min(0).max(1_000_000).optional() }),
  }),
  /** Temperature, m°C. */
  temperature: z.object({ t: time, source, temperature: integer }),
  /** EPC of a radio tag. */
  tag: z.object({ t: time, source, tag: z.string().regex(/^(?:[0-9a-f]{2})+$/) }),
  truth: z.object({ t: time, truth: truthSchema }),
  command: z.object({
    t: time,
    command: z.string(),
    args: z.record(z.string(), z.unknown()).default({}),
    transaction: z.string().optional(),
  }),
  fault: z.object({
    t: time,
    source,
    fault: faultKinds,
    code: z.string().default('CW-DRV-005'),
    message: z.string().default(''),
    channel: z.string().optional(),
    cleared: z.boolean().optional(),
  }),
  clock: z.object({
    t: time,
    clock: z.object({ utcMs: integer, quality: z.enum(['synced', 'holdover', 'unset']).default('synced') }),
  }),
  sighting: z.object({
    t: time,
    source,
    sighting: z.union([seen, seenOne]),
  }),
  full: z.object({ t: time, full: z.boolean() }),
  /** A revision that came into force in the middle of a recording. */
  calibration: z.object({ t: time, calibration: calibrationSchema }),
  message: z.object({ t: time, message: z.unknown() }),
  end: z.object({ t: time, end: z.unknown() }),
} as const;

type Name = keyof typeof lineSchemas;
export type OtherLine = { [N in Name]: { readonly kind: N } & z.infer<(typeof lineSchemas)[N]> }[Name];

/** A run of samples of one cell: `counts[i]` at `t + i · periodUs`. */
export interface CountsLine {
  readonly kind: 'counts';
  readonly t: number;
  readonly source: string;
  readonly counts: readonly number[];
  readonly periodUs: number;
  /** The converter's running number of the first sample, where it doesn't follow from the run before. */
  readonly sequence?: number;
}
export type FrameLine = Extract<OtherLine, { readonly kind: 'frame' }>;
export type SightingLine = Extract<OtherLine, { readonly kind: 'sighting' }>;
export type TraceLine = CountsLine | OtherLine | { readonly kind: 'unknown'; readonly t: number };

const names = Object.keys(lineSchemas) as Name[];

/** Reads the header; `path` is the file it is of, for the message. Throws TraceError CW-TRC-001. */
export function parseHeader(text: string, path: string): TraceHeader {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TraceError(
      'CW-TRC-001',
      `${path}: line 1 is not JSON; a trace begins with a header {"trace":1,…}`,
      {
        cause,
      },
    );
  }
  const result = headerSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new TraceError(
      'CW-TRC-001',
      `${path}: line 1 is no trace header of version 1: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
    );
  }
  return result.data;
}

/**
 * Reads one line after the header. A line whose kind this version doesn't know is `unknown` and skipped by replay.
 * Throws TraceError CW-TRC-002.
 */
export function parseLine(text: string, lineNumber: number): TraceLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(lineNumber, 'is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw invalid(lineNumber, 'is not an object');
  if ('counts' in value) return parseCounts(value as Record<string, unknown>, lineNumber);
  const motion = parseMotion(value as Record<string, unknown>);
  if (motion !== undefined) return motion;
  for (const name of names) {
    if (!(name in value)) continue;
    const result = lineSchemas[name].safeParse(value);
    if (!result.success) {
      const issue = result.error.issues[0];
      throw invalid(lineNumber, `(${name}): ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
    }
    return { kind: name, ...result.data } as OtherLine;
  }
  const t = (value as { t?: unknown }).t;
  if (typeof t !== 'number' || !Number.isSafeInteger(t) || t < 0) throw invalid(lineNumber, 'has no valid t');
  return { kind: 'unknown', t };
}

/** By hand, because nearly all of a trace is made of these lines. */
function parseCounts(value: Record<string, unknown>, lineNumber: number): CountsLine {
  const { t, source: from, counts, periodUs, sequence } = value;
  if (typeof t !== 'number' || !Number.isSafeInteger(t) || t < 0) throw invalid(lineNumber, 'has no valid t');
  if (typeof from !== 'string' || from === '') throw invalid(lineNumber, '(counts): source is missing');
  const samples = typeof counts === 'number' ? [counts] : counts;
  if (!Array.isArray(samples) || samples.length === 0) {
    throw invalid(lineNumber, '(counts): must be a number or a list of numbers');
  }
  for (const sample of samples) {
    if (!Number.isSafeInteger(sample))
      throw invalid(lineNumber, `(counts): ${String(sample)} is not an integer`);
  }
  if (samples.length > 1 && !(Number.isSafeInteger(periodUs) && (periodUs as number) > 0)) {
    throw invalid(lineNumber, '(counts): a run of samples needs periodUs, a positive integer');
  }
  if (sequence !== undefined && !Number.isSafeInteger(sequence)) {
    throw invalid(lineNumber, '(counts): sequence is not an integer');
  }
  return {
    kind: 'counts',
    t,
    source: from,
    counts: samples,
    periodUs: samples.length > 1 ? (periodUs as number) : 0,
    ...(sequence === undefined ? {} : { sequence: sequence as number }),
  };
}

/** By hand too, as nearly all the rest is motion; what is not plainly right is left to the schema and its messages. */
function parseMotion({ t, source: from, acceleration }: Record<string, unknown>): OtherLine | undefined {
  if (!Array.isArray(acceleration) || acceleration.length !== 3) return undefined;
  const [x, y, z] = acceleration;
  const integers = Number.isSafeInteger(x) && Number.isSafeInteger(y) && Number.isSafeInteger(z);
  if (!integers || !Number.isSafeInteger(t) || (t as number) < 0) return undefined;
  if (typeof from !== 'string' || from.length === 0) return undefined;
  return { kind: 'acceleration', t: t as number, source: from, acceleration: [x, y, z] };
}

function invalid(lineNumber: number, what: string, cause?: unknown): TraceError {
  return new TraceError('CW-TRC-002', `line ${lineNumber} ${what}`, { cause, details: { line: lineNumber } });
}
