import { toBase64 } from './bytes.ts';
import { forgetKey, keepKey, loadKey } from './key-store.ts';
import { makeKey, type OwnKey } from './keys.ts';
import { enrolmentProof, enrolmentText } from './proof.ts';
import { signingParameters } from './signing.ts';

/** What the console said no to. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Answered extends Pick<OwnKey, 'role' | 'who'> {
  readonly status: 'enrolled' | 'requested';
  readonly published?: boolean;
}

/**
 * Makes a key, enrols it for the code, and keeps it in this browser. The key is kept before the console is asked: where the
 * answer is lost, the same code is tried again for the same key, and the console says what became of it. Rejects with `Refused`.
 */
export async function enrol(code: string, store: string): Promise<OwnKey> {
  const kept = await loadKey(store);
  const key: OwnKey =
    kept?.status === 'asked' ? kept : { ...(await makeKey()), store, status: 'asked', role: '', who: '' };
  await keepKey(key);
  const body = JSON.stringify({
    key: toBase64(key.spki),
    proof: toBase64(await enrolmentProof(code, store, key.spki)),
    signature: toBase64(await possession(key, store)),
  });
  const answer = await post('/api/enrol', body, 'application/json').catch(async (error: unknown) => {
    // This key will never be taken: the next try is with another one.
    if (error instanceof Refused && error.code === 'CW-CON-003') await forgetKey(store);
    throw error;
  });
  const { status, published, role, who } = answer as Answered;
  // What is written and not published yet, devices don't know.
  const own: OwnKey = { ...key, status: published === false ? 'requested' : status, role, who };
  await keepKey(own);
  return own;
}

/** Shows that whoever asks has the private half. */
async function possession(key: OwnKey, store: string): Promise<Uint8Array> {
  const signed = enrolmentText(store, key.spki);
  return new Uint8Array(await crypto.subtle.sign(signingParameters(key.algorithm), key.privateKey, signed));
}

/** Asks the console. Rejects with `Refused`, whose code is `unreachable` where it does not answer. */
export async function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  type: string,
): Promise<unknown> {
  const response = await fetch(path, { method: 'POST', body, headers: { 'Content-Type': type } }).catch(
    () => undefined,
  );
  if (response === undefined)
    throw new Refused(
      'unreachable',
      'The console does not answer. Is it running, and is this device on its network? Then try again; a code for which no answer came holds for this browser still.',
    );
  const answer = (await response.json().catch(() => ({}))) as {
    readonly code?: string;
    readonly message?: string;
  };
  if (response.ok) return answer;
  throw new Refused(answer.code ?? String(response.status), answer.message ?? 'The console refused.');
}
