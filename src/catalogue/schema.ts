import { z } from 'zod';
import { promotionSchema, taxesSchema } from './promotions.ts';

/**
 * The shapes of the two files. Unknown keys are ignored: catalogues come from other systems, and newer ones say
 * more. What the values may be is checked in checks.ts, so that every message names the rule that was broken.
 */

const layoutSpan = z.tuple([z.number().int(), z.number().int()]);

export const productSchema = z.object({
  gtin: z.string().optional().describe('GTIN, 14 digits.'),
  plu: z.string().optional().describe('Produce look-up code, 4 or 5 digits.'),
  name: z.string().describe('Name that shoppers read.'),
  sale: z.enum(['each', 'weight']).describe('Sold by unit or by mass.'),
  priceMinor: z.number().optional().describe('Price of a unit, minor units (`sale: each`).'),
  priceMinorPerKg: z.number().optional().describe('Price of a kilogram, minor units (`sale: weight`).'),
  grossMg: z
    .object({
      mean: z.number().describe('Mean mass of a unit on a plate, packaging included, mg.'),
      sd: z.number().describe('Standard deviation of that mass over units, mg.'),
    })
    .optional()
    .describe('What a unit weighs; for `sale: weight`, a typical handful.'),
  popularity: z
    .number()
    .optional()
    .describe(
      'Units sold in some period, or any figure in proportion: a little likelier where nothing else tells.',
    ),
  look: z.string().optional().describe('Key in the gallery; the GTIN or PLU if left out.'),
  taxCode: z.string().optional().describe('Tax code of the store.'),
  depositMinor: z.number().optional().describe('Deposit on a unit, minor units.'),
  minimumAge: z.number().optional().describe('Smallest age of a buyer, years.'),
  bulky: z.boolean().optional().describe('Too large for a basket: scanned, it goes onto the rack below.'),
  department: z.string().optional().describe('Department of the store.'),
  validFrom: z.string().optional().describe('First day of sale, YYYY-MM-DD.'),
  validTo: z.string().optional().describe('Last day of sale, YYYY-MM-DD.'),
});
export type RawProduct = z.infer<typeof productSchema>;

export const layoutSchema = z.object({
  prefix: z.string().describe('First digits of the 13-digit code: 02, 04 or 20 to 29, and more.'),
  item: layoutSpan.describe('Item number: first digit (from 0) and length.'),
  value: layoutSpan.describe('Value: first digit (from 0) and length.'),
  meaning: z.enum(['price', 'mass', 'count']).describe('What the value is.'),
  decimals: z.number().int().describe('Decimals of the value, in the currency or in kilograms.'),
  verifier: z.number().int().optional().describe('Position of the price verifier digit.'),
});
export type RawLayout = z.infer<typeof layoutSchema>;

export const catalogueSchema = z.object({
  catalogue: z.literal(1).describe('Version of this format.'),
  version: z.string().describe('Version of the content, named in every event decided with it.'),
  currency: z.string().describe('ISO 4217 code of all prices.'),
  products: z.array(productSchema).describe('Products.'),
  taxes: taxesSchema.optional().describe('Tax rates; without them no tax is told.'),
  timeZone: z.string().default('UTC').describe('Time zone of the store (IANA), for the days of promotions.'),
  promotions: z.array(promotionSchema).default([]).describe('Promotions.'),
  variableMeasure: z.array(layoutSchema).default([]).describe('Layouts of restricted-circulation codes.'),
});
export type RawCatalogue = z.infer<typeof catalogueSchema>;

export const planogramSchema = z.object({
  planogram: z.literal(1).describe('Version of this format.'),
  version: z.string().describe('Version of the content, named in every event decided with it.'),
  plates: z
    .array(
      z.object({
        plate: z.string().describe('Plate of the board profile.'),
        gtin: z.string().optional().describe('GTIN of a product that belongs there, 14 digits.'),
        plu: z.string().optional().describe('PLU of a product that belongs there.'),
      }),
    )
    .describe('What belongs where; a plate may be named several times.'),
});
export type RawPlanogram = z.infer<typeof planogramSchema>;
