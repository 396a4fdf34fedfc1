import { z } from 'zod';
import { basketLineRecord } from '#events/data/baskets.ts';
import type { Infer } from '#events/fields.ts';
import { codecOf } from '#events/shapes.ts';

/** What stands in `args` of the commands that the pipeline carries out. */

const id = z.uuid();
const integer = z.number().int();
const lineNumber = integer.min(1).max(1_000_000);
/** A code or a number that people or other systems gave; never long, and nothing that would break a display. */
const shortText = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((value) => !/\p{Cc}/u.test(value), 'must not hold control characters');
const token = z.string().min(1).max(256);
const money = integer.min(0).max(1_000_000_000_000);

export const person = z.strictObject({
  role: z.enum(['shopper', 'staff', 'till', 'store']),
  who: shortText(64).optional(),
});
export type Person = z.infer<typeof person>;

const product = {
  gtin: z.string().optional(),
  plu: z.string().optional(),
  count: integer.min(1).max(99).optional(),
};

/** A line as `basket.transferred` told it. What a newer version added is not understood here, so it is refused. */
const transferredLine = z.custom<Infer<typeof basketLineRecord>>((value) => {
  try {
    codecOf(basketLineRecord).toWire(value);
    return true;
  } catch {
    return false;
  }
}, 'must be a line as basket.transferred has it');

export const commandArguments = {
  'session.begin': z.strictObject({
    token: token.optional(),
    touch: z.boolean().optional(),
    loyalty: z.boolean().optional(),
  }),
  'session.end': z.strictObject({}),
  'item.identify': z
    .strictObject({ ...product, event: z.string().optional() })
    .refine((args) => (args.gtin === undefined) !== (args.plu === undefined), 'needs either gtin or plu'),
  'item.answer': z
    .strictObject({
      ...product,
      event: z.string(),
      outcome: z.enum(['not-an-item', 'withdrawn']).optional(),
      by: person.optional(),
    })
    .refine(
      ({ outcome, gtin, plu }) => [outcome, gtin, plu].filter((one) => one !== undefined).length === 1,
      'needs one of outcome, gtin and plu',
    ),
  'item.place': z.strictObject({ event: z.string(), plate: z.string() }),
  'item.remove': z
    .strictObject(product)
    .refine(({ gtin, plu }) => gtin === undefined || plu === undefined, 'takes either gtin or plu, or none'),
  'item.override': z
    .strictObject({
      ...product,
      count: integer.min(0).max(999).optional(),
      event: z.string().optional(),
      line: lineNumber.optional(),
      priceMinor: money.optional(),
      outcome: z.enum(['not-an-item', 'withdrawn']).optional(),
      by: person,
      why: shortText(200),
    })
    .refine((args) => (args.event === undefined) !== (args.line === undefined), 'needs either event or line'),
  'line.void': z.strictObject({
    line: lineNumber,
    count: integer.min(1).max(999).optional(),
    by: person,
    why: shortText(200),
  }),
  'line.dispute': z.strictObject({
    line: lineNumber,
    over: z.boolean().optional(),
    by: person.optional(),
  }),
  'basket.checkout': z.strictObject({}),
  'basket.suspend': z.strictObject({ by: person.optional() }),
  'basket.resume': z.strictObject({ token: token.optional(), by: person.optional() }),
  'basket.transfer': z.strictObject({ to: shortText(64), by: person.optional() }),
  'basket.receive': z.strictObject({
    from: shortText(64),
    session: shortText(64),
    lines: z.array(transferredLine).max(1_000),
    token: token.optional(),
    loyalty: z.boolean().optional(),
  }),
  'basket.abandon': z.strictObject({ by: person }),
  'basket.approve': z.strictObject({
    age: integer.min(1).max(120),
    outcome: z.enum(['approved', 'refused']).default('approved'),
    by: person,
  }),
  'basket.coupon': z.strictObject({ code: shortText(100) }),
  'basket.loyalty': z.strictObject({}),
  'basket.help': z.strictObject({ over: z.boolean().optional(), by: person.optional() }),
  'checkout.price': z.strictObject({
    checkout: id,
    revision: integer.min(1),
    lines: z
      .array(
        z.strictObject({
          line: lineNumber,
          priceMinor: money,
          massMg: integer.min(0).max(1_000_000_000).optional(),
          certificateId: shortText(100).optional(),
        }),
      )
      .min(1)
      .max(1_000),
  }),
  'checkout.settle': z.strictObject({
    checkout: id,
    revision: integer.min(1),
    totalMinor: integer.min(-1_000_000_000_000).max(1_000_000_000_000),
    outcome: z.enum(['paid', 'declined', 'cancelled']),
    reference: shortText(100),
  }),
  'checkout.cancel': z.strictObject({ checkout: id.optional(), by: person.optional() }),
  tare: z.strictObject({ plate: z.string() }),
  'maintenance.begin': z.strictObject({
    plates: z.array(z.string()).min(1).max(256),
    minutes: integer.min(1).max(480).default(60),
    owner: shortText(64).optional(),
  }),
  'maintenance.end': z.strictObject({
    plates: z.array(z.string()).min(1).max(256).optional(),
    owner: shortText(64).optional(),
    cleared: z.literal(true).optional(),
  }),
  'mass.forget': z
    .strictObject({
      gtin: z.string().optional(),
      plu: z.string().optional(),
      all: z.literal(true).optional(),
    })
    .refine((args) => Object.keys(args).length === 1, 'needs one of gtin, plu and all: true'),
} as const;

export type CommandName = keyof typeof commandArguments;
export type CommandArguments<Name extends CommandName> = z.infer<(typeof commandArguments)[Name]>;
