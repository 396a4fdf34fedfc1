import { requestPayload } from '#events/mqtt-payloads.ts';
import { fromHex } from './bytes.ts';
import { encodeCbor, joined } from './cbor.ts';
import { writeRecord } from './records.ts';

/** The two algorithms that devices take: EdDSA on Ed25519, and ECDSA on P-256 where a browser lacks it. */
export type Algorithm = 'Ed25519' | 'ES256';

/** A key of WebCrypto. */
export type WebKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
/** How such a key signs. */
type SigningParameters = Parameters<typeof crypto.subtle.sign>[0];

/** What signs: a key that can't be read out of the browser. */
export interface Signer {
  readonly algorithm: Algorithm;
  /** First 16 bytes of the SHA-256 over the SubjectPublicKeyInfo, lower-case hexadecimal. */
  readonly id: string;
  readonly privateKey: WebKey;
}

/** A request before it is signed; times are UTC ms. */
export interface Request {
  readonly transaction: string;
  readonly issued: number;
  readonly expires: number;
  readonly args: Readonly<Record<string, unknown>>;
  readonly nonce?: string;
}

const tag18 = 0xd2;
/** COSE algorithm numbers (RFC 9053) and labels of the header (RFC 9052, table 3). */
const numbers: Readonly<Record<Algorithm, number>> = { Ed25519: -8, ES256: -7 };
const labels = { algorithm: 1, keyId: 4 } as const;

/** Parameters of WebCrypto for signing with such a key; signatures of both have 64 bytes, as COSE wants them. */
export function signingParameters(algorithm: Algorithm): SigningParameters {
  return algorithm === 'Ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', hash: 'SHA-256' };
}

/** A request as it travels without signature. */
export function plainRequest(request: Request): Uint8Array<ArrayBuffer> {
  return writeRecord(requestPayload, { ...request });
}

/** COSE_Sign1 over `payload` for the place that `topic` names (docs/mqtt.md, Signed commands). */
export async function sign1(
  payload: Uint8Array<ArrayBuffer>,
  topic: string,
  signer: Signer,
): Promise<Uint8Array<ArrayBuffer>> {
  const { algorithm, id, privateKey } = signer;
  const header = encodeCbor(
    new Map<number, number | Uint8Array>([
      [labels.algorithm, numbers[algorithm]],
      [labels.keyId, fromHex(id)],
    ]),
  );
  const signed = encodeCbor(['Signature1', header, new TextEncoder().encode(topic), payload]);
  const signature = new Uint8Array(
    await crypto.subtle.sign(signingParameters(algorithm), privateKey, signed),
  );
  return joined([Uint8Array.of(tag18), encodeCbor([header, new Map(), payload, signature])]);
}
