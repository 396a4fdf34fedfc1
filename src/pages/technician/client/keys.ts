import { sha256, toHex } from './bytes.ts';
import type { Algorithm, Signer } from './signing.ts';

/** The technician's key as this browser keeps it. Its private half can be used, and never be read. */
export interface OwnKey extends Signer {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
  readonly store: string;
  readonly role: string;
  readonly who: string;
  /** `requested`: whoever holds the root key has to add it to the list. */
  readonly status: 'enrolled' | 'requested';
}

/** A key that was just made, and is nobody's yet. */
export type NewKey = Signer & Pick<OwnKey, 'spki'>;

const idBytes = 16;
const databaseName = 'cartwright-console';
const tableName = 'keys';

/** Makes a key that can't be taken out of the browser: Ed25519, or P-256 where the browser has no Ed25519. */
export async function makeKey(): Promise<NewKey> {
  const { algorithm, pair } = await makePair();
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
  const id = toHex(await keyHash(spki));
  return { algorithm, id, spki, privateKey: pair.privateKey };
}

/** The id of a public key, bytes. */
export async function keyHash(spki: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return (await sha256(spki)).slice(0, idBytes);
}

async function makePair(): Promise<{ readonly algorithm: Algorithm; readonly pair: CryptoKeyPair }> {
  try {
    const pair = (await crypto.subtle.generateKey({ name: 'Ed25519' }, false, [
      'sign',
      'verify',
    ])) as CryptoKeyPair;
    return { algorithm: 'Ed25519', pair };
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'NotSupportedError') throw error;
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'sign',
      'verify',
    ]);
    return { algorithm: 'ES256', pair };
  }
}

/** The key of this store, or undefined. */
export async function loadKey(store: string): Promise<OwnKey | undefined> {
  return (await inTable('readonly', (table) => table.get(store))) as OwnKey | undefined;
}

export async function keepKey(key: OwnKey): Promise<void> {
  await inTable('readwrite', (table) => table.put(key, key.store));
  // Asked for, not insisted on: browsers clear what sites keep when room gets short.
  await navigator.storage?.persist?.().catch(() => false);
}

export async function forgetKey(store: string): Promise<void> {
  await inTable('readwrite', (table) => table.delete(store));
}

function inTable<Result>(
  mode: IDBTransactionMode,
  work: (table: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(databaseName, 1);
    opening.onupgradeneeded = () => void opening.result.createObjectStore(tableName);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(tableName, mode);
      const request = work(transaction.objectStore(tableName));
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(request.result);
      };
      transaction.onerror = () => reject(transaction.error);
    };
  });
}
