import { z } from 'zod';
import { testNames, tilts } from '#calibration/tests/types.ts';
import { weightClasses } from '#calibration/types.ts';

const name = z.string().min(1).max(64);
/** mg; nobody puts more than ten tonnes on a shelf. */
const mass = z.number().int().nonnegative().max(10_000_000_000);
const session = name;
const plate = name;
const weights = z.array(name).max(32);
const at = name.default('centre');
/** Why a step is taken against what speaks against it. */
const force = z.string().min(1).max(200).optional();

const weight = z.strictObject({
  id: name,
  massMg: mass,
  class: z.enum(weightClasses).optional(),
  certificate: z.string().max(128).optional(),
});

const environment = z.strictObject({
  milliCelsius: z.number().int().optional(),
  humidityPpm: z.number().int().min(0).max(1_000_000).optional(),
  pressurePa: z.number().int().min(30_000).max(120_000).optional(),
  note: z.string().max(500).optional(),
});

/** Longest and usual lease of a session, s. */
const lease = z.number().int().min(10).max(600).default(120);

/** Arguments of each `calibration.…` command. docs/mqtt.md has the table for people. */
export const calibrationArguments = {
  begin: z.strictObject({
    plates: z.array(plate).min(1).max(16),
    purpose: z.enum(['calibrate', 'verify']).default('calibrate'),
    expected: z.number().int().nonnegative(),
    weights: z.array(weight).max(32).default([]),
    environment: environment.optional(),
    leaseS: lease,
  }),
  renew: z.strictObject({ session }),
  resume: z.strictObject({ session }),
  finish: z.strictObject({ session }),
  abort: z.strictObject({ session, why: z.string().max(200).optional() }),
  status: z.strictObject({}),
  plan: z.strictObject({
    plate,
    weights: z.array(weight).min(1).max(32),
    model: z.enum(['zero', 'span', 'full']).default('full'),
    tests: z.array(z.enum(testNames)).min(1).optional(),
  }),
  zero: z.strictObject({ session, plate, force }),
  load: z.strictObject({
    session,
    plate,
    massMg: mass,
    at,
    direction: z.enum(['up', 'down']).default('up'),
    weights: weights.default([]),
    force,
  }),
  substitute: z.strictObject({ session, plate }),
  temperature: z.strictObject({ session, plate, massMg: mass.default(0), weights: weights.default([]) }),
  undo: z.strictObject({ session, plate }),
  fit: z.strictObject({
    session,
    plate: plate.optional(),
    model: z.enum(['linear', 'piecewise', 'quadratic']).optional(),
    trim: z.boolean().optional(),
  }),
  verify: z.strictObject({ session, plate, massMg: mass, at, weights: weights.default([]), force }),
  test: z.strictObject({
    session,
    plate,
    test: z.enum(testNames),
    massMg: mass,
    at,
    direction: z.enum(['up', 'down']).default('up'),
    extraMg: mass.optional(),
    tilt: z.enum(tilts).optional(),
    weights: weights.default([]),
    force,
  }),
  commit: z.strictObject({ session, candidate: name, expected: z.number().int().nonnegative() }),
  rollback: z.strictObject({
    revision: z.number().int().nonnegative(),
    expected: z.number().int().nonnegative(),
    why: z.string().min(1).max(200),
  }),
  list: z.strictObject({
    before: z.number().int().nonnegative().optional(),
    count: z.number().int().min(1).max(50).default(20),
  }),
  show: z.strictObject({ revision: z.number().int().nonnegative() }),
  report: z.strictObject({
    revision: z.number().int().nonnegative().optional(),
    session: session.optional(),
  }),
  diagnose: z.strictObject({
    plates: z.array(plate).min(1).max(16).optional(),
    seconds: z.number().int().min(2).max(120).default(10),
    empty: z.boolean().default(false),
    press: name.optional(),
  }),
} as const satisfies Readonly<Record<string, z.ZodType>>;

export type CalibrationCommand = keyof typeof calibrationArguments;
