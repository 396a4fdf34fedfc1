import { joined } from './cbor.ts';

const text = new TextEncoder();
/** As the console stretches codes: src/console/codes.ts. */
const stretchRounds = 200_000;

/** A code as it is stretched: upper case, without what only separates, and with letters that look like digits read as those. */
export function plainCode(typed: string): string {
  return typed
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
}

/** What is proved and signed when a key is enrolled. */
export function enrolmentText(store: string, spki: Uint8Array): Uint8Array<ArrayBuffer> {
  return joined([text.encode(`cartwright enrol\0${store}\0`), spki]);
}

/** HMAC-SHA256 of the new key by the stretched code: the code itself never leaves the browser. */
export async function enrolmentProof(code: string, store: string, spki: Uint8Array): Promise<Uint8Array> {
  const typed = await crypto.subtle.importKey('raw', text.encode(plainCode(code)), 'PBKDF2', false, [
    'deriveKey',
  ]);
  const key = await crypto.subtle.deriveKey(
    {
      name: 'PBKDF2',
      hash: 'SHA-256',
      salt: text.encode(`cartwright console code\0${store}`),
      iterations: stretchRounds,
    },
    typed,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  );
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, enrolmentText(store, spki)));
}
