import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { describeError } from '#base/errors.ts';
import { IdentityError } from './errors.ts';

/** The two algorithms of the contract: EdDSA on Ed25519 (RFC 8032), ECDSA on P-256 with SHA-256. */
export type KeyAlgorithm = 'Ed25519' | 'ES256';
export const keyAlgorithms: readonly KeyAlgorithm[] = ['Ed25519', 'ES256'];

/** Both algorithms sign with so many bytes: R ‖ S (RFC 8032), r ‖ s (RFC 9053 §2.1). */
export const signatureBytes = 64;
/** Of the SHA-256 over the SubjectPublicKeyInfo. */
const keyIdBytes = 16;
/** A SubjectPublicKeyInfo of these algorithms has 44 or 91 bytes. */
const longestPublicKey = 128;

/** A key that proves: who holds its private half signed. */
export interface PublicKey {
  /** First 16 bytes of the SHA-256 over the SubjectPublicKeyInfo (DER), lower-case hexadecimal. */
  readonly id: string;
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER (RFC 5280). */
  readonly spki: Uint8Array;
  verify(data: Uint8Array, signature: Uint8Array): boolean;
}

/** A key that signs. Nothing of it can be read out. */
export interface PrivateKey {
  readonly publicKey: PublicKey;
  sign(data: Uint8Array): Uint8Array;
}

/** Reads a SubjectPublicKeyInfo, DER. Throws CW-IDN-007 for anything but Ed25519 and P-256, canonically encoded. */
export function readPublicKey(spki: Uint8Array): PublicKey {
  if (spki.length > longestPublicKey) throw unusable(`it has ${spki.length} bytes`);
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw unusable(`it is no public key: ${describeError(cause)}`, cause);
  }
  const made = publicKeyOf(key);
  // One key has one id: another encoding of the same point would get a second one.
  if (Buffer.compare(made.spki, spki) !== 0) throw unusable('it is not encoded canonically');
  return made;
}

/** Reads a public key from PEM text; from a private key's, its public half. Throws CW-IDN-007. */
export function readPublicPem(text: string): PublicKey {
  try {
    return publicKeyOf(createPublicKey(text));
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw unusable('it is no public key in PEM (-----BEGIN PUBLIC KEY-----)', cause);
  }
}

/** Reads a private key, PKCS#8 PEM, not encrypted. Throws CW-IDN-007, which never says what is in it. */
export function readPrivatePem(text: string): PrivateKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    // The cause is left out: OpenSSL's words may quote what it read.
    throw unusable('it is no private key in PEM (-----BEGIN PRIVATE KEY-----) without a password');
  }
  return privateKeyOf(key);
}

/** A new key, and its PKCS#8 PEM for a file that nobody else can read. */
export function makePrivateKey(algorithm: KeyAlgorithm): { readonly key: PrivateKey; readonly pem: string } {
  const { privateKey } =
    algorithm === 'Ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    key: privateKeyOf(privateKey),
    pem: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

/** A public key as PEM text. */
export function publicPem({ spki }: PublicKey): string {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  return key.export({ format: 'pem', type: 'spki' }) as string;
}

function privateKeyOf(key: KeyObject): PrivateKey {
  const publicKey = publicKeyOf(createPublicKey(key));
  const { algorithm } = publicKey;
  return {
    publicKey,
    sign: (data) =>
      algorithm === 'Ed25519'
        ? signBytes(null, data, key)
        : signBytes('sha256', data, { key, dsaEncoding: 'ieee-p1363' }),
  };
}

function publicKeyOf(key: KeyObject): PublicKey {
  const algorithm = algorithmOf(key);
  const spki = key.export({ format: 'der', type: 'spki' });
  const id = createHash('sha256').update(spki).digest().subarray(0, keyIdBytes).toString('hex');
  return {
    id,
    algorithm,
    spki,
    verify: (data, signature) =>
      signature.length === signatureBytes &&
      (algorithm === 'Ed25519'
        ? verifyBytes(null, data, key, signature)
        : verifyBytes('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)),
  };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyAlgorithm {
  if (asymmetricKeyType === 'ed25519') return 'Ed25519';
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw unusable(`it is of type ${asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType}`);
}

function unusable(why: string, cause?: unknown): IdentityError {
  return new IdentityError(
    'CW-IDN-007',
    `the key can't be used: ${why}; make one with scripts/cartwright key make (Ed25519 or P-256)`,
    { cause },
  );
}
