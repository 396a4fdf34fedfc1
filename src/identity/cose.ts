import { describeError } from '#base/errors.ts';
import { type CborValue, decodeCbor, encodeCbor, wireMap } from '#events/cbor.ts';
import { defaultLimits } from '#events/cbor-check.ts';
import { IdentityError } from './errors.ts';
import { type KeyAlgorithm, type PrivateKey, type PublicKey, signatureBytes } from './keys.ts';

/**
 * COSE_Sign1 (RFC 9052 §4.2) as this contract has it, and no other way, so that a message has exactly one encoding: tag
 * 18, deterministic CBOR, a protected header of algorithm and key id alone, nothing unprotected, the payload inside.
 */
export interface Sign1 {
  /** The protected header as it was signed. */
  readonly protectedHeader: Uint8Array;
  readonly algorithm: KeyAlgorithm;
  /** Id of the key that is said to have signed, lower-case hexadecimal. */
  readonly keyId: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** Tag 18 (COSE_Sign1) in one byte; no map begins so, and no JSON. */
const tag18 = 0xd2;
/** Labels of the protected header (RFC 9052, table 3). */
const labels = { algorithm: 1, keyId: 4 } as const;
/**
 * COSE algorithm numbers: EdDSA and ES256 (RFC 9053), which are written, and their fully specified successors Ed25519 and
 * ESP256 (RFC 9864), which mean the same with keys of these two kinds.
 */
const written: Readonly<Record<KeyAlgorithm, number>> = { Ed25519: -8, ES256: -7 };
const read: ReadonlyMap<number, KeyAlgorithm> = new Map([
  [-8, 'Ed25519'],
  [-19, 'Ed25519'],
  [-7, 'ES256'],
  [-9, 'ES256'],
]);
const keyIdBytes = 16;

/** True for bytes that say of themselves that they are signed. */
export function isSigned(bytes: Uint8Array): boolean {
  return bytes[0] === tag18;
}

/** Signs `payload` for the place that `externalAad` names: the full topic, UTF-8. */
export function sign1(payload: Uint8Array, externalAad: Uint8Array, key: PrivateKey): Uint8Array {
  const { algorithm, id } = key.publicKey;
  const protectedHeader = encodeCbor(
    wireMap([
      [labels.algorithm, written[algorithm]],
      [labels.keyId, Buffer.from(id, 'hex')],
    ]),
  );
  const signature = key.sign(toBeSigned({ protectedHeader, payload }, externalAad));
  return Buffer.concat(
    [[tag18], encodeCbor([protectedHeader, new Map(), payload, signature])].map(Buffer.from),
  );
}

/** Takes a signed message apart; its signature is not looked at. Throws CW-IDN-001, whatever the bytes are. */
export function readSign1(bytes: Uint8Array): Sign1 {
  if (!isSigned(bytes)) throw malformed('it does not begin with tag 18');
  const parts = decoded(bytes.subarray(1), 'it');
  if (!Array.isArray(parts) || parts.length !== 4) throw malformed('it is not a list of four');
  const [protectedHeader, unprotected, payload, signature] = parts as readonly CborValue[];
  if (!(unprotected instanceof Map) || unprotected.size > 0) {
    throw malformed('its unprotected header is not an empty map');
  }
  if (!(protectedHeader instanceof Uint8Array) || !(payload instanceof Uint8Array)) {
    throw malformed('its protected header or its payload is not a byte string');
  }
  if (!(signature instanceof Uint8Array) || signature.length !== signatureBytes) {
    throw malformed(`its signature is not ${signatureBytes} bytes`);
  }
  const header = decoded(protectedHeader, 'its protected header');
  if (!(header instanceof Map) || header.size !== 2) {
    throw malformed('its protected header is not a map of algorithm (1) and key id (4)');
  }
  const algorithm = read.get(header.get(labels.algorithm) as number);
  const keyId = header.get(labels.keyId);
  if (algorithm === undefined) throw malformed('its algorithm (1) is neither EdDSA (-8) nor ES256 (-7)');
  if (!(keyId instanceof Uint8Array) || keyId.length !== keyIdBytes) {
    throw malformed(`its key id (4) is not ${keyIdBytes} bytes`);
  }
  return {
    protectedHeader,
    algorithm,
    keyId: Buffer.from(keyId).toString('hex'),
    payload,
    signature,
  };
}

/** Whether `key` signed this for the place that `externalAad` names. */
export function fits(message: Sign1, externalAad: Uint8Array, key: PublicKey): boolean {
  return (
    message.algorithm === key.algorithm &&
    message.keyId === key.id &&
    key.verify(toBeSigned(message, externalAad), message.signature)
  );
}

/** Sig_structure (RFC 9052 §4.4). */
function toBeSigned(
  { protectedHeader, payload }: Pick<Sign1, 'protectedHeader' | 'payload'>,
  externalAad: Uint8Array,
): Uint8Array {
  return encodeCbor(['Signature1', protectedHeader, externalAad, payload]);
}

function decoded(bytes: Uint8Array, what: string): CborValue {
  try {
    return decodeCbor(bytes, { ...defaultLimits, maxDepth: 2, maxItems: 16 });
  } catch (cause) {
    throw malformed(`${what} is not deterministic CBOR (${describeError(cause)})`, cause);
  }
}

function malformed(why: string, cause?: unknown): IdentityError {
  return new IdentityError('CW-IDN-001', `the message is not signed as it should be: ${why}`, { cause });
}
