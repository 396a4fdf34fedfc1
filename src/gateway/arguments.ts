import type { z } from 'zod';
import { CommandError } from '#commands/errors.ts';

/** Arguments of a command, checked. Throws CW-CMD-008, which names every one that is wrong. */
export function parseArguments<Shape extends z.ZodType>(
  command: string,
  schema: Shape,
  args: unknown,
): z.infer<Shape> {
  const result = schema.safeParse(args);
  if (result.success) return result.data;
  const found = result.error.issues
    .map((issue) => `${issue.path.join('.') || 'args'}: ${issue.message}`)
    .join('; ');
  throw new CommandError('CW-CMD-008', `${command}: ${found}`);
}

/** The same without what is undefined: an argument that was left out is not there. */
type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Leaves out what is undefined, one level deep. */
export function given<T extends object>(args: T): Given<T> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)) as Given<T>;
}
