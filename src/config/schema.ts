import { z } from 'zod';
import { basketSchema } from './basket.ts';
import { commandsSchema } from './commands.ts';
import { displaySchema } from './display.ts';
import { powerSchema } from './power.ts';
import { updatesSchema } from './updates.ts';
import { visionSchema } from './vision.ts';

const name = z
  .string()
  .regex(/^[a-z0-9-]+$/, 'may hold a–z, 0–9 and - only')
  .max(64);
const ms = (value: number) => z.number().int().nonnegative().default(value);
const mg = (value: number) => z.number().int().nonnegative().default(value);

export const weighingSchema = z
  .strictObject({
    windowMs: ms(350).describe('How long the mass must rest to be a plateau, ms.'),
    stableDivisions: z
      .number()
      .positive()
      .default(0.6)
      .describe(
        'Largest standard deviation of a plateau, in d (never below what the noise of the cells gives).',
      ),
    minimumMovementMg: mg(3_000).describe(
      'Smallest change between plateaus that is a movement, mg (also at least 4.5 sigma).',
    ),
    creepMgPerS: z
      .number()
      .nonnegative()
      .default(20)
      .describe(
        'Fastest drift that the baseline follows, mg/s (more for a minute after a large load); faster change adds up to a movement.',
      ),
    zeroTrackingDivisionsPerS: z
      .number()
      .nonnegative()
      .max(0.5)
      .default(0.5)
      .describe('Zero tracking, d/s (OIML R 76: at most 0.5); only at zero, at rest, outside sessions.'),
    motionMmS2: z
      .number()
      .positive()
      .default(350)
      .describe('Standard deviation of acceleration above which the cart counts as moving, mm/s².'),
    tiltMilliradians: z
      .number()
      .positive()
      .default(50)
      .describe('Tilt above which the mass is not trusted, mrad.'),
    missingMs: ms(500).describe('A cell without a reading for this long is missing, ms.'),
    stuckMs: ms(2_000).describe(
      'A cell whose counts do not change at all for this long is stuck, ms; 0 never.',
    ),
  })
  .describe('From counts to plateaus.');

export const fusionSchema = z
  .strictObject({
    decideProbabilityPpm: z
      .number()
      .int()
      .min(500_000)
      .max(999_999)
      .default(970_000)
      .describe('Smallest posterior probability at which an item event is decided, millionths.'),
    marginPpm: z
      .number()
      .int()
      .min(0)
      .max(1_000_000)
      .default(900_000)
      .describe('Smallest lead over the next hypothesis, millionths.'),
    maximumZ: z.number().positive().default(3.5).describe('Largest |z| of the mass of a decided hypothesis.'),
    decideWithinMs: ms(800).describe(
      'After settling, how long to wait for a scan or a sighting before asking, ms (at most 1000).',
    ),
    scanHoldMs: ms(15_000).describe('How long a scan waits to be placed before it is asked about, ms.'),
    maximumItems: z
      .number()
      .int()
      .min(1)
      .max(4)
      .default(4)
      .describe('Largest number of products in one hypothesis.'),
    unknownPrior: z
      .number()
      .positive()
      .max(0.5)
      .default(0.02)
      .describe('Prior probability that no product of the catalogue explains a movement.'),
    unscannedUnknownPrior: z
      .number()
      .positive()
      .max(0.99)
      .default(0.5)
      .describe(
        'Prior probability that a thing put into a cart without a scan is none of the catalogue (a bag, a coat, a toy).',
      ),
    sightingWeight: z
      .number()
      .min(0)
      .max(1)
      .default(0.7)
      .describe("How far vision's probabilities are trusted against the mass: 0 not at all, 1 fully."),
    forgetTagMs: z
      .number()
      .int()
      .min(3_000)
      .max(86_400_000)
      .default(60_000)
      .describe(
        'Outside sessions (on shelves always), a radio tag that was not sighted for this long counts anew when it is back, ms; at least three times as long as the reader takes to repeat one.',
      ),
    learnedMassDays: z
      .number()
      .int()
      .min(0)
      .max(3_650)
      .default(180)
      .describe(
        "How long what this device learned of a product's mass holds without a new weighing, days; 0: the catalogue alone counts, and nothing is learned.",
      ),
    withdrawScanMs: ms(120_000).describe(
      'How long a scan that was asked about may still be placed before it is withdrawn, ms.',
    ),
  })
  .describe('From observations to decisions.');

const siteSchema = z.strictObject({
  latitudeMicroDegrees: z
    .number()
    .int()
    .min(-90_000_000)
    .max(90_000_000)
    .describe('Latitude, millionths of a degree, north positive.'),
  heightM: z.number().int().min(-500).max(9_000).default(0).describe('Height above sea level, m.'),
});

