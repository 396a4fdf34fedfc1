import { z } from 'zod';

const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day as 02:30');

/** The key `updates` of a configuration. */
export const updatesSchema = z
  .strictObject({
    automatic: z
      .boolean()
      .default(true)
      .describe('Take releases that the store offers without being told to; signed commands do in any case.'),
    group: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/, 'may hold a–z, 0–9 and - only')
      .default('default')
      .describe(
        "Group of a roll-out that this device belongs to, where the store's notice names no devices.",
      ),
    window: z
      .strictObject({
        from: time.describe("First minute, by the machine's time zone."),
        to: time.describe('First minute behind it; earlier than `from`, it is on the next day.'),
      })
      .optional()
      .describe('Part of the day in which a release may be begun by itself; any time where left out.'),
    leastBatteryPpm: z
      .number()
      .int()
      .min(0)
      .max(1_000_000)
      .default(300_000)
      .describe('With less than this in a battery, and no power from outside, nothing is begun, millionths.'),
    maxBytesPerS: z
      .number()
      .int()
      .min(10_000)
      .default(2_000_000)
      .describe('How fast a release is fetched at most, bytes/s: the network is for selling first.'),
    stateFile: z
      .string()
      .default('/var/lib/cartwright-updater/state.json')
      .describe(
        "The updater's state; where it is missing, this machine has no updater, and nothing is fetched.",
      ),
    releaseKeys: z
      .string()
      .default('/etc/cartwright/release-keys')
      .describe('Folder of the public keys (PEM) whose releases are taken.'),
  })
  .describe('Releases of this software.');

export type UpdatesConfig = z.infer<typeof updatesSchema>;
