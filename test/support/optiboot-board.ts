import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeHostMessage,
  encodeBridgeMessage,
  type HostMessage,
  messageIds,
} from '#drivers/load-cell/firmata-hx711/protocol.ts';
import { openFrame } from '#drivers/load-cell/firmata-hx711/wire.ts';

/** A board on a pseudo-terminal: an STK500v1 bootloader, and the program that is in its flash. */
export interface BoardSetup {
  readonly signature?: readonly [number, number, number];
  /** Nothing of what the bootloader is asked is answered. */
  readonly deafBootloader?: boolean;
  /** A bit of the page that holds this address does not take what is written. */
  readonly wornAt?: number;
  readonly serial?: string;
  /** What runs: a version of the bridge, the name of another Firmata program, or nothing. */
  readonly program?: { readonly bridge: string } | { readonly firmata: string } | undefined;
}

const ok = 0x10;
const inSync = 0x14;
const endOfCommand = 0x20;
const flashBytes = 32_768;
const blankSerial = new Uint8Array(8).fill(0xff);

/** Commands of STK500v1 by their byte: how many bytes follow before the end of the command (Atmel AVR061). */
const commandLengths = new Map([
  [0x30, 0],
  [0x41, 1],
  [0x42, 20],
  [0x45, 5],
  [0x50, 0],
  [0x51, 0],
  [0x55, 2],
  [0x56, 4],
  [0x74, 3],
  [0x75, 0],
]);
const programPage = 0x64;

export class OptibootBoard {
  readonly port: string;
  readonly #folder: string;
  readonly #line: ChildProcess;
  readonly #setup: BoardSetup;
  readonly flash = new Uint8Array(flashBytes).fill(0xff);
  /** How many pages were written, and how many serial numbers. */
  pagesWritten = 0;
  serialsSet = 0;
  #serial: Uint8Array;
  #program: BoardSetup['program'];
  #address = 0;
  #held = Buffer.alloc(0);

  private constructor(folder: string, line: ChildProcess, setup: BoardSetup) {
    this.#folder = folder;
    this.#line = line;
    this.#setup = setup;
    this.port = join(folder, 'board');
    this.#serial = setup.serial === undefined ? blankSerial : new TextEncoder().encode(setup.serial);
    this.#program = setup.program;
    line.stdout?.on('data', (bytes: Buffer) => this.#take(bytes));
    line.stdin?.on('error', () => {});
  }

  static async plugIn(setup: BoardSetup): Promise<OptibootBoard> {
    const folder = mkdtempSync(join(tmpdir(), 'board-'));
    const line = spawn('socat', [`pty,raw,echo=0,link=${join(folder, 'board')}`, 'STDIO'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const board = new OptibootBoard(folder, line, setup);
    for (let tries = 0; tries < 200 && !existsSync(board.port); tries++) await sleep(20);
    if (!existsSync(board.port)) throw new Error('socat made no pseudo-terminal');
    return board;
  }

  get serial(): string | undefined {
    return this.#serial.every((byte) => byte === 0xff)
      ? undefined
      : Buffer.from(this.#serial).toString('latin1');
  }

  async unplug(): Promise<void> {
    const ended = new Promise((resolve) => this.#line.once('exit', resolve));
    this.#line.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #send(...bytes: number[]): void {
    this.#line.stdin?.write(Uint8Array.from(bytes));
  }

  #take(bytes: Buffer): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    while (this.#held.length > 0) {
      const used = (this.#held[0] ?? 0) >= 0x80 ? this.#programTakes() : this.#bootloaderTakes();
      if (used === 0) return;
      this.#held = this.#held.subarray(used);
    }
  }

  /** Answers how many bytes were used; 0 where more have to come. */
  #bootloaderTakes(): number {
    const command = this.#held[0] ?? 0;
    const page = command === programPage;
    if (page && this.#held.length < 4) return 0;
    const follow = page ? 3 + this.#held.readUInt16BE(1) : commandLengths.get(command);
    if (follow === undefined) return 1;
    if (this.#held.length < follow + 2) return 0;
    if (this.#held[follow + 1] !== endOfCommand) return 1;
    if (this.#setup.deafBootloader !== true) {
      this.#send(inSync, ...this.#carryOut(command, this.#held.subarray(1, follow + 1)), ok);
    }
    return follow + 2;
  }

  #carryOut(command: number, data: Buffer): readonly number[] {
    switch (command) {
      case 0x41:
        return [4];
      case 0x55:
        this.#address = data.readUInt16LE(0) * 2;
        return [];
      case 0x56:
        return [0];
      case programPage:
        this.#writePage(data.subarray(3));
        return [];
      case 0x74:
        return [...this.flash.subarray(this.#address, this.#address + data.readUInt16BE(0))];
      case 0x75:
        return this.#setup.signature ?? [0x1e, 0x95, 0x0f];
      case 0x51:
        this.#startProgram();
        return [];
      default:
        return [];
    }
  }

  #writePage(bytes: Buffer): void {
    this.pagesWritten += 1;
    this.flash.set(bytes, this.#address);
    const { wornAt } = this.#setup;
    if (wornAt !== undefined && wornAt >= this.#address && wornAt < this.#address + bytes.length) {
      this.flash[wornAt] = (this.flash[wornAt] ?? 0) ^ 0x04;
    }
  }

  #startProgram(): void {
    const text = Buffer.from(this.flash).toString('latin1');
    const version = /CartwrightLoadCells\0(\d+\.\d+\.\d+)\0/.exec(text)?.[1];
    if (version !== undefined) this.#program = { bridge: version };
  }

  #programTakes(): number {
    if (this.#held[0] !== 0xf0) {
      if (this.#held[0] === 0xf9 && this.#program !== undefined) this.#send(0xf9, 2, 7);
      return 1;
    }
    const end = this.#held.indexOf(0xf7);
    if (end < 0) return 0;
    const id = this.#held[1] ?? 0;
    if (id === 0x79) this.#reportFirmware();
    else if (this.#program !== undefined && 'bridge' in this.#program)
      this.#bridgeTakes(id, this.#held.subarray(0, end));
    return end + 1;
  }

  #reportFirmware(): void {
    if (this.#program === undefined) return;
    const name = 'bridge' in this.#program ? 'CartwrightLoadCells' : this.#program.firmata;
    this.#send(
      0xf0,
      0x79,
      2,
      5,
      ...[...Buffer.from(name, 'latin1')].flatMap((c) => [c & 0x7f, c >> 7]),
      0xf7,
    );
  }

  #bridgeTakes(id: number, bytes: Buffer): void {
    const payload = new Uint8Array(128);
    const length = openFrame(id, bytes, 2, bytes.length, payload);
    const message = length < 0 ? undefined : decodeHostMessage(id, payload.subarray(0, length));
    if (message !== undefined) this.#send(...encodeBridgeMessage(this.#answerTo(id, message)));
  }

  #answerTo(id: number, message: HostMessage) {
    if (message.kind === 'setSerial') {
      this.serialsSet += 1;
      this.#serial = message.serial;
    }
    if (id !== messageIds.identify) return { kind: 'answer', of: id, result: 0 } as const;
    const version = this.#program !== undefined && 'bridge' in this.#program ? this.#program.bridge : '0.0.0';
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    return {
      kind: 'identity',
      protocol: 1,
      version: [major, minor, patch],
      channels: 8,
      signature: 0x950f,
      serial: this.#serial,
      resetCause: 2,
    } as const;
  }
}
