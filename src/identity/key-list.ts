import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { decodeRecord, encodeRecord } from '#events/codec.ts';
import { keyListPayload } from '#events/mqtt-payloads.ts';
import { fits, readSign1, sign1 } from './cose.ts';
import { IdentityError } from './errors.ts';
import { type PrivateKey, type PublicKey, readPublicKey } from './keys.ts';

/** What a key may command: src/commands/rules.ts says which role each command needs. */
export const roles = ['shopper', 'staff', 'technician', 'till', 'store', 'operator'] as const;
export type Role = (typeof roles)[number];
export const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

/** A public key and what its holder may do. Times are UTC ms. */
export interface KeyEntry {
  readonly key: PublicKey;
  /** A role that this version doesn't know may do nothing. */
  readonly role: string;
  /** Number of who holds it, never a name. */
  readonly who?: string;
  readonly validFrom?: number;
  /** The last moment at which it is valid. */
  readonly validTo?: number;
  readonly revoked?: boolean;
}

/** A list of keys as a file or the store gives it. */
export interface KeyList {
  readonly version: number;
  /** When it was made, UTC ms: it is later than that, whatever the clock says. */
  readonly issued: number;
  readonly keys: readonly KeyEntry[];
}

/** More keys no store has; a list must fit one message. */
const mostKeys = 2_000;

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const whoPattern = /^[0-9A-Za-z-]{1,64}$/;
const fileSchema = z.strictObject({
  keys: z.literal(1),
  version: z.number().int().min(1),
  issued: time,
  list: z
    .array(
      z.strictObject({
        id: z.string().optional(),
        key: z.base64(),
        role: z.enum(roles),
        who: z.string().regex(whoPattern, 'must be a number or a short code, never a name').optional(),
        validFrom: time.optional(),
        validTo: time.optional(),
        revoked: z.boolean().optional(),
      }),
    )
    .max(mostKeys),
});

/** Reads the text of a key file. Throws CW-IDN-008, or CW-IDN-007 for a key that can't be used. */
export function readKeyFile(text: string): KeyList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(`it is not JSON (${describeError(cause)})`, cause);
  }
  const result = fileSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw unreadable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { version, issued, list } = result.data;
  const keys = list.map(({ key, id, ...more }) => {
    const read = readPublicKey(Buffer.from(key, 'base64'));
    if (id !== undefined && id !== read.id)
      throw unreadable(`the key with the id ${id} has the id ${read.id}`);
    return withoutUndefined({ key: read, ...more });
  });
  return checked({ version, issued, keys });
}

/** The text of a key file. */
export function writeKeyFile({ version, issued, keys }: KeyList): string {
  const list = keys.map(({ key, validFrom, validTo, ...more }) => ({
    id: key.id,
    key: Buffer.from(key.spki).toString('base64'),
    ...more,
    ...(validFrom === undefined ? {} : { validFrom: new Date(validFrom).toISOString() }),
    ...(validTo === undefined ? {} : { validTo: new Date(validTo).toISOString() }),
  }));
  return `${JSON.stringify({ keys: 1, version, issued: new Date(issued).toISOString(), list }, null, 2)}\n`;
}

/** The list as the store publishes it on `topic` (`cw/1/{store}/_store/keys`), signed by the root key. */
export function sealKeyList(list: KeyList, topic: string, root: PrivateKey): Uint8Array {
  const { version, issued, keys } = checked(list);
  const payload = encodeRecord(keyListPayload, {
    version,
    issued,
    keys: keys.map(({ key, role, ...more }) => ({ key: key.spki, role: role as Role, ...more })),
  });
  return sign1(payload, Buffer.from(topic), root);
}

/** Reads what the store published. Throws CW-IDN-001, -007, -008 and -010. */
export function openKeyList(bytes: Uint8Array, topic: string, root: PublicKey): KeyList {
  const message = readSign1(bytes);
  if (!fits(message, Buffer.from(topic), root)) {
    throw new IdentityError(
      'CW-IDN-010',
      `the list of keys is signed by ${message.keyId}, not for this store by its root key ${root.id}; publish it with that key (scripts/cartwright key publish)`,
    );
  }
  let list: ReturnType<typeof decodeRecord<typeof keyListPayload>>;
  try {
    list = decodeRecord(keyListPayload, message.payload, { deterministic: true });
  } catch (cause) {
    throw unreadable(describeError(cause), cause);
  }
  const keys = list.keys.map(({ key, role, who, validFrom, validTo, revoked }) =>
    withoutUndefined({ key: readPublicKey(key), role, who, validFrom, validTo, revoked }),
  );
  return checked({ version: list.version, issued: list.issued, keys });
}

type Loose = { readonly [Name in keyof KeyEntry]: KeyEntry[Name] | undefined };

function withoutUndefined(entry: Loose & Pick<KeyEntry, 'key' | 'role'>): KeyEntry {
  return Object.fromEntries(
    Object.entries(entry).filter(([, value]) => value !== undefined),
  ) as unknown as KeyEntry;
}

function checked(list: KeyList): KeyList {
  if (list.keys.length > mostKeys) throw unreadable(`it has ${list.keys.length} keys, ${mostKeys} at most`);
  const seen = new Set<string>();
  for (const { key, who, validFrom, validTo } of list.keys) {
    if (seen.has(key.id)) throw unreadable(`key ${key.id} is in it twice; a key has one role`);
    seen.add(key.id);
    if (who !== undefined && !whoPattern.test(who)) {
      throw unreadable(`\`who\` of key ${key.id} is no number or short code`);
    }
    if (validFrom !== undefined && validTo !== undefined && validTo < validFrom) {
      throw unreadable(`key ${key.id} ends before it begins`);
    }
  }
  return list;
}

function unreadable(why: string, cause?: unknown): IdentityError {
  return new IdentityError('CW-IDN-008', `the list of keys can't be used: ${why}`, { cause });
}
