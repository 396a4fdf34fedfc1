import { z } from 'zod';
import { DriverError } from '../errors.ts';

/** Arguments of a call by its schema. Rejects with CW-DRV-020, which says what is wrong with them. */
export function argumentsOf<Arguments>(schema: z.ZodType<Arguments>, args: unknown): Arguments {
  const parsed = schema.safeParse(args ?? {});
  if (parsed.success) return parsed.data;
  const found = parsed.error.issues.map(({ path, message }) => `${['args', ...path].join('.')}: ${message}`);
  throw new DriverError('CW-DRV-020', found.join('; '));
}

export const noArguments = z.strictObject({});

/** A tare makes every mass net; where those don't count, setting one would only break the scale. */
export function refuseTare(acceptsNet: boolean): void {
  if (acceptsNet) return;
  const message =
    'its option net is refuse: a tare on the scale would be a fault; set net to accept, or tare the plate';
  throw new DriverError('CW-DRV-020', message);
}
