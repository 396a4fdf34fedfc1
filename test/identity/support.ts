import { createHash, createPrivateKey } from 'node:crypto';
import type { KeyEntry, KeyList } from '#identity/key-list.ts';
import { makePrivateKey, type PrivateKey, readPrivatePem } from '#identity/keys.ts';

/** PKCS#8 of an Ed25519 key, up to its 32 bytes of seed (RFC 8410 §7). */
const ed25519Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An Ed25519 key that is the same in every run. */
export function fixedKey(name: string): PrivateKey {
  const seed = createHash('sha256').update(name).digest();
  const key = createPrivateKey({ key: Buffer.concat([ed25519Head, seed]), format: 'der', type: 'pkcs8' });
  return readPrivatePem(key.export({ format: 'pem', type: 'pkcs8' }) as string);
}

export const freshKey = (algorithm: 'Ed25519' | 'ES256' = 'Ed25519') => makePrivateKey(algorithm).key;

export function listOf(entries: readonly KeyEntry[], more: Partial<KeyList> = {}): KeyList {
  return { version: 1, issued: Date.UTC(2026, 10, 1), keys: entries, ...more };
}

/** An entry for a key's public half. */
export function entryOf(key: PrivateKey, role: string, more: Partial<KeyEntry> = {}): KeyEntry {
  return { key: key.publicKey, role, ...more };
}
