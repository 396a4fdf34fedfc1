import { toBase64 } from './bytes.ts';
import { keepKey } from './key-store.ts';
import { makeKey, type NewKey, type OwnKey } from './keys.ts';
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
      'The console does not answer. Is it running, and is this device on its network?',
    );
  const answer = (await response.json().catch(() => ({}))) as {
    readonly code?: string;
    readonly message?: string;
  };
  if (response.ok) return answer;
  throw new Refused(answer.code ?? String(response.status), answer.message ?? 'The console refused.');
}
