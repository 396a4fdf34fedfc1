import { z } from 'zod';
import { defaultWindowMs } from '#readings/repeats.ts';

export const repeatOptions = {
  duplicateWindowMs: z
    .int()
    .min(0)
    .max(10_000)
    .default(defaultWindowMs)
    .describe(
      'The same code again within this time of its last reading is the same scan and left out, ms, however long the trigger is held; 0 lets everything through. Default 700.',
    ),
};
