import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { cellFaults } from './bridge.ts';
import { SimulationError } from './errors.ts';
import { productSymbologies } from './payloads.ts';
import { puttingWays } from './physics/handling.ts';
import { type Floor, floors } from './physics/vibration.ts';

const gtin = z.string().regex(/^\d{14}$/, 'must be a GTIN of 14 digits, padded with zeros');
const plu = z.string().regex(/^\d{4,5}$/, 'must be a PLU of 4 or 5 digits');
const massMg = z.number().int().positive();
const seconds = z.number().positive().max(3600);
const point = z.tuple([z.number(), z.number()]);

/** A thing that the catalogue doesn't have: a product with or without a code, or (`goods: false`) a bag, a coat, a child. */
const unlisted = z
  .strictObject({
    name: z.string().min(1).describe('What it is; a later `take` finds it by this name.'),
    grossMg: massMg.describe('What it weighs, mg.'),
    gtin: gtin.optional().describe('Its GTIN, which the catalogue does not have.'),
    goods: z.boolean().default(true).describe('False for what is not for sale: it makes no truth.'),
  })
  .describe('A thing that the catalogue does not have.');

/** How a step names a product: exactly one of `gtin`, `plu` and `unlisted`. */
const which = {
  gtin: gtin.optional().describe('Product of the catalogue by GTIN.'),
  plu: plu.optional().describe('Product of the catalogue by PLU.'),
};
const oneOf = (value: object, names: readonly string[]) =>
  names.filter((name) => (value as Record<string, unknown>)[name] !== undefined).length === 1;

const staffs = z
  .boolean()
  .default(false)
  .describe('Staff do it, who work there: nobody buys or returns anything, so it makes no truth.');

const putSchema = z
  .strictObject({
    ...which,
    unlisted: unlisted.optional(),
    count: z.number().int().min(1).max(20).default(1).describe('Number of pieces, put down together.'),
    massMg: massMg.optional().describe('Mass of all pieces together, mg; else drawn from the catalogue.'),
    plate: z.string().optional().describe('Plate; may be left out where there is only one.'),
    at: point.optional().describe("Where, mm right of and forward of the plate's centre; else by chance."),
    how: z
      .enum(puttingWays)
      .default('place')
      .describe('`place`: set down in 0.3 s; `lower`: in 1.5–3 s; `drop`: from 3 cm; `toss`: from 12 cm.'),
    staff: staffs,
    rim: z
      .number()
      .min(1)
      .max(89)
      .optional()
      .describe(
        'It leans on the rim of the frame, so many degrees from upright, until it slips or is taken.',
      ),
  })
  .refine(
    (value) => oneOf(value, ['gtin', 'plu', 'unlisted']),
    'needs exactly one of gtin, plu and unlisted',
  );

const takeSchema = z
  .strictObject({
    ...which,
    unlisted: z.string().optional().describe('Name of a thing that the catalogue does not have.'),
    count: z.number().int().min(1).max(20).default(1).describe('Number of pieces, taken together.'),
    staff: staffs,
    which: z.enum(['first', 'last']).default('last').describe('Which of several: put in first, or last.'),
    plate: z.string().optional().describe('Plate; else wherever it lies.'),
  })
  .refine(
    (value) => oneOf(value, ['gtin', 'plu', 'unlisted']),
    'needs exactly one of gtin, plu and unlisted',
  );

const scanSchema = z
  .strictObject({
    gtin: gtin.optional().describe('A product code.'),
    as: z.enum(productSymbologies).optional().describe('Symbology; else the usual one of the GTIN.'),
    lot: z.string().max(20).optional().describe('Lot in the code (AI 10).'),
    serial: z.string().max(20).optional().describe('Serial number in the code (AI 21).'),
    expiry: z.iso.date().optional().describe('Expiry in the code (AI 17), YYYY-MM-DD.'),
    massMg: massMg.optional().describe('Net mass in the code (AI 3103) or on the label, mg.'),
    priceMinor: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Price in the code (AI 3922) or on the label.'),
    label: z
      .strictObject({
        prefix: z
          .string()
          .regex(/^\d{1,3}$/)
          .describe('Prefix of the layout in the catalogue.'),
        item: z
          .string()
          .regex(/^\d{1,7}$/)
          .describe('Item number: the PLU of the product.'),
      })
      .optional()
      .describe("A label of the shop's own scale, with `massMg` or `priceMinor`."),
    session: z.string().optional().describe("A session token, as on the shopper's telephone."),
    text: z.string().optional().describe('Any text as data.'),
    symbology: z
      .string()
      .regex(/^\][A-Za-z]\w$/)
      .default(']Q1')
      .describe('AIM identifier of `text`.'),
    scanner: z.string().optional().describe('Scanner; else the first of the board.'),
  })
  .refine(
    (value) => oneOf(value, ['gtin', 'label', 'session', 'text']),
    'needs exactly one of gtin, label, session and text',
  );

