import { z } from 'zod';
import { deviceFaultKinds } from '#readings/faults.ts';
import { lensCodes, longestRim } from '../change/lens-memory.ts';
import type { FromVision, ToVision } from './messages.ts';

/** Most bytes of a code: a QR code holds 2,953. */
const longestCode = 4_096;
/** Most candidates that are told. */
const mostCandidates = 16;
/** Most cameras of a board. */
const mostCameras = 32;
/** Most things that one look tells of. */
const mostThings = 4;

/** Fields of one entry of the log. */
const mostFields = 16;
/** Most looks of a catalogue; of more, those beyond would count as not enrolled. */
export const mostLooks = 200_000;

const name = z.string().min(1).max(128);
const text = z.string().max(2_000);
const path = z.string().min(1).max(4_096);
const id = z.int().nonnegative();
const us = z.int();
const count = z.int().nonnegative();
const ppm = z.int().min(0).max(1_000_000);

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length <= longestCode, {
  error: `must be at most ${longestCode} bytes`,
});
const embedding = z.custom<Int8Array>((value) => value instanceof Int8Array && value.length <= 256, {
  error: 'must be at most 256 values of a byte',
});

const lens = z.strictObject({
  sharpness: z.number().nonnegative(),
  rim: z.custom<Int8Array>((value) => value instanceof Int8Array && value.length <= longestRim, {
    error: `must be at most ${longestRim} values of a byte`,
  }),
});

const view = z.strictObject({
  plate: name,
  camera: name,
  region: z.tuple([count, count, z.int().positive(), z.int().positive()]).optional(),
  purpose: z.enum(['things', 'codes']),
});

const setup = z.strictObject({
  devices: z
    .array(z.strictObject({ id: name, driver: name, options: z.record(z.string(), z.unknown()) }))
    .max(mostCameras),
  views: z.array(view).max(128),
  driverPaths: z.array(path),
  model: path.optional(),
  backend: z.enum(['onnx-int8', 'onnx-fp32', 'tfjs-wasm', 'tfjs-node']),
  threads: z.int().min(1).max(64),
  looks: z.array(name).max(mostLooks),
  gallery: path.optional(),
  ringUs: z.int().positive(),
  ringBytes: z.int().positive(),
  restPerSecond: z.number().positive(),
  watchPerSecond: z.number().positive(),
  warmMilliCelsius: z.int(),
  recordings: path,
  keepRecordingUs: count,
  recordingBytes: count,
});

/** What the vision process takes. */
export const toVisionSchema: z.ZodType<ToVision> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('begin'),
    setup,
    lenses: z
      .array(
        z.strictObject({
          camera: name,
          normal: lens.optional(),
          standing: z.array(z.enum(lensCodes)).max(lensCodes.length),
        }),
      )
      .max(mostCameras),
  }),
  z.strictObject({
    kind: z.literal('look'),
    id,
    plate: name,
    startedAtUs: us,
    settledAtUs: us,
    sign: z.union([z.literal(-1), z.literal(0), z.literal(1)]),
  }),
  z.strictObject({ kind: z.literal('watch'), plate: name, atUs: us }),
  z.strictObject({ kind: z.literal('quiet'), plate: name }),
  z.strictObject({ kind: z.literal('expect-code'), plate: name, forMs: z.int().positive().max(600_000) }),
  z.strictObject({ kind: z.literal('trip') }),
  z.strictObject({ kind: z.literal('gallery'), path }),
  z.strictObject({ kind: z.literal('embed'), id, camera: name, plate: name }),
  z.strictObject({ kind: z.literal('record'), id, camera: name, seconds: z.int().positive().max(86_400) }),
  z.strictObject({ kind: z.literal('erase'), id }),
  z.strictObject({
    kind: z.literal('load'),
    milliCelsius: z.int().optional(),
    busyPpm: count.optional(),
  }),
  z.strictObject({ kind: z.literal('stop') }),
]);

const fault = z.strictObject({
  fault: z.enum(deviceFaultKinds),
  code: z.string().max(16),
  message: text,
  channel: name.optional(),
  cleared: z.boolean().optional(),
});

const camera = z.strictObject({
  id: name,
  driver: name,
  state: z.enum(['closed', 'opening', 'running', 'waiting']),
  identity: z.strictObject({
    vendor: z.string().max(256).optional(),
    model: z.string().max(256).optional(),
    serial: z.string().max(256).optional(),
    firmware: z.string().max(256).optional(),
  }),
  frames: count,
  lastFrameUs: us.optional(),
  framesPerSecond: z.number().nonnegative(),
  framesDropped: count,
});

const share = z.int().min(0).max(1_000);

const thing = z.strictObject({
  change: z.enum(['came', 'went']),
  moved: z.boolean(),
  box: z.tuple([share, share, share, share]),
  candidates: z.array(z.strictObject({ look: name, probabilityPpm: ppm })).max(mostCandidates),
  unknownPpm: ppm,
  ambiguous: z.boolean(),
});

/** What the gateway takes of the vision process, and all that this may send. */
export const fromVisionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('alive') }),
  z.strictObject({ kind: z.literal('ready'), backend: z.string().max(128), model: z.string().max(128) }),
  z.strictObject({
    kind: z.literal('looked'),
    id,
    camera: name,
    plate: name,
    settledAtUs: us,
    atUs: us,
    outcome: z.enum(['seen', 'nothing-changed', 'hand-only', 'no-frames', 'failed']),
    things: z.array(thing).max(mostThings),
    enrolledPpm: ppm,
  }),
  z.strictObject({
    kind: z.literal('code'),
    camera: name,
    plate: name,
    atUs: us,
    data: bytes,
    symbology: z.string().regex(/^\][A-Za-z][0-9A-Za-z]$/),
  }),
  z.strictObject({ kind: z.literal('motion'), camera: name, plate: name, atUs: us }),
  z.strictObject({ kind: z.literal('lens'), camera: name, normal: lens }),
  z.strictObject({ kind: z.literal('fault'), source: name, fault, atUs: us }),
  z.strictObject({ kind: z.literal('embedded'), id, embedding }),
  z.strictObject({
    kind: z.literal('recording'),
    id,
    camera: name,
    path,
    untilUs: us,
    erasedAt: count,
  }),
  z.strictObject({ kind: z.literal('erased'), id, files: count }),
  z.strictObject({ kind: z.literal('refused'), id, code: z.string().max(16), message: text }),
  z.strictObject({
    kind: z.literal('log'),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    message: text,
    fields: z
      .record(name, z.union([z.string().max(500), z.number(), z.boolean()]))
      .refine((fields) => Object.keys(fields).length <= mostFields, { error: 'has too many fields' }),
  }),
  z.strictObject({
    kind: z.literal('health'),
    health: z.strictObject({
      cameras: z.array(camera).max(mostCameras),
      looksPerSecond: z.number().nonnegative(),
      slowedBy: z.enum(['heat', 'load']).optional(),
      inferenceMs: z.number().nonnegative().optional(),
      gallery: name.optional(),
      residentBytes: count,
      recordingUntilUs: us.optional(),
    }),
  }),
]) as z.ZodType<FromVision>;
