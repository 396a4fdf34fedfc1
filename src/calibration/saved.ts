import { z } from 'zod';
import { calibrationSchema, plateSchema } from '#config/board.ts';
import { CalibrationError } from './errors.ts';
import type { Taken } from './plate-session.ts';
import { type BeginOptions, fitModels, type SessionState } from './session.ts';
import { regimes, testNames, tilts } from './tests/types.ts';
import { weightClasses } from './types.ts';

/** A session as it is saved: how it began, and its steps with their readings. */
export interface SavedSession {
  readonly saved: 1;
  readonly options: BeginOptions;
  readonly state: SessionState;
  readonly plates: Readonly<
    Record<
      string,
      {
        readonly journal: readonly Taken[];
        readonly undone: number;
        readonly zeroDoubtful: boolean;
        /** So many of the steps were taken before the converter was last without power; none where left out. */
        readonly beforeLoss?: number;
      }
    >
  >;
}

const cell = z.object({
  samples: z.number(),
  meanCounts: z.number(),
  sigmaCounts: z.number(),
  minCounts: z.number(),
  maxCounts: z.number(),
  driftCountsPerS: z.number(),
  saturated: z.boolean(),
});
const capture = z.object({
  plate: z.string(),
  fromUs: z.number(),
  toUs: z.number(),
  cells: z.record(z.string(), cell),
  indication: z.object({ meanMg: z.number(), sigmaMg: z.number(), samples: z.number() }).optional(),
  milliCelsius: z.number().optional(),
});
const args = z.object({
  plate: z.string().optional(),
  massMg: z.number().optional(),
  at: z.string().optional(),
  direction: z.enum(['up', 'down']).optional(),
  weights: z.array(z.string()).optional(),
  force: z.string().optional(),
  model: z.enum(fitModels).optional(),
  trim: z.boolean().optional(),
  test: z.enum(testNames).optional(),
  extraMg: z.number().optional(),
  tilt: z.enum(tilts).optional(),
});
const taken = z.object({
  kind: z.enum(['zero', 'load', 'substitute', 'temperature', 'fit', 'verify', 'test']),
  args,
  capture: capture.optional(),
  atUs: z.number(),
});
const options = z.object({
  session: z.string(),
  purpose: z.enum(['calibrate', 'verify']),
  plates: z.array(plateSchema),
  current: calibrationSchema.optional(),
  by: z.object({
    key: z.string().optional(),
    role: z.string().optional(),
    who: z.union([z.string(), z.number()]).optional(),
  }),
  weights: z.array(
    z.object({
      id: z.string(),
      massMg: z.number(),
      class: z.enum(weightClasses).optional(),
      certificate: z.string().optional(),
    }),
  ),
  environment: z
    .object({
      milliCelsius: z.number().optional(),
      humidityPpm: z.number().optional(),
      pressurePa: z.number().optional(),
      note: z.string().optional(),
    })
    .optional(),
  atUs: z.number(),
  leaseUs: z.number(),
  gravityUmS2: z.number().optional(),
  poweredSinceUs: z.number().optional(),
  regime: z.enum(regimes).optional(),
  settings: z.record(z.string(), z.number()).optional(),
});
const saved = z.object({
  saved: z.literal(1),
  options,
  state: z.enum(['armed', 'committed', 'aborted', 'expired']),
  plates: z.record(
    z.string(),
    z.object({
      journal: z.array(taken),
      undone: z.number(),
      zeroDoubtful: z.boolean(),
      beforeLoss: z.number().int().nonnegative().optional(),
    }),
  ),
});

/** Reads what `Procedure.save` gave. @throws CalibrationError CW-CAL-001 */
export function readSaved(value: unknown): SavedSession {
  const read = saved.safeParse(value);
  // What is absent stays so: zod's `optional` says "or undefined", the types here don't.
  if (read.success) return JSON.parse(JSON.stringify(read.data)) as SavedSession;
  throw new CalibrationError(
    'CW-CAL-001',
    `the saved calibration session is not one: ${read.error.issues[0]?.message ?? ''}`,
    {
      details: { path: read.error.issues[0]?.path.map(String) },
    },
  );
}
