import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { UpdateError } from './errors.ts';
import { versionPattern } from './facts.ts';
import { requestPath } from './places.ts';
import { readBelow } from './untrusted.ts';

/** A request is a few kB; the gateway's folder may hold anything. */
const longestRequest = 65_536;

const version = z.string().regex(versionPattern);
const base64 = (most: number) => z.base64().max(most);

/** What the gateway asks the updater for: its file `updates/request.json`. Nothing of it is believed unchecked. */
export const updateRequest = z.object({
  request: z.literal(1),
  id: z.string().min(1).max(64),
  /** `stage`: check and unpack what was fetched; `begin`: try what is staged; `rollback`: the release before, again. */
  action: z.enum(['stage', 'begin', 'rollback']),
  version,
  /** The signed description, of `stage`. */
  release: base64(24_000).optional(),
  /** Name of the archive in the folder of what was fetched. */
  archive: z
    .string()
    .regex(/^[0-9A-Za-z][0-9A-Za-z.-]{0,127}$/)
    .optional(),
  downgrade: z.boolean().default(false),
  force: z.boolean().default(false),
  why: z.string().max(500).default(''),
  /** The signed command (COSE_Sign1) that asked for what needs one. */
  order: base64(96_000).optional(),
});
export type UpdateRequest = z.infer<typeof updateRequest>;

/** Reads what the gateway asks for; undefined where it asks for nothing. Rejects with CW-UPD-020 for what is no request. */
export async function readRequest(data: string): Promise<UpdateRequest | undefined> {
  let text: string;
  try {
    text = (await readBelow(data, requestPath, longestRequest)).toString('utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(describeError(cause), cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable('it is not JSON', cause);
  }
  const result = updateRequest.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw unreadable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function unreadable(why: string, cause?: unknown): UpdateError {
  return new UpdateError(
    'CW-UPD-020',
    `what the gateway asks for (${requestPath.join('/')}) can't be read: ${why}; nothing was done`,
    { cause },
  );
}
