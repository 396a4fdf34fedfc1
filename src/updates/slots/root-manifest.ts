import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { type CborValue, decodeCbor, encodeCbor, wireInteger, wireMap } from '#events/cbor.ts';
import { defaultLimits } from '#events/cbor-check.ts';
import { fits, readSign1, sign1 } from '#identity/cose.ts';
import type { PrivateKey, PublicKey } from '#identity/keys.ts';
import { UpdateError } from '../errors.ts';
import { architectures, versionPattern } from '../facts.ts';

/** A signature of a root is none of a release, and the other way round. */
const externalAad = Buffer.from('cartwright/root/1');
/** A description is some 400 bytes. */
export const longestManifest = 16_384;
/** Bounds what a description may promise before anything of it is written. */
const mostBytes = 16 * 1024 ** 3;

const size = z.number().int().min(1).max(mostBytes);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const part = z.object({ bytes: size, sha256 });

const manifestSchema = z.object({
  /** Of the format. */
  root: z.literal(1),
  version: z.string().regex(versionPattern, 'is no version such as 1.4.0'),
  arch: z.enum(architectures),
  /** UTC ms of the image's time (SOURCE_DATE_EPOCH). An older one is taken only where that is asked for. */
  createdMs: z.number().int().min(0),
  linux: part,
  initrd: part,
  /** The file system, compressed by zstd; `unpacked` is what lies on the partition. */
  fileSystem: part.extend({ unpacked: part }),
});

/** The signed description of a root: Debian with its kernel, without the gateway. */
export type RootManifest = z.infer<typeof manifestSchema>;

/** Writes and signs a description: COSE_Sign1 over CBOR. Throws CW-UPD-070 where it is none, or the key is not Ed25519. */
export function encodeRootManifest(manifest: RootManifest, key: PrivateKey): Uint8Array {
  if (key.publicKey.algorithm !== 'Ed25519')
    throw unreadable('roots are signed by Ed25519 keys alone (scripts/cartwright key make)');
  return sign1(encodeCbor(wireOf(checked(manifest))), externalAad, key);
}

/** Reads a description that one of `keys` signed. Throws CW-UPD-070 where it is none, -071 where none of them signed it. */
export function openRootManifest(bytes: Uint8Array, keys: readonly PublicKey[]): RootManifest {
  if (bytes.length > longestManifest)
    throw unreadable(`it has ${bytes.length} bytes, ${longestManifest} at most`);
  const message = guarded(() => readSign1(bytes));
  const trusted = keys.filter(({ algorithm }) => algorithm === 'Ed25519');
  if (!trusted.some((key) => fits(message, externalAad, key))) {
    throw new UpdateError(
      'CW-UPD-071',
      `the root is signed by the key ${message.keyId}, which did not fit or is not one of those that are taken (${trusted.map(({ id }) => id).join(', ') || 'none'}); get it from its maker again, or put the maker's public key into /etc/cartwright/release-keys`,
      { details: { keyId: message.keyId } },
    );
  }
  const payload = guarded(() => decodeCbor(message.payload, { ...defaultLimits, maxDepth: 4, maxItems: 64 }));
  return checked(plainOf(payload));
}

type Plain = { readonly [key: string]: string | number | Plain };

function wireOf(record: Plain): CborValue {
  return wireMap(
    Object.entries(record).map(([key, value]): [string, CborValue] => {
      if (typeof value === 'number') return [key, wireInteger(value)];
      if (typeof value === 'string') return [key, key === 'sha256' ? Buffer.from(value, 'hex') : value];
      return [key, wireOf(value)];
    }),
  );
}

function plainOf(value: CborValue): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, held]) => [String(key), plainOf(held)]));
}

function checked(value: unknown): RootManifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw unreadable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function guarded<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw unreadable(describeError(cause), cause);
  }
}

function unreadable(why: string, cause?: unknown): UpdateError {
  return new UpdateError('CW-UPD-070', `the description of the root can't be read: ${why}`, { cause });
}
