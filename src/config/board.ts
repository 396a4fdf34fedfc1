import { z } from 'zod';

const id = z
  .string()
  .regex(/^[a-z0-9-]+$/, 'may hold a–z, 0–9 and - only')
  .max(64);

/** One device: which driver, with what options. The driver's own schema checks the options. */
export const deviceSchema = z.strictObject({
  id: id.describe('Name of the device; the source of its readings.'),
  driver: z.string().describe('Driver, as `cartwright devices --drivers` lists them.'),
  options: z.record(z.string(), z.unknown()).default({}).describe("The driver's options."),
});

export const cellSchema = z.strictObject({
  id: id.describe('Name of the cell; the source of its readings.'),
  positionMm: z
    .tuple([z.number().int(), z.number().int()])
    .describe("Position in mm, right of and forward of the plate's centre."),
  capacityMg: z.number().int().positive().describe('Rated capacity of the cell, mg.'),
});

export const plateSchema = z
  .strictObject({
    id: id.describe('Name of the plate.'),
    kind: z
      .enum(['cart', 'shelf', 'unweighed'])
      .describe('`cart`: a basket; `shelf`: goods for sale; `unweighed`: a rack without cells.'),
    maxMg: z.number().int().positive().optional().describe('Max: the largest mass the plate may weigh, mg.'),
    intervalMg: z.number().int().positive().optional().describe('Verification scale interval e, mg.'),
    divisionMg: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('Actual scale interval d, mg (equal to intervalMg where left out).'),
    deadLoadMg: z.number().int().nonnegative().default(0).describe('What the empty plate weighs, mg.'),
    cells: z.array(cellSchema).min(1).max(8).optional().describe('The cells that carry the plate.'),
    scale: id.optional().describe('A complete scale that carries the plate, in place of cells.'),
    motion: id.optional().describe('Motion sensor whose readings gate this plate.'),
    temperature: id
      .optional()
      .describe(
        'Temperature sensor at the plate: where its cells were calibrated at two temperatures, their drift is taken out.',
      ),
    cameras: z
      .array(
        z.strictObject({
          id: id.describe('Camera.'),
          region: z
            .tuple([
              z.number().int().nonnegative(),
              z.number().int().nonnegative(),
              z.number().int().positive(),
              z.number().int().positive(),
            ])
            .describe('Region of interest: left, top, width, height in pixels.'),
        }),
      )
      .default([])
      .describe('Cameras that see the plate.'),
    scanners: z
      .array(id)
      .default([])
      .describe('Scanners whose codes belong to this plate; a camera named here serves as one.'),
  })
  .describe('One weighing surface.');

export const boardSchema = z.strictObject({
  profile: z.literal(1).describe('Version of this format.'),
  name: id.describe('Name of the profile.'),
  description: z.string().optional().describe('What hardware this is, for people.'),
  devices: z.array(deviceSchema).describe('Devices and their drivers.'),
  plates: z.array(plateSchema).min(1).describe('Plates and what carries them.'),
});

export type DeviceEntry = z.infer<typeof deviceSchema>;
export type CellEntry = z.infer<typeof cellSchema>;
export type PlateEntry = z.infer<typeof plateSchema>;
export type Board = z.infer<typeof boardSchema>;

/** A calibration: one revision, for the hardware it was made on. */
export const calibrationSchema = z.strictObject({
  calibration: z.literal(1).describe('Version of this format.'),
  revision: z.number().int().nonnegative().describe('+1 with every calibration.'),
  hardware: z
    .strictObject({
      bridge: z
        .union([z.string(), z.record(id, z.string())])
        .optional()
        .describe('Serial number of the bridge it was made on; of several bridges, by device.'),
      gain: z.number().int().optional().describe('Gain of the converter.'),
      samplesPerSecond: z.number().positive().optional().describe('Rate of the converter.'),
    })
    .optional()
    .describe('Hardware it was made on; on other hardware it is not applied.'),
  gravityUmS2: z
    .number()
    .int()
    .min(9_700_000)
    .max(9_900_000)
    .optional()
    .describe(
      'Acceleration of gravity where it was made, µm/s² (standard: 9806650): used elsewhere, masses are corrected for the difference.',
    ),
  plates: z.record(
    id,
    z.strictObject({
      cells: z.record(
        id,
        z.strictObject({
          zeroCounts: z.number().describe('Counts of the empty plate.'),
          milligramsPerCount: z
            .number()
            .refine((value) => value !== 0, 'may not be 0')
            .describe('Slope; negative where the cell is wired the other way round.'),
          points: z
            .array(z.tuple([z.number(), z.number()]))
            .optional()
            .describe('Linearity: pairs of indicated and true load of this cell in mg, rising.'),
          quadraticPpmPerKg: z
            .number()
            .optional()
            .describe(
              'Linearity: load = x · (1 + q · 1e-6 · x in kg), x the indicated load; without points only.',
            ),
          milligramsPerKelvin: z.number().optional().describe('Zero drift with temperature, mg/K.'),
          spanPpmPerKelvin: z.number().optional().describe('Drift of the slope with temperature, ppm/K.'),
          referenceMilliCelsius: z.number().optional().describe('Temperature of the calibration, m°C.'),
        }),
      ),
      cornerGains: z
        .record(id, z.number().positive())
        .optional()
        .describe('Gain of each cell after corner trim.'),
    }),
  ),
});
export type Calibration = z.infer<typeof calibrationSchema>;
