import { toBase64 } from './bytes.ts';
import { joined } from './cbor.ts';
import { keepKey, makeKey, type NewKey, type OwnKey } from './keys.ts';
import { signingParameters } from './signing.ts';

const text = new TextEncoder();
/** As the console stretches codes: src/console/codes.ts. */
const stretchRounds = 200_000;

/** What the console said no to. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A code as it is stretched: upper case, without what only separates, and with letters that look like digits read as those. */
export function plainCode(typed: string): string {
  return typed
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
}

/** What is proved and signed when a key is enrolled. */
function enrolmentText(store: string, spki: Uint8Array): Uint8Array<ArrayBuffer> {
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

/** Makes a key, enrols it for the code, and keeps it in this browser. Rejects with `Refused`. */
export async function enrol(code: string, store: string): Promise<OwnKey> {
  const key = await makeKey();
  const body = JSON.stringify({
    key: toBase64(key.spki),
    proof: toBase64(await enrolmentProof(code, store, key.spki)),
    signature: toBase64(await possession(key, store)),
  });
  const answer = (await post('/api/enrol', body, 'application/json')) as Pick<
    OwnKey,
    'status' | 'role' | 'who'
  >;
  const own: OwnKey = { ...key, store, status: answer.status, role: answer.role, who: answer.who };
  await keepKey(own);
  return own;
}

/** Shows that whoever asks has the private half. */
async function possession(key: NewKey, store: string): Promise<Uint8Array> {
  const signed = enrolmentText(store, key.spki);
  return new Uint8Array(await crypto.subtle.sign(signingParameters(key.algorithm), key.privateKey, signed));
}

/** Asks the console. Rejects with `Refused`, whose code is `unreachable` where it does not answer. */
export async function post(path: string, body: BodyInit, type: string): Promise<unknown> {
  const response = await fetch(path, { method: 'POST', body, headers: { 'Content-Type': type } }).catch(
    () => undefined,
  );
  if (response === undefined)
    throw new Refused(
      'unreachable',
      'The console does not answer. Is it running, and is this device on its network?',
    );
  const answer = (await response.json().catch(() => ({}))) as {
    readonly code?: string;
    readonly message?: string;
  };
  if (response.ok) return answer;
  throw new Refused(answer.code ?? String(response.status), answer.message ?? 'The console refused.');
}
