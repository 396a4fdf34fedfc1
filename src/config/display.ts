import { z } from 'zod';

/** Languages that the display speaks; src/pages/display/client/words/ has one file each. */
const displayLanguages = ['en', 'de', 'it', 'tr'] as const;

/** The shopper's screen on the cart. */
export const displaySchema = z.strictObject({
  enabled: z.boolean().default(true).describe("Serve the shopper's page on loopback."),
  port: z.number().int().min(0).max(65_535).default(8081).describe('Port on 127.0.0.1; 0 takes a free one.'),
  languages: z
    .array(z.enum(displayLanguages))
    .min(1)
    .refine((list) => new Set(list).size === list.length, 'names a language twice')
    .default([...displayLanguages])
    .describe('Languages to choose from (en, de, it, tr); each trip begins in the first one.'),
  pixelsPerInch: z
    .number()
    .min(72)
    .max(400)
    .default(149)
    .describe(
      'CSS pixels an inch of the panel, from which what is touched gets its size of 15 mm: 149 for 10.1" with 1280 × 800.',
    ),
  tones: z.boolean().default(true).describe('Begin each trip with a tone for every item.'),
  pictures: z
    .string()
    .optional()
    .describe(
      'Folder with pictures of products (.webp, .png, .jpg), named by GTIN, PLU or look; pictures of produce come with the software.',
    ),
  phone: z
    .strictObject({
      page: z.url().describe("Address of the page for shoppers' phones, https:// (or loopback, for trials)."),
      broker: z
        .url()
        .describe("Address of the store's broker for phones, wss:// (or ws:// on loopback, for trials)."),
    })
    .optional()
    .describe("Let a shopper's phone join by a QR code: where its page and broker are."),
});