export const configSchema = z.strictObject({
  cartwright: z.literal(1).describe('Version of this format.'),
  store: name.describe('The store, as in topics.'),
  device: name.describe('This cart or shelf, as in topics.'),
  board: z.string().describe('Board profile: a name under boards/, or a path.'),
  devices: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({})
    .describe(
      "Driver options that are this device's own, by device of the board: serial numbers, ports. They replace the profile's, key by key.",
    ),
  calibration: z
    .string()
    .optional()
    .describe(
      'Calibration file to begin with: taken over at the first start, from then on the device keeps its calibrations itself.',
    ),
  calibrationRevisions: z
    .number()
    .int()
    .min(2)
    .max(1_000)
    .default(50)
    .describe('How many revisions of its calibration a device keeps.'),
  calibrationWarmUpS: z
    .number()
    .int()
    .min(0)
    .max(7_200)
    .default(600)
    .describe('How long the machine has to be on before its scales are calibrated, s: cold cells drift.'),
  calibrationRegime: z
    .enum(['r76-initial', 'r76-in-service', 'hb44-acceptance', 'hb44-maintenance'])
    .default('r76-initial')
    .describe(
      'Tolerances that calibrations and verifications are held against: OIML R 76 class III or NIST Handbook 44, new or in service.',
    ),
  site: siteSchema
    .optional()
    .describe(
      'Where the device is used: a calibration made elsewhere is corrected for the difference in gravity.',
    ),
  catalogue: z.string().optional().describe('Catalogue file.'),
  planogram: z.string().optional().describe('Planogram file.'),
  data: z.string().default('data').describe('Folder for the outbox and state; must survive a reboot.'),
  encoding: z.enum(['cbor', 'json']).default('cbor').describe('Payloads on MQTT.'),
  broker: z
    .strictObject({
      url: z.string().default('mqtt://127.0.0.1:1883').describe('mqtt:// or mqtts:// address of the broker.'),
      urls: z
        .array(z.string())
        .min(1)
        .max(16)
        .optional()
        .describe(
          'Addresses of one replicated broker, in place of url. Each device begins at one that its name chooses, so that they spread, and goes on in this order where that one fails; user, certificates and protocol are the same for all.',
        ),
      protocol: z
        .enum(['auto', '5', '3.1.1'])
        .default('auto')
        .describe('MQTT version; auto tries 5, then 3.1.1.'),
      username: z.string().optional().describe('User name.'),
      passwordFile: z
        .string()
        .optional()
        .describe('File that holds the password; never the password itself.'),
      caFile: z
        .string()
        .optional()
        .describe(
          "For mqtts://: certificates that vouch for the broker, PEM; otherwise Node's own list counts.",
        ),
      certFile: z
        .string()
        .optional()
        .describe("For mqtts://: the device's certificate, PEM, where the broker asks for one."),
      keyFile: z
        .string()
        .optional()
        .describe('For mqtts://: the key of certFile, PEM; readable by the gateway alone.'),
      embedded: z
        .boolean()
        .default(false)
        .describe('Serve a broker on loopback in this process (demo, tests).'),
      subscribeQos: z
        .union([z.literal(0), z.literal(1)])
        .default(1)
        .describe(
          'QoS with which this device listens. Its sessions end with the connection, so 0 loses nothing that 1 would keep; use 0 with NATS, which makes a replicated consumer for each subscription with 1.',
        ),
      keepaliveS: z.number().int().min(5).max(3600).default(30).describe('Keep-alive, s.'),
      reconnectFirstMs: ms(500).describe('First delay before reconnecting, ms.'),
      reconnectMaxMs: ms(30_000).describe('Longest delay before reconnecting, ms.'),
    })
    .prefault({})
    .describe("The store's broker."),
  commands: commandsSchema.prefault({}),
  outbox: z
    .strictObject({
      maxBytes: z
        .number()
        .int()
        .min(1_048_576)
        .default(268_435_456)
        .describe('Bound of stored events, bytes.'),
      ledgerShare: z
        .number()
        .min(0.5)
        .max(0.95)
        .default(0.8)
        .describe('Share of maxBytes kept for ledger events.'),
      window: z
        .number()
        .int()
        .min(1)
        .max(1024)
        .default(64)
        .describe('Events in flight before their acknowledgement.'),
      groupMs: ms(20).describe('How long to gather events for one fsync, ms.'),
    })
    .prefault({})
    .describe('Events on disk until the store has them.'),
  session: z
    .strictObject({
      tokenPattern: z
        .string()
        .default('^QR-[A-Za-z0-9-]{4,64}$')
        .describe('Regular expression of a scanned session token.'),
      loyaltyPattern: z
        .string()
        .optional()
        .describe(
          'Regular expression of a code (a session token or another one) that makes the shopper a known one, for loyalty prices. Such a code is not published.',
        ),
    })
    .prefault({})
    .describe('Shopping sessions.'),
  basket: basketSchema.prefault({}),
  weighing: weighingSchema.prefault({}),
  fusion: fusionSchema.prefault({}),
  vision: visionSchema.prefault({}),
  updates: updatesSchema.prefault({}),
  status: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Serve the status page on loopback.'),
      port: z
        .number()
        .int()
        .min(0)
        .max(65_535)
        .default(8080)
        .describe('Port on 127.0.0.1; 0 takes a free one.'),
    })
    .prefault({})
    .describe('Status page.'),
  display: displaySchema.prefault({}).describe("Shopper's display."),
  power: powerSchema.prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('Least severe level that is logged.'),
    })
    .prefault({})
    .describe('Logs on standard output.'),
  healthS: z.number().int().min(1).max(3600).default(30).describe('Interval of health reports, s.'),
  drivers: z
    .array(z.string())
    .default([])
    .describe("Paths of a maker's own drivers (JavaScript), never from the network."),
});

export type Config = z.infer<typeof configSchema>;
export type WeighingConfig = z.infer<typeof weighingSchema>;
export type SiteConfig = z.infer<typeof siteSchema>;
export type FusionConfig = z.infer<typeof fusionSchema>;
