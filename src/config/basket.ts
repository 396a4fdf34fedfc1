import { z } from 'zod';

const minutes = (value: number) => z.number().int().min(1).max(10_080).default(value);

/** The key `basket` of a configuration. */
export const basketSchema = z
  .strictObject({
    abandonMinutes: minutes(180).describe(
      'A trip in which nothing happens for this long is given up (`basket.abandoned`), minutes.',
    ),
    suspendMinutes: minutes(120).describe(
      'A suspended trip that nobody resumes is given up after this long, minutes.',
    ),
    checkoutMinutes: minutes(15).describe(
      'A checkout attempt that the till does not settle within this time ends, minutes; the trip goes on.',
    ),
    leaveMinutes: minutes(20).describe(
      'How long after payment goods that are put in are told for the exit check, minutes.',
    ),
    promotionSteps: z
      .number()
      .int()
      .min(100)
      .max(100_000)
      .default(1_000)
      .describe(
        'Steps of the search for the best way to share goods among promotions that compete for them; beyond them the best one found so far counts.',
      ),
  })
  .describe('The basket: how long its states last, and promotions.');

export type BasketConfig = z.infer<typeof basketSchema>;
