import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { type CborValue, decodeCbor, encodeCbor, wireInteger, wireMap } from '#events/cbor.ts';
import { defaultLimits } from '#events/cbor-check.ts';
import { fits, readSign1, sign1 } from '#identity/cose.ts';
import type { PrivateKey, PublicKey } from '#identity/keys.ts';
import { UpdateError } from './errors.ts';
import { type Architecture, releaseFacts } from './facts.ts';

/** What is signed stands for this and nothing else, so that no other signature of the key serves as one of a release. */
const externalAad = Buffer.from('cartwright/release/1');
/** A description is some 300 bytes; it comes as one message, from anybody. */
const longest = 16_384;

const manifestSchema = releaseFacts.extend({
  /** Of the archive. */
  bytes: z.number().int().min(1),
  /** SHA-256 of the archive, lower-case hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The signed description of a release: what it is, and which archive holds it. */
export type ReleaseManifest = z.infer<typeof manifestSchema>;

/** Writes and signs a description: COSE_Sign1 over CBOR. Throws CW-UPD-001 where it is none, or the key is not Ed25519. */
export function encodeRelease(manifest: ReleaseManifest, key: PrivateKey): Uint8Array {
  if (key.publicKey.algorithm !== 'Ed25519')
    throw unreadable('releases are signed by Ed25519 keys alone (scripts/cartwright key make)');
  const { sha256, firmware, formats, ...plain } = checked(manifest);
  const mapOf = (record: Readonly<Record<string, string | number | undefined>>) =>
    wireMap(
      Object.entries(record).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, typeof value === 'number' ? wireInteger(value) : value]],
      ),
    );
  const payload = encodeCbor(
    wireMap([
      ...mapOf(plain),
      ['sha256', Buffer.from(sha256, 'hex')],
      ['firmware', mapOf(firmware)],
      ['formats', mapOf(formats)],
    ] as [string, CborValue][]),
  );
  return sign1(payload, externalAad, key);
}

/**
 * Reads a description that one of `keys` signed. Throws CW-UPD-001 where it is none, -002 where none of them signed it,
 * -003 where it is of a later format.
 */
export function openRelease(bytes: Uint8Array, keys: readonly PublicKey[]): ReleaseManifest {
  if (bytes.length > longest) throw unreadable(`it has ${bytes.length} bytes, ${longest} at most`);
  const message = guarded(() => readSign1(bytes));
  const trusted = keys.filter(({ algorithm }) => algorithm === 'Ed25519');
  if (!trusted.some((key) => fits(message, externalAad, key))) {
    const known = trusted.map(({ id }) => id).join(', ') || 'none';
    throw new UpdateError(
      'CW-UPD-002',
      `the release is signed by the key ${message.keyId}, which did not fit or is not one of those that releases are taken from (${known}); get it from its maker again, or put the maker's public key into /etc/cartwright/release-keys`,
      { details: { keyId: message.keyId } },
    );
  }
  const payload = guarded(() =>
    decodeCbor(message.payload, { ...defaultLimits, maxDepth: 4, maxItems: 512 }),
  );
  const value = plainOf(payload);
  const { release } = (value ?? {}) as { release?: unknown };
  if (typeof release === 'number' && release > 1) {
    throw new UpdateError(
      'CW-UPD-003',
      `the release is of format ${release}, and this version reads format 1; update to a version in between first`,
    );
  }
  return checked(value);
}

/** Throws CW-UPD-004 for a release of another kind of processor than `arch`. */
export function mustRunOn(manifest: { readonly arch: Architecture; readonly version: string }, arch: string) {
  if (manifest.arch === arch) return;
  throw new UpdateError(
    'CW-UPD-004',
    `release ${manifest.version} is for ${manifest.arch}, and this machine is ${arch}; take the archive linux-${arch}`,
  );
}

function checked(value: unknown): ReleaseManifest {
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw unreadable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** Maps as objects and byte strings as hexadecimal text, so that one schema says what there has to be. */
function plainOf(value: CborValue): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, held]) => [String(key), plainOf(held)]));
}

function guarded<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (cause) {
    throw unreadable(describeError(cause), cause);
  }
}

function unreadable(why: string, cause?: unknown): UpdateError {
  return new UpdateError('CW-UPD-001', `the description of the release can't be read: ${why}`, { cause });
}
