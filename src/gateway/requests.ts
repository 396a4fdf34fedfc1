import { isCoded } from '#base/errors.ts';
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
  const json = payload[0] === openBrace;
  let answer: Answer;
  try {
    const request = checkRequest(read(payload));
    answer = await port.desk.handle({ command, request, retained });
  } catch (error) {
    const coded = isCoded(error)
      ? new CommandError('CW-CMD-001', `the request could not be read: ${error.code} ${error.message}`)
      : new CommandError('CW-CMD-001', 'the request could not be read: it is neither CBOR nor JSON');
    port.log.warn({ command, code: coded.code }, coded.message);
    port.onUnreadable(command, coded);
    answer = { transaction: '', status: 'refused', code: coded.code, message: coded.message };
  }
  port.publish(
    responseTopic(command),
    encodePayload(responsePayload, answer, json ? 'json' : port.encoding),
    { qos: 1 },
  );
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
