import type { Clock } from '#base/clock.ts';
import { DriverError } from '../../errors.ts';
import type { BytePort } from '../../ports/ports.ts';
import { keepaliveAck, readStatus } from './messages.ts';
import { type LlrpMessage, MessageSplitter, messageTypes } from './wire.ts';

export interface SessionListener {
  /** A message that is no answer. */
  message(message: LlrpMessage, atUs: number): void;
  /** The connection is of no use any more; told once. */
  lost(error: DriverError): void;
}

/** A reader answers within this long, µs. */
const answerWithinUs = 4_000_000;

interface Question {
  readonly answerType: number;
  readonly resolve: (message: LlrpMessage) => void;
  readonly reject: (error: DriverError) => void;
}

/** Questions and answers on one connection to a reader. Keepalives are answered here. */
export class LlrpSession {
  readonly #id: string;
  readonly #port: BytePort;
  readonly #clock: Clock;
  readonly #listener: SessionListener;
  readonly #splitter = new MessageSplitter();
  readonly #questions = new Map<number, Question>();
  #lastId = 0;
  #ended = false;
  /** When the reader last said anything, µs. */
  heardUs: number;

  constructor(id: string, port: BytePort, clock: Clock, listener: SessionListener) {
    this.#id = id;
    this.#port = port;
    this.#clock = clock;
    this.#listener = listener;
    this.heardUs = clock.nowUs();
    port.listen({ data: (bytes, atUs) => this.#take(bytes, atUs), lost: (error) => this.#lose(error) });
  }

  /**
   * Asks, and resolves with the answer. Rejects with CW-DRV-020 where the reader refuses (its own words are in the
   * message), CW-DRV-008 where no answer comes, and CW-DRV-005 where the connection ends.
   *
   * @param accepted status codes besides 0 that are fine
   */
  async ask(
    what: string,
    answerType: number,
    message: (id: number) => Uint8Array,
    accepted: (code: number) => boolean = () => false,
  ): Promise<LlrpMessage> {
    if (this.#ended) throw this.#gone();
    this.#lastId = (this.#lastId % 0x7fffffff) + 1;
    const id = this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<LlrpMessage>();
    const cancel = this.#clock.after(answerWithinUs, () => {
      const text = `${this.#id} does not answer (${what}); restart the tag reader if that stays so`;
      reject(new DriverError('CW-DRV-008', text));
    });
    this.#questions.set(id, { answerType, resolve, reject });
    try {
      await this.#port.write(message(id));
      const answer = await promise;
      const { code, text } = readStatus(answer);
      if (code === 0 || accepted(code)) return answer;
      const said = text === '' ? `status ${code}` : `status ${code}: ${text}`;
      throw new DriverError('CW-DRV-020', `${this.#id} refuses to ${what} (${said}); check its options`);
    } finally {
      cancel();
      this.#questions.delete(id);
    }
  }

  /** No further message is given out; questions that wait are rejected. */
  end(): void {
    this.#ended = true;
    for (const { reject } of this.#questions.values()) reject(this.#gone());
  }

  #gone(): DriverError {
    return new DriverError('CW-DRV-005', `the connection to ${this.#id} has ended`);
  }

  #take(bytes: Uint8Array, atUs: number): void {
    if (this.#ended) return;
    this.heardUs = atUs;
    try {
      for (const message of this.#splitter.push(bytes)) this.#dispatch(message, atUs);
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      this.#lose(error);
    }
  }

  #dispatch(message: LlrpMessage, atUs: number): void {
    const question = this.#questions.get(message.id);
    const isAnswer =
      question !== undefined &&
      (message.type === question.answerType || message.type === messageTypes.errorMessage);
    if (isAnswer) question.resolve(message);
    else if (message.type === messageTypes.keepalive) {
      this.#port.write(keepaliveAck(message.id)).catch((error: unknown) => {
        if (error instanceof DriverError) this.#lose(error);
      });
    } else this.#listener.message(message, atUs);
  }

  #lose(error: DriverError): void {
    if (this.#ended) return;
    this.end();
    for (const { reject } of this.#questions.values()) reject(error);
    this.#listener.lost(error);
  }
}
