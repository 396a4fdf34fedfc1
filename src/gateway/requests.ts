import { type CodedError, describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Sender } from '#commands/authority.ts';
import type { CommandDesk } from '#commands/desk.ts';
import { CommandError } from '#commands/errors.ts';
import { type Answer, checkRequest, type Request } from '#commands/messages.ts';
import { claimedTransaction, openRequest } from '#commands/sealed.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { isSigned } from '#identity/cose.ts';
import { IdentityError } from '#identity/errors.ts';
import type { KeyRing } from '#identity/key-ring.ts';
import { decodePayload, encodePayload } from '#uplink/payloads.ts';
import { responseTopic } from '#uplink/topics.ts';

/** Requests are small; more is refused unread. */
const largestRequest = 64 * 1024;
const openBrace = 0x7b;

export interface RequestPort {
  readonly desk: Pick<CommandDesk, 'handle' | 'knows'>;
  readonly log: Logger;
  readonly encoding: 'cbor' | 'json';
  /** Whose signatures hold. */
  readonly keys: Pick<KeyRing, 'verify'>;
  /** The full topic of a command's requests, which signatures cover. */
  topic(command: string): string;
  /** UTC ms; undefined while the clock is unset. */
  nowMs(): number | undefined;
  publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain?: boolean }): void;
  onUnreadable(command: string, error: CodedError, transaction?: string): void;
}

/**
 * Takes one message on `request/{command}`, carries it out at most once and publishes the answer on
 * `response/{command}`. A request in JSON is answered in JSON, whatever the setting. Never rejects.
 */
export async function answerRequest(
  port: RequestPort,
  command: string,
  payload: Uint8Array,
  retained: boolean,
): Promise<void> {
  let answer: Answer & { readonly key?: string };
  try {
    const { request, sender } = read(port, command, payload);
    answer = await port.desk.handle({ command, request, sender, retained });
    if (typeof sender === 'object') answer = { ...answer, key: sender.id };
    // Not signed though it has to be: a transaction that the desk knows is another's, and is not answered so.
    else if (isUnsigned(answer) && port.desk.knows(answer.transaction))
      answer = { ...answer, transaction: '' };
  } catch (error) {
    answer = refuseUnread(port, command, payload, error);
  }
  const encoding = payload[0] === openBrace ? 'json' : port.encoding;
  port.publish(responseTopic(command), encode(answer, encoding, port.log), { qos: 1 });
}

/** Whoever signs hears why that was not believed; a transaction that the desk knows is another's, and is not answered so. */
function refuseUnread(port: RequestPort, command: string, payload: Uint8Array, error: unknown): Answer {
  const refused = unreadable(error);
  const claimed =
    isSigned(payload) && payload.length <= largestRequest ? claimedTransaction(payload) : undefined;
  port.onUnreadable(command, refused, claimed);
  const transaction = claimed === undefined || port.desk.knows(claimed) ? '' : claimed;
  return { transaction, status: 'refused', code: refused.code, message: refused.message };
}

const isUnsigned = (answer: Answer) => answer.status === 'refused' && answer.code === 'CW-CMD-010';

function unreadable(error: unknown): CodedError {
  if (error instanceof CommandError || error instanceof IdentityError) return error;
  return new CommandError(
    'CW-CMD-001',
    isCoded(error)
      ? `the request could not be read: ${error.code} ${error.message}`
      : 'the request could not be read: it is neither CBOR nor JSON',
  );
}

/** An answer that its handler filled with what messages can't hold is a refusal: whoever asked must not wait in vain. */
function encode(answer: Answer, encoding: 'cbor' | 'json', log: Logger): Uint8Array {
  try {
    return encodePayload(responsePayload, answer, encoding);
  } catch (error) {
    log.error({ transaction: answer.transaction, err: describeError(error) }, 'an answer can not be encoded');
    const { transaction } = answer;
    const code = 'CW-CMD-009';
    const message = `the answer can't be encoded: ${describeError(error)}; please report this`;
    return encodePayload(responsePayload, { transaction, status: 'refused', code, message }, encoding);
  }
}

function read(
  port: RequestPort,
  command: string,
  payload: Uint8Array,
): { readonly request: Request; readonly sender: Sender } {
  if (payload.length > largestRequest) {
    throw new CommandError(
      'CW-CMD-001',
      `the request has ${payload.length} bytes, ${largestRequest} at most`,
    );
  }
  if (isSigned(payload)) return openRequest(payload, port.topic(command), port.keys, port.nowMs());
  return { request: checkRequest(decodePayload(requestPayload, payload)), sender: 'unsigned' };
}
