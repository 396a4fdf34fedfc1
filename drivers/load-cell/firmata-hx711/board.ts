import { EventEmitter } from 'node:events';
import type { Board } from 'johnny-five';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { DriverError } from '../../errors.ts';

/** Each attempt to bring johnny-five's board up; its handshake has no checksum, and a damaged byte stalls it for ever. */
const readyWithinUs = 1_500_000;
const attempts = 3;
/** Firmata asks for the version itself after this long, ms; here it is asked for at once. */
const reportVersionTimeout = 200;

/** Firmata's messages that a bridge sends: analog mapping, capabilities, pin state, string, I²C reply, firmware report. */
const bridgeMessages = new Set([0x6a, 0x6c, 0x6e, 0x71, 0x77, 0x79]);

/** The two libraries, loaded when the first bridge is opened: 16 MiB, 80 ms of a PC's time. */
export interface BoardLibraries {
  readonly five: typeof import('johnny-five');
  readonly Firmata: typeof import('firmata-io')['default']['Firmata'];
}

export async function loadBoardLibraries(): Promise<BoardLibraries> {
  const [five, firmata] = await Promise.all([import('johnny-five'), import('firmata-io')]);
  // Both are CommonJS: what they export is the default.
  return { five: five.default, Firmata: firmata.default.Firmata };
}

/** The transport that firmata-io reads: what the driver's own decoder leaves of the stream. */
class BoardTransport extends EventEmitter {
  readonly #send: (bytes: Uint8Array) => Promise<void>;

  constructor(send: (bytes: Uint8Array) => Promise<void>) {
    super();
    this.#send = send;
  }

  write(bytes: Uint8Array, done?: () => void): void {
    // A port that is gone is told by the link.
    this.#send(bytes).then(
      () => done?.(),
      () => done?.(),
    );
  }
}

export interface BoardOptions {
  readonly libraries: BoardLibraries;
  readonly send: (bytes: Uint8Array) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The bridge as johnny-five sees it: a Board that is ready, with pins A4 and A5 for I²C, on which integrators hang
 * further components (`new five.Accelerometer({ board, controller: 'MPU6050' })`). Load cells don't pass through it.
 */
export class JohnnyFiveBoard {
  readonly #options: BoardOptions;
  #transport: BoardTransport | undefined;
  #io: InstanceType<BoardLibraries['Firmata']> | undefined;
  #board: Board | undefined;

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  /** Throws CW-DRV-005 before `open` and after `close`. */
  get board(): Board {
    if (this.#board !== undefined) return this.#board;
    throw new DriverError('CW-DRV-005', 'the bridge is not open, so that johnny-five has no board');
  }

  /** The library itself, for whoever can't import it: a maker's own driver. */
  get five(): BoardLibraries['five'] {
    return this.#options.libraries.five;
  }

  /** Resolves when johnny-five is ready; rejects with CW-DRV-011 where its handshake does not come to an end. */
  async open(): Promise<void> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (await this.#attempt()) return;
      this.close();
      this.#options.log.warn({ attempt }, 'the Firmata handshake did not end; it is begun anew');
    }
    throw new DriverError(
      'CW-DRV-011',
      'the bridge answers, but its Firmata handshake does not end; check cable and grounding',
    );
  }

  async #attempt(): Promise<boolean> {
    const { libraries, send, clock, log } = this.#options;
    const transport = new BoardTransport(send);
    const io = new libraries.Firmata(transport, { reportVersionTimeout });
    // Without a listener, an error would end the process.
    io.on('error', (error: unknown) =>
      log.warn({ err: describeError(error) }, 'firmata-io reports an error'),
    );
    const options = { io, repl: false, debug: false, sigint: false };
    const board = new libraries.five.Board(options);
    board.on('error', (error) => log.warn({ err: describeError(error) }, 'johnny-five reports an error'));
    this.#transport = transport;
    this.#io = io;
    this.#board = board;
    return new Promise((resolve) => {
      const cancel = clock.after(readyWithinUs, () => resolve(false));
      board.on('ready', () => {
        cancel();
        resolve(true);
      });
      transport.emit('open');
      // Asked for at once, so that nothing waits for firmata-io's own timer.
      void send(Uint8Array.of(0xf9, 0xf0, 0x79, 0xf7)).catch(() => {});
    });
  }

  /** The board's version, as when it starts. */
  version(major: number, minor: number): void {
    this.#pass(Uint8Array.of(0xf9, major, minor));
  }

  /** A Firmata message, borrowed for the call. Only what a bridge sends goes on: anything else is noise. */
  receive(message: Uint8Array): void {
    if (bridgeMessages.has(message[1] ?? 0)) this.#pass(message);
  }

  /** firmata-io and the components on it throw on some damaged messages; the load cells must not fall with them. */
  #pass(bytes: Uint8Array): void {
    try {
      this.#transport?.emit('data', bytes);
    } catch (error) {
      this.#options.log.warn({ err: describeError(error) }, 'johnny-five can not read a message');
    }
  }

  /** Ends both libraries' timers and takes the board out of johnny-five's list of all boards. Idempotent. */
  close(): void {
    const board = this.#board as (Board & { timer?: NodeJS.Timeout }) | undefined;
    const io = this.#io;
    const transport = this.#transport;
    this.#board = undefined;
    this.#io = undefined;
    this.#transport = undefined;
    if (io !== undefined) clearTimeout(io.reportVersionTimeoutId);
    if (board === undefined) return;
    clearTimeout(board.timer);
    transport?.emit('close');
    transport?.removeAllListeners();
    const { cache } = this.#options.libraries.five.Board as unknown as { readonly cache: Board[] };
    const at = cache.indexOf(board);
    if (at >= 0) cache.splice(at, 1);
  }
}
