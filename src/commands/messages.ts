import { z } from 'zod';
import type { PlainMap } from '#events/fields.ts';
import { CommandError } from './errors.ts';

/** A request as it stands in a payload. Times are UTC ms. */
export interface Request {
  readonly transaction: string;
  readonly issued: number;
  readonly expires: number;
  readonly args: Readonly<Record<string, unknown>>;
  /** That this device gave, lower-case hexadecimal. */
  readonly nonce?: string | undefined;
}

export type Answer =
  | {
      readonly transaction: string;
      readonly status: 'done';
      readonly data: PlainMap;
    }
  | {
      readonly transaction: string;
      readonly status: 'refused';
      readonly code: string;
      readonly message: string;
    };

const requestSchema = z.object({
  transaction: z.string().min(1).max(64),
  issued: z.number().int().nonnegative(),
  expires: z.number().int().nonnegative(),
  args: z.record(z.string(), z.unknown()).default({}),
  nonce: z.string().optional(),
});

/** Checks a decoded payload. Throws CommandError CW-CMD-001, which says what is missing. */
export function checkRequest(value: unknown): Request {
  const result = requestSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new CommandError(
    'CW-CMD-001',
    `the request is not valid: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}; it needs {transaction, issued, expires, args}`,
  );
}
