import { sha256, toHex } from './bytes.ts';
import type { Algorithm, Signer, WebKey } from './signing.ts';

/** The technician's key as this browser keeps it. Its private half can be used, and never be read. */
export interface OwnKey extends Signer {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
  readonly store: string;
  readonly role: string;
  readonly who: string;
  /** `asked`: the console was asked, and its answer is not known; `requested`: it works when it is in the published list. */
  readonly status: 'asked' | 'enrolled' | 'requested';
}

/** A key that was just made, and is nobody's yet. */
type NewKey = Signer & Pick<OwnKey, 'spki'>;

const idBytes = 16;

/** Makes a key that can't be taken out of the browser: Ed25519, or P-256 where the browser has no Ed25519. */
export async function makeKey(): Promise<NewKey> {
  const { algorithm, pair } = await makePair();
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
  const id = toHex(await keyHash(spki));
  return { algorithm, id, spki, privateKey: pair.privateKey };
}

/** What `generateKey` makes of both algorithms: its types tell less. */
function pairOf(made: object): Pair {
  if ('publicKey' in made && 'privateKey' in made) return made as Pair;
  throw new TypeError('the browser made no pair of keys');
}

/** The id of a public key, bytes. */
export async function keyHash(spki: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return (await sha256(spki)).slice(0, idBytes);
}

interface Pair {
  readonly publicKey: WebKey;
  readonly privateKey: WebKey;
}

async function makePair(): Promise<{ readonly algorithm: Algorithm; readonly pair: Pair }> {
  const uses = ['sign', 'verify'] as const;
  try {
    const pair = await crypto.subtle.generateKey({ name: 'Ed25519' }, false, uses);
    return { algorithm: 'Ed25519', pair: pairOf(pair) };
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'NotSupportedError') throw error;
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, uses);
    return { algorithm: 'ES256', pair: pairOf(pair) };
  }
}
