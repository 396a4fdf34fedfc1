import { z } from 'zod';

const share = (value: number) => z.number().int().min(0).max(1_000_000).default(value);
const lasting = (value: number) => z.number().int().min(1).max(86_400).default(value);

/** Supply of the machine: when it is switched off in good order, and what is warned of. */
export const powerSchema = z
  .strictObject({
    sensor: z
      .string()
      .optional()
      .describe(
        'Device of the board that measures the battery; without it the battery never shuts anything down.',
      ),
    shutdownBelowPpm: share(80_000).describe(
      'With less than this in the battery and no power from outside, the machine is shut down, millionths; not while a shopper is there.',
    ),
    shutdownAfterS: lasting(60).describe('How long it has to be so low, s.'),
    criticalBelowPpm: share(30_000).describe(
      'With less than this it is shut down after 10 s even while a shopper is there: what is in the basket is kept, millionths.',
    ),
    ignition: z
      .string()
      .optional()
      .describe(
        'Device of the board whose external power is the sign to be on (a switch, a dock): without it for `ignitionOffS`, and without a shopper, the machine is shut down.',
      ),
    ignitionOffS: lasting(300).describe('How long that sign has to be away, s.'),
    hotMilliCelsius: z
      .number()
      .int()
      .min(40_000)
      .max(120_000)
      .default(80_000)
      .describe('Temperature of the processor that is warned of, m°C.'),
  })
  .refine(({ shutdownBelowPpm, criticalBelowPpm }) => criticalBelowPpm <= shutdownBelowPpm, {
    message: 'criticalBelowPpm must not be above shutdownBelowPpm',
    path: ['criticalBelowPpm'],
  })
  .describe('Battery, ignition, temperature.');

export type PowerConfig = z.infer<typeof powerSchema>;
