import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { CommandDesk } from '#commands/desk.ts';
import { CommandError } from '#commands/errors.ts';
import { type Answer, checkRequest } from '#commands/messages.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { decodePayload, encodePayload } from '#uplink/payloads.ts';
import { responseTopic } from '#uplink/topics.ts';

/** Requests are small; more is refused unread. */
const largestRequest = 64 * 1024;
const openBrace = 0x7b;

export interface RequestPort {
  readonly desk: CommandDesk;
  readonly log: Logger;
  readonly encoding: 'cbor' | 'json';
  publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain?: boolean }): void;
  onUnreadable(command: string, error: CommandError): void;
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
  let answer: Answer;
  try {
    const request = checkRequest(read(payload));
    answer = await port.desk.handle({ command, request, retained });
  } catch (error) {
    const refused = unreadable(error);
    port.onUnreadable(command, refused);
    answer = { transaction: '', status: 'refused', code: refused.code, message: refused.message };
  }
  const encoding = payload[0] === openBrace ? 'json' : port.encoding;
  port.publish(responseTopic(command), encode(answer, encoding, port.log), { qos: 1 });
}

function unreadable(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
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

function read(payload: Uint8Array): unknown {
  if (payload.length > largestRequest) {
    throw new CommandError(
      'CW-CMD-001',
      `the request has ${payload.length} bytes, ${largestRequest} at most`,
    );
  }
  return decodePayload(requestPayload, payload);
}
