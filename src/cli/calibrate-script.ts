import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { type Weight, weightClasses } from '#calibration/types.ts';
import { CliError } from './errors.ts';

const weightSchema = z
  .strictObject({
    id: z.string().min(1).max(64),
    massMg: z.number().int().positive().optional(),
    kg: z.number().positive().optional(),
    g: z.number().positive().optional(),
    class: z.enum(weightClasses).optional(),
    certificate: z.string().max(128).optional(),
  })
  .refine(
    ({ massMg, kg, g }) => [massMg, kg, g].filter((mass) => mass !== undefined).length === 1,
    'needs its mass, once: massMg, kg or g',
  );

const scriptSchema = z.strictObject({
  calibrate: z.literal(1),
  plates: z.array(z.string()).min(1).optional(),
  weights: z.array(weightSchema).min(1),
  model: z.enum(['zero', 'span', 'full']).default('full'),
  /** Program and arguments that put the load there; `{device}`, `{plate}`, `{step}`, `{massMg}`, `{at}` and `{weights}` are filled in. */
  place: z.array(z.string()).min(1).optional(),
  /** How long after that the step begins, s. */
  waitS: z.number().min(0).max(600).default(0),
  /** A step that is refused is tried so often. */
  tries: z.number().int().min(1).max(20).default(3),
  /** Whether what passed its check is put in force without asking. */
  accept: z.boolean().default(true),
});

/** An unattended calibration, as its file says it. */
export interface CalibrationScript {
  readonly plates?: readonly string[] | undefined;
  readonly weights: readonly Weight[];
  readonly model: 'zero' | 'span' | 'full';
  readonly place?: readonly string[] | undefined;
  readonly waitS: number;
  readonly tries: number;
  readonly accept: boolean;
}

/** Reads a script (YAML). Rejects with CW-CLI-004 where it can't be read, CW-CLI-001 where it is none. */
export async function readCalibrationScript(path: string): Promise<CalibrationScript> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new CliError('CW-CLI-001', `${path} is not YAML: ${describeError(cause)}`, { cause });
  }
  const result = scriptSchema.safeParse(value);
  if (!result.success) {
    const found = result.error.issues.map(({ path: at, message }) => `${at.join('.') || 'it'}: ${message}`);
    throw new CliError('CW-CLI-001', `${path} is no calibration script: ${found.join('; ')}`);
  }
  const { weights, ...rest } = result.data;
  return { ...rest, weights: weights.map(weightOf) };
}

function weightOf({ massMg, kg, g, class: weightClass, ...rest }: z.infer<typeof weightSchema>): Weight {
  const { id, certificate } = rest;
  return {
    id,
    massMg: massMg ?? Math.round((kg ?? 0) * 1_000_000 + (g ?? 0) * 1_000),
    ...(weightClass === undefined ? {} : { class: weightClass }),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

/** `5kg,10kg,500g` or `w1=5kg:M1`, as on the command line; weights without a name are numbered. Throws CW-CLI-001. */
export function parseWeights(text: string): readonly Weight[] {
  const list = text.split(',').map((part, index) => {
    const match = /^(?:([A-Za-z0-9._-]{1,64})=)?(\d+(?:\.\d+)?)\s*(kg|g)(?::(E2|F1|F2|M1|M2|M3))?$/.exec(
      part.trim(),
    );
    if (match === null) {
      throw new CliError(
        'CW-CLI-001',
        `--weights: ${JSON.stringify(part.trim())} is no weight; write 5kg, 500g, or with name and class w1=5kg:M1`,
      );
    }
    const [, id, number = '', unit, weightClass] = match;
    return {
      id: id ?? `w${index + 1}`,
      massMg: Math.round(Number(number) * (unit === 'kg' ? 1_000_000 : 1_000)),
      ...(weightClass === undefined ? {} : { class: z.enum(weightClasses).parse(weightClass) }),
    };
  });
  const twice = list.find(({ id }, index) => list.findIndex((one) => one.id === id) !== index);
  if (twice !== undefined) throw new CliError('CW-CLI-001', `--weights: two weights are called ${twice.id}`);
  return list;
}
