import { encodeRecord } from '#events/codec.ts';
import type { PlainMap } from '#events/fields.ts';
import { requestPayload } from '#events/mqtt-payloads.ts';
import type { PrivateKey } from '#identity/keys.ts';
import type { Answer, Request } from './messages.ts';
import { sealRequest } from './sealed.ts';

/** What makes a request a signed one. */
export interface Signing {
  readonly key: PrivateKey;
  /** That the device gave, where its clock is unset. */
  readonly nonce?: string;
}

/** An answer as it came: with the id of the key that signed its request, where that held. */
export type HeardAnswer = Answer & { readonly key?: string };

/** How long a refusal that names no key waits for an answer to the key that signed. */
export const vouchedWithinMs = 500;

/**
 * A request as it is published on `topic`, signed where `signing` says with what. Throws an EventError for arguments that
 * messages can't hold.
 */
export function encodeRequest(request: Request, topic: string, signing: Signing | undefined): Uint8Array {
  if (signing === undefined) {
    return encodeRecord(requestPayload, { ...request, args: request.args as PlainMap });
  }
  const { key, nonce } = signing;
  return sealRequest(nonce === undefined ? request : { ...request, nonce }, topic, key);
}

/**
 * Whether an answer is to what was asked, and not to a bad copy of it: anybody may send one of a signed request, and have
 * that refused. Whoever signs nothing has to believe every answer.
 */
export function isVouched(answer: HeardAnswer, signing: Signing | undefined): boolean {
  return signing === undefined || answer.key === signing.key.publicKey.id;
}

/**
 * Asks with a signature. A device whose clock is unset can't tell how old a command is (CW-CMD-013): it is asked for a nonce
 * of its own, and once more with that. `ask` sends the request, both times with the same transaction, `askNonce` an unsigned
 * `gateway.nonce`; what they reject with is rejected with.
 */
export async function askSigned<Heard extends HeardAnswer | undefined>(
  key: PrivateKey,
  ask: (signing: Signing) => Promise<Heard>,
  askNonce: () => Promise<Heard>,
): Promise<Heard> {
  const answer = await ask({ key });
  if (answer?.status !== 'refused' || answer.code !== 'CW-CMD-013') return answer;
  const given = await askNonce();
  if (given?.status !== 'done') return given;
  return await ask({ key, nonce: String(given.data.nonce) });
}
