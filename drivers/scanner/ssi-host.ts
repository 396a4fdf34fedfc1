import type { Clock } from '#base/clock.ts';
import { DriverError } from '../errors.ts';
import type { BytePort } from '../ports/ports.ts';
import { encodeSsi, type SsiPacket, ssiOpcode, ssiRefusal, ssiSource, ssiStatus } from './ssi-packet.ts';

/** A scanner answers within this time, µs; then the command is sent again. */
const answerUs = 1_000_000;
const attempts = 3;
/** A sleeping scanner needs this long after the NUL that wakes it, µs. */
const wakeUs = 50_000;
/** Commands that wait for the one before; more are refused. */
const mostWaiting = 8;

const refusals: Readonly<Record<number, string>> = {
  [ssiRefusal.badContext]: 'it does not know the command',
  [ssiRefusal.denied]: 'it denies it as it is set now',
  [ssiRefusal.cancelled]: 'it was cancelled',
};

type Answer = SsiPacket | 'silence' | 'gone';

/** Commands of the host to the scanner, one after the other, each sent again where it is refused or lost on the way. */
export class SsiHost {
  readonly #clock: Clock;
  readonly #port: BytePort;
  readonly #wakes: boolean;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #answer: ((answer: Answer) => void) | undefined;
  #cancelTimer: (() => void) | undefined;
  #gone = false;

  /** @param wakes whether the scanner sleeps between scans and has to be woken before each command */
  constructor(clock: Clock, port: BytePort, wakes: boolean) {
    this.#clock = clock;
    this.#port = port;
    this.#wakes = wakes;
  }

  /**
   * Sends a command; resolves with the packet that answers it. Rejects with CW-DRV-020 where the scanner refuses it or
   * does not answer, with CW-DRV-005 where it is gone.
   */
  async command(opcode: number, data: readonly number[] = []): Promise<SsiPacket> {
    if (this.#waiting >= mostWaiting) {
      throw new DriverError('CW-DRV-020', 'too many commands wait for the scanner; wait for their answers');
    }
    this.#waiting += 1;
    const exchange = this.#last.then(() => this.#exchange(opcode, Uint8Array.from(data)));
    this.#last = exchange.catch(() => {});
    try {
      return await exchange;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** A packet of the scanner that may answer the command under way. */
  heard(packet: SsiPacket): void {
    this.#answer?.(packet);
  }

  /** Without an answer and without a wait for its write: for acknowledgements. */
  send(opcode: number, data: readonly number[] = []): void {
    if (this.#gone) return;
    // Where the port is gone, its listener hears it.
    this.#write(opcode, Uint8Array.from(data), 0).catch(() => {});
  }

  end(): void {
    this.#gone = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#answer?.('gone');
  }

  async #exchange(opcode: number, data: Uint8Array): Promise<SsiPacket> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (this.#wakes) await this.#wake();
      this.#mustBeThere();
      const answered = this.#awaitAnswer(answerUs);
      await this.#write(opcode, data, attempt === 0 ? 0 : ssiStatus.retransmit);
      const answer = await answered;
      if (answer === 'gone') this.#mustBeThere();
      if (typeof answer === 'string') continue;
      if (answer.opcode !== ssiOpcode.refuse) return answer;
      const reason = answer.data[0] ?? 0;
      if (reason === ssiRefusal.resend) continue;
      throw new DriverError(
        'CW-DRV-020',
        `the scanner refuses command ${hex(opcode)}: ${refusals[reason] ?? `reason ${reason}`}`,
      );
    }
    throw new DriverError(
      'CW-DRV-020',
      `the scanner does not answer command ${hex(opcode)}; switch its software handshaking and packeted data on`,
    );
  }

  async #wake(): Promise<void> {
    this.#mustBeThere();
    await this.#port.write(Uint8Array.of(0));
    await this.#awaitAnswer(wakeUs);
  }

  #awaitAnswer(withinUs: number): Promise<Answer> {
    return new Promise((resolve) => {
      const settle = (answer: Answer) => {
        this.#cancelTimer?.();
        this.#cancelTimer = undefined;
        this.#answer = undefined;
        resolve(answer);
      };
      this.#answer = settle;
      this.#cancelTimer = this.#clock.after(withinUs, () => settle('silence'));
    });
  }

  #mustBeThere(): void {
    if (this.#gone) throw new DriverError('CW-DRV-005', 'the scanner is gone; plug it in again');
  }

  #write(opcode: number, data: Uint8Array, status: number): Promise<void> {
    return this.#port.write(encodeSsi({ opcode, source: ssiSource.host, status, data }));
  }
}

function hex(opcode: number): string {
  return `0x${opcode.toString(16)}`;
}
