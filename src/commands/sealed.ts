import { decodeRecord, encodeRecord } from '#events/codec.ts';
import type { PlainMap } from '#events/fields.ts';
import { requestPayload } from '#events/mqtt-payloads.ts';
import { readSign1, type Sign1, sign1 } from '#identity/cose.ts';
import type { KeyRing, Signer } from '#identity/key-ring.ts';
import type { PrivateKey } from '#identity/keys.ts';
import { checkRequest, type Request } from './messages.ts';

/** A signed request whose signature held. */
interface OpenedRequest {
  readonly request: Request;
  readonly sender: Signer;
}

/**
 * A request as it travels signed: COSE_Sign1 over its deterministic CBOR, with the full topic it is published on
 * (`cw/1/{store}/{device}/request/…`) as `external_aad`. Throws an EventError for arguments that messages can't hold.
 */
export function sealRequest(request: Request, topic: string, key: PrivateKey): Uint8Array {
  return sign1(encodeRecord(requestPayload, { ...request, args: request.args as PlainMap }), aad(topic), key);
}

/**
 * Opens a signed request that came on `topic`. `nowMs` is undefined while the clock is unset.
 * Throws CW-IDN-001 to -006; CW-CMD-001 or an EventError for what is signed and no request.
 */
export function openRequest(
  payload: Uint8Array,
  topic: string,
  keys: Pick<KeyRing, 'verify'>,
  nowMs: number | undefined,
): OpenedRequest {
  const message = readSign1(payload);
  const sender = keys.verify(message, aad(topic), nowMs);
  return { request: requestIn(message), sender };
}

/**
 * The transaction that a request claims whose signature does not hold, so that an honest sender hears why; undefined where
 * it can't be read. Nothing else of it may be believed.
 */
export function claimedTransaction(payload: Uint8Array): string | undefined {
  try {
    return requestIn(readSign1(payload)).transaction;
  } catch {
    return undefined;
  }
}

function requestIn({ payload }: Sign1): Request {
  return checkRequest(decodeRecord(requestPayload, payload, { deterministic: true }));
}

const aad = (topic: string) => Buffer.from(topic, 'utf8');