const leanSchema = z.strictObject({
  kg: z.number().positive().max(40).optional().describe('Mean load, kg.'),
  newton: z.number().positive().max(400).optional().describe('Mean load, N; in place of kg.'),
  seconds: seconds.describe('How long.'),
  plate: z.string().optional().describe('Plate; may be left out where there is only one.'),
  at: point.optional().describe("Where; else at the middle of the plate's rear edge, where the handle is."),
});

const actionShape = {
  scan: scanSchema.optional().describe('Holds a code under the scanner.'),
  put: putSchema.optional().describe('Puts something onto a plate.'),
  take: takeSchema.optional().describe('Takes the very thing out again that was put in.'),
  swap: z
    .strictObject({
      take: takeSchema.describe('As the step `take`.'),
      put: putSchema.describe('As the step `put`.'),
    })
    .optional()
    .describe('Takes one thing and puts another within the same second.'),
  slip: takeSchema.optional().describe('What leans on the rim slides down and lies flat.'),
  lean: leanSchema.optional().describe('A hand leans on the plate or its handle.'),
  push: z
    .strictObject({
      seconds: seconds.describe('How long.'),
      speed: z.number().positive().max(2).default(0.8).describe('Speed, m/s.'),
      floor: z
        .enum(Object.keys(floors) as [Floor, ...Floor[]])
        .default('tiles')
        .describe('`tiles`: of a shop; `rough`: cobbles, or the grooved strip before an entrance.'),
    })
    .optional()
    .describe('The cart rolls.'),
  lift: z
    .strictObject({
      seconds: z.number().positive().max(60).describe('How long it is held.'),
      heightMm: z.number().positive().max(1_000).default(150).describe('How high, mm.'),
      milliradians: z.number().min(-300).max(300).default(60).describe('How askew it is held, mrad.'),
    })
    .optional()
    .describe('The cart is lifted off the floor, held and set down.'),
  tilt: z
    .strictObject({
      milliradians: z.number().min(-200).max(200).describe('Angle of the floor, mrad; 0 is level again.'),
      seconds: z.number().positive().max(60).default(1).describe('How long it takes to get there.'),
    })
    .optional()
    .describe('The cart goes onto a ramp and stays there.'),
  knock: z
    .strictObject({ strength: z.number().positive().max(20).default(3).describe('First peak, m/s².') })
    .optional()
    .describe('Something bumps against the frame.'),
  wait: seconds.optional().describe('Nothing happens for so many seconds.'),
  command: z
    .strictObject({
      name: z.string().describe('As on MQTT: `session.begin`, `item.identify`, `tare`.'),
      args: z.record(z.string(), z.unknown()).default({}).describe('Its arguments.'),
    })
    .optional()
    .describe('Someone sends a command.'),
  clock: z
    .strictObject({
      utc: z.iso.datetime().describe('What the clock says from now on, UTC.'),
      quality: z.enum(['synced', 'holdover', 'unset']).default('synced').describe('How far it is trusted.'),
    })
    .optional()
    .describe("The device's clock is set: it may jump."),
  fault: z
    .strictObject({
      cell: z.string().describe('Load cell.'),
      kind: z
        .enum(cellFaults)
        .describe('`dropout`: no reading; `stuck`: the last one for ever; `saturated`.'),
      seconds: seconds.describe('How long.'),
    })
    .optional()
    .describe('A load cell fails for a while. The next step begins at once.'),
  gap: z
    .strictObject({ seconds: seconds.describe('How long.') })
    .optional()
    .describe(
      'No reading arrives from any device, as while the gateway restarts. The next step begins at once.',
    ),
} as const;
const actionNames = Object.keys(actionShape) as (keyof typeof actionShape)[];

const stepSchema = z
  .strictObject({
    ...actionShape,
    after: z
      .number()
      .nonnegative()
      .max(3600)
      .optional()
      .describe('Exact pause before the step, s; else a human one by chance.'),
    background: z.boolean().default(false).describe('The next step does not wait for the end of this one.'),
    note: z.string().optional().describe('For people.'),
  })
  .refine((value) => oneOf(value, actionNames), `needs exactly one of ${actionNames.join(', ')}`);

