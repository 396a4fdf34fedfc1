import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import {
  type BridgeIdentity,
  type BridgeMessage,
  encodeHostMessage,
  type HostMessage,
  results,
} from '#drivers/load-cell/firmata-hx711/protocol.ts';
import { FrameSplitter } from '#drivers/load-cell/firmata-hx711/splitter.ts';
import type { BytePort } from '#drivers/ports/ports.ts';
import { createSystemPorts } from '#drivers/ports/system.ts';
import { FlashError } from './flash-error.ts';

/** What is found on a board. */
export type Program =
  | {
      readonly kind: 'bridge';
      readonly version: string;
      readonly serial: string | undefined;
      readonly identity: BridgeIdentity;
    }
  /** Another program that speaks Firmata. */
  | { readonly kind: 'firmata'; readonly name: string }
  /** No program, or one that says nothing that is understood. */
  | { readonly kind: 'silent' };

const baudRate = 115_200;
/** Opening resets a board; its bootloader waits up to 2 s before the program starts. */
const patienceMs = 4000;
const askEveryMs = 500;
const answerMs = 1000;
const firmataReport = 0x79;
const firmataQueries = Uint8Array.of(0xf9, 0xf0, firmataReport, 0xf7);

/** Asks what runs on the board behind a port. Throws FlashError where the port can't be opened. */
export async function askProgram(path: string): Promise<Program> {
  return withBoard(path, async (board) => {
    const identity = await board.identify();
    if (identity !== undefined) {
      const [major, minor, patch] = identity.version;
      const version = `${major}.${minor}.${patch}`;
      return { kind: 'bridge', version, serial: serialText(identity.serial), identity };
    }
    return board.firmataName === undefined
      ? { kind: 'silent' }
      : { kind: 'firmata', name: board.firmataName };
  });
}

/** Gives a bridge its serial number, eight characters, and reads it back. Throws FlashError where that fails. */
export async function giveSerial(path: string, serial: string): Promise<void> {
  const bytes = new TextEncoder().encode(serial);
  await withBoard(path, async (board) => {
    if ((await board.identify()) === undefined)
      throw new FlashError('failed', 'The board does not answer any more.');
    await board.tell({ kind: 'stop' });
    const result = await board.tell({ kind: 'setSerial', serial: bytes });
    if (result !== 0) {
      const why = result === undefined ? 'did not answer' : `refused: ${results[result] ?? result}`;
      throw new FlashError('failed', `The serial number could not be set: the board ${why}.`);
    }
    const identity = await board.identify();
    if (identity === undefined || serialText(identity.serial) !== serial) {
      throw new FlashError(
        'failed',
        'The serial number does not read back: the EEPROM of this board is worn out.',
      );
    }
  });
}

/** A serial number as text, in hexadecimal where it isn't printable; undefined where none was set. */
function serialText(serial: Uint8Array): string | undefined {
  if (serial.every((byte) => byte === 0xff)) return undefined;
  if (serial.every((byte) => byte > 0x20 && byte < 0x7f)) return Buffer.from(serial).toString('latin1');
  return Buffer.from(serial).toString('hex');
}

async function withBoard<T>(path: string, action: (board: Conversation) => Promise<T>): Promise<T> {
  const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses: new Map() });
  const port = await ports
    .bytes({ via: 'serial', match: { path }, settings: { baudRate } })
    .catch((error: unknown) => {
      throw new FlashError('inUse', error instanceof Error ? error.message : String(error));
    });
  try {
    return await action(new Conversation(port));
  } finally {
    await port.close();
  }
}

/** One opening of the port: requests, and what came of them. */
class Conversation {
  readonly #port: BytePort;
  readonly #waiting = new Set<(message: BridgeMessage) => void>();
  /** Name of the program, from its Firmata report. */
  firmataName: string | undefined;

  constructor(port: BytePort) {
    this.#port = port;
    const splitter = new FrameSplitter({
      samples: () => {},
      message: (message) => {
        for (const take of this.#waiting) take(message);
      },
      firmata: (bytes) => this.#firmata(bytes),
      version: () => {},
      damaged: () => {},
    });
    port.listen({ data: (bytes, atUs) => splitter.push(bytes, atUs), lost: () => {} });
  }

  /** Its identity: said unasked after a reset, or when asked, which is done again and again. Undefined: no bridge. */
  async identify(): Promise<BridgeIdentity | undefined> {
    const end = performance.now() + patienceMs;
    let waitMs = askEveryMs;
    while (performance.now() < end) {
      const message = await this.#next(({ kind }) => kind === 'identity', waitMs);
      if (message?.kind === 'identity') return message;
      waitMs = askEveryMs;
      await this.#write(firmataQueries);
      await this.#write(encodeHostMessage({ kind: 'identify' }));
    }
    return undefined;
  }

  /** Sends a message that is answered by its result; undefined where no answer came. */
  async tell(message: HostMessage): Promise<number | undefined> {
    const bytes = encodeHostMessage(message);
    const answer = this.#next((one) => one.kind === 'answer' && one.of === bytes[1], answerMs);
    await this.#write(bytes);
    const got = await answer;
    return got?.kind === 'answer' ? got.result : undefined;
  }

  #next(wanted: (message: BridgeMessage) => boolean, waitMs: number): Promise<BridgeMessage | undefined> {
    return new Promise((resolve) => {
      const done = (message: BridgeMessage | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(take);
        resolve(message);
      };
      const take = (message: BridgeMessage) => {
        if (wanted(message)) done(message);
      };
      const timer = setTimeout(() => done(undefined), waitMs);
      this.#waiting.add(take);
    });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#port.write(bytes).catch((error: unknown) => {
      throw new FlashError('noBoard', error instanceof Error ? error.message : String(error));
    });
  }

  /** `F0 79 major minor name… F7`, the name in halves. */
  #firmata(bytes: Uint8Array): void {
    if (bytes[1] !== firmataReport || bytes.length < 7) return;
    const characters: number[] = [];
    for (let at = 4; at + 1 < bytes.length; at += 2) {
      characters.push((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 7));
    }
    const name = String.fromCharCode(...characters).replace(/[^ -~]/g, '?');
    this.firmataName = `${name} ${bytes[2]}.${bytes[3]}`;
  }
}
