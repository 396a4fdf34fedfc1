import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineIoctl } from '#drivers/ports/ioctl.ts';

/**
 * A keyboard that no bus carries, made by /dev/uinput (linux/uinput.h), as radios and other programs make them: it has a
 * name, and neither USB ids nor a serial number.
 */

const setEventBit = 0x40045564;
const setKeyBit = 0x40045565;
const setUp = 0x405c5503;
const create = 0x5501;
const destroy = 0x5502;
/** struct uinput_setup: four 16-bit numbers of struct input_id, the name's 80 bytes, 32 bits of force feedback. */
const setupBytes = 92;
const busBluetooth = 5;
/** linux/input-event-codes.h. */
const evSync = 0;
const evKey = 1;
const enter = 28;
const leftShift = 42;
const codes: Readonly<Record<string, number>> = {
  ...Object.fromEntries([...'1234567890'].map((letter, index) => [letter, 2 + index])),
  ...Object.fromEntries([...'qwertyuiop'].map((letter, index) => [letter, 16 + index])),
  ...Object.fromEntries([...'asdfghjkl'].map((letter, index) => [letter, 30 + index])),
  ...Object.fromEntries([...'zxcvbnm'].map((letter, index) => [letter, 44 + index])),
  '-': 12,
  ']': 27,
  '\n': enter,
};
/** Between two keys, ms: real ones type no faster, and the kernel keeps 64 events of a keyboard. */
const keyEveryMs = 5;

export class UserKeyboard {
  readonly #file: number;

  private constructor(file: number) {
    this.#file = file;
  }

  static async make(name: string): Promise<UserKeyboard> {
    const ioctl = await machineIoctl();
    const file = openSync('/dev/uinput', constants.O_WRONLY | constants.O_NONBLOCK);
    ioctl.value(file, setEventBit, evKey);
    for (const code of [...Object.values(codes), leftShift]) ioctl.value(file, setKeyBit, code);
    const setup = Buffer.alloc(setupBytes);
    setup.writeUInt16LE(busBluetooth, 0);
    setup.write(name, 8, 79, 'utf8');
    ioctl.buffer(file, setUp, setup);
    ioctl.value(file, create, 0);
    return new UserKeyboard(file);
  }

  /** Types on a US keyboard; resolves when the last key is released. */
  async type(text: string): Promise<void> {
    for (const letter of text) {
      const lower = letter.toLowerCase();
      const code = codes[lower];
      if (code === undefined) throw new Error(`no key for ${JSON.stringify(letter)}`);
      const shift = lower !== letter;
      if (shift) this.#send(leftShift, 1);
      this.#send(code, 1);
      this.#send(code, 0);
      if (shift) this.#send(leftShift, 0);
      await sleep(keyEveryMs);
    }
  }

  async pull(): Promise<void> {
    (await machineIoctl()).value(this.#file, destroy, 0);
    closeSync(this.#file);
  }

  #send(code: number, value: number): void {
    writeSync(this.#file, Buffer.concat([encoded(evKey, code, value), encoded(evSync, 0, 0)]));
  }
}

/** struct input_event of 64-bit Linux; the kernel sets the time. */
function encoded(type: number, code: number, value: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(code, 18);
  bytes.writeInt32LE(value, 20);
  return bytes;
}
