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
  /** How many times the session has lost its power; none where left out. */
  readonly run?: number;
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
  poweredSinceUs: z.number().optional(),
  run: z.number().int().nonnegative().optional(),
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
  run: z.number().int().nonnegative().optional(),
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

/**
 * The steps of a saved session, told on the clock of now, µs: a clock that began anew with the power would put them after
 * those that are still to come. For how long the power was off is not known; the last step counts as one of this moment.
 */
export function rebased(plates: SavedSession['plates'], nowUs: number): SavedSession['plates'] {
  const latestUs = Math.max(
    ...Object.values(plates).flatMap(({ journal }) => journal.map(({ atUs }) => atUs)),
  );
  if (!(latestUs > nowUs)) return plates;
  const shiftUs = nowUs - latestUs;
  const shifted = Object.entries(plates).map(([id, plate]) => {
    const journal = plate.journal.map((taken): Taken => {
      const { atUs, poweredSinceUs } = taken;
      const power = poweredSinceUs === undefined ? {} : { poweredSinceUs: poweredSinceUs + shiftUs };
      return { ...taken, atUs: atUs + shiftUs, ...power };
    });
    return [id, { ...plate, journal }] as const;
  });
  return Object.fromEntries(shifted);
}
