import { z } from 'zod';
import { PagesError } from '../errors.ts';

/** Who stands before the screen, whatever a page may say of itself. */
const by = { role: 'shopper' } as const;

const none = z.strictObject({});
const uuid = z.uuid();
const product = { gtin: z.string().max(14).optional(), plu: z.string().max(5).optional() };
const count = z.number().int().min(1).max(99).optional();
const line = z.number().int().min(1);
const over = z.literal(true).optional();

/** What may be touched: the arguments that the page may give to each command, and those that are added to them. */
const commands: Readonly<Record<string, { readonly args: z.ZodType; readonly added?: object }>> = {
  'session.begin': { args: none, added: { touch: true } },
  'session.end': { args: none },
  'item.identify': { args: z.strictObject({ ...product, count }) },
  'item.answer': {
    args: z.strictObject({
      event: uuid,
      ...product,
      count,
      outcome: z.enum(['not-an-item', 'withdrawn']).optional(),
    }),
    added: { by },
  },
  'item.place': { args: z.strictObject({ event: uuid, plate: z.string().max(64) }) },
  'item.remove': { args: z.strictObject({ ...product, count }) },
  'line.dispute': { args: z.strictObject({ line, over }), added: { by } },
  'basket.help': { args: z.strictObject({ over }), added: { by } },
  'basket.checkout': { args: none },
  'checkout.cancel': { args: none, added: { by } },
  'basket.resume': { args: none, added: { by } },
  'phone.stop': { args: none },
};

/**
 * The arguments with which a command of the page is carried out. A screen that anybody can touch speaks for shoppers
 * alone: what staff or till may do is not in the list. Throws CW-PAG-007.
 */
export function shoppersArguments(
  command: string,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const known = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (known === undefined) {
    const list = Object.keys(commands).join(', ');
    throw new PagesError(
      'CW-PAG-007',
      `${JSON.stringify(command)} can't be asked for here; these can: ${list}`,
    );
  }
  const result = known.args.safeParse(given);
  if (result.success) return { ...(result.data as Readonly<Record<string, unknown>>), ...known.added };
  const found = result.error.issues.map((issue) => `${issue.path.join('.') || 'args'}: ${issue.message}`);
  throw new PagesError('CW-PAG-007', `${command}: ${found.join('; ')}`);
}