export const scenarioSchema = z.strictObject({
  scenario: z.literal(1).describe('Version of this format.'),
  name: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'may hold a–z, 0–9 and - only')
    .describe('Name of the scenario; that of the file.'),
  title: z.string().min(1).describe('What it shows, in one sentence.'),
  board: z.string().describe('Board profile: a name under boards/, or a path from here.'),
  catalogue: z.string().describe('Catalogue file, from here.'),
  planogram: z.string().optional().describe('Planogram file, from here.'),
  seed: z.number().int().nonnegative().default(1).describe('Seed of everything that is by chance.'),
  pace: z.number().positive().max(10).default(1).describe('Factor on all human pauses.'),
  leadInSeconds: z.number().min(0).max(60).default(2).describe('Rest before the first step, s.'),
  tailSeconds: z.number().min(0).max(600).default(3).describe('Rest after the last step, s.'),
  climate: z
    .strictObject({
      startKelvin: z
        .number()
        .min(-40)
        .max(40)
        .default(0)
        .describe('Above the temperature of calibration, K.'),
      kelvinPerHour: z.number().min(-1000).max(1000).default(1).describe('Rise, K/h.'),
    })
    .prefault({})
    .describe('Temperature of the load cells.'),
  coupled: z
    .array(
      z.strictObject({
        plates: z.tuple([z.string(), z.string()]).describe('Two plates that touch.'),
        part: z
          .number()
          .positive()
          .max(0.4)
          .describe('Part of a load on one that the other carries: kc / (k + 2·kc), with springs k and kc.'),
      }),
    )
    .default([])
    .describe('Plates that a jammed divider or a pack between them couples, as a spring would.'),
  stock: z
    .array(
      z
        .strictObject({
          ...which,
          count: z.number().int().min(1).max(100).default(1).describe('Number of pieces.'),
          plate: z.string().optional().describe('Plate; may be left out where there is only one.'),
        })
        .refine((value) => oneOf(value, ['gtin', 'plu']), 'needs exactly one of gtin and plu'),
    )
    .default([])
    .describe('What lies on the plates from the start.'),
  steps: z.array(stepSchema).min(1).describe('What happens, one after the other.'),
});

export type ScenarioDocument = z.infer<typeof scenarioSchema>;
export type ScenarioStep = z.infer<typeof stepSchema>;
export type PutStep = z.infer<typeof putSchema>;
export type TakeStep = z.infer<typeof takeSchema>;
export type ScanStep = z.infer<typeof scanSchema>;
export type LeanStep = z.infer<typeof leanSchema>;

/** A checked scenario. `catalogue`, `planogram` and a `board` given as a file are absolute paths. */
export interface Scenario extends ScenarioDocument {
  /** File it came from, for messages; empty for one made in memory. */
  readonly path: string;
}

/** A step as people count and name it: `step 4 (take)`; index from 0. */
export function stepName(index: number, step: unknown): string {
  const isMap = typeof step === 'object' && step !== null;
  const action = isMap ? Object.keys(step).find((key) => !(key in stepExtras)) : undefined;
  return `step ${index + 1}${action === undefined ? '' : ` (${action})`}`;
}

const stepExtras = { after: true, background: true, note: true };

/** Where a finding is: `step 4 (take): take.gtin`, `climate.startKelvin`. */
function placeOf(path: readonly PropertyKey[], document: unknown): string {
  const [list, index, ...rest] = path;
  if (list !== 'steps' || typeof index !== 'number') return path.map(String).join('.') || 'document';
  const steps = (document as { readonly steps: readonly unknown[] }).steps;
  return [stepName(index, steps[index]), rest.map(String).join('.')].filter((part) => part !== '').join(': ');
}

/** Checks a scenario; paths in it are taken from `folder`. Throws CW-SIM-003 naming every place that is wrong. */
export function parseScenario(value: unknown, folder: string, path = ''): Scenario {
  const result = scenarioSchema.safeParse(value);
  if (!result.success) {
    const findings = result.error.issues.map((issue) => `${placeOf(issue.path, value)}: ${issue.message}`);
    throw new SimulationError(
      'CW-SIM-003',
      `${path === '' ? 'scenario' : path}: ${findings.join('; ')}; docs/scenarios.md describes the format`,
      { details: { path, findings } },
    );
  }
  const { board, catalogue, planogram, ...rest } = result.data;
  return {
    ...rest,
    board: /[/\\.]/.test(board) ? resolve(folder, board) : board,
    catalogue: resolve(folder, catalogue),
    ...(planogram === undefined ? {} : { planogram: resolve(folder, planogram) }),
    path,
  };
}

/** Reads and checks a scenario file. Rejects with CW-SIM-001 to -003. */
export async function loadScenario(path: string): Promise<Scenario> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new SimulationError('CW-SIM-001', `${path} can not be read: ${plainCause(cause)}`, { cause });
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new SimulationError('CW-SIM-002', `${path} is not YAML: ${describeError(cause)}`, { cause });
  }
  return parseScenario(value, dirname(resolve(path)), path);
}
