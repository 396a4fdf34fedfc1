import type { I2cChip } from '#drivers/virtual/chips/i2c-chip.ts';
import { UserHid } from './uhid.ts';

/**
 * The far side of a Silicon Labs CP2112, a USB bridge to I²C and eight GPIO lines that the kernel knows (hid_cp2112):
 * its reports (AN495) answered by simulated chips and by lines that remember what was put on them.
 */

const report = {
  lineDirections: 0x02,
  lineLevels: 0x03,
  setLines: 0x04,
  version: 0x05,
  busSettings: 0x06,
  read: 0x10,
  writeRead: 0x11,
  sendRead: 0x12,
  readAnswer: 0x13,
  write: 0x14,
  askStatus: 0x15,
  status: 0x16,
  cancel: 0x17,
  lock: 0x20,
} as const;
const reportBytes = 64;
/** Of a transfer: complete or failed, and how: no acknowledge, or well. */
const complete = [2, 5] as const;
const notAcknowledged = [3, 0] as const;
/** Data that fits a report of what was read. */
const mostAtOnce = 61;
/** Part number, and a version that knows repeated start conditions. */
const versionAnswer = Uint8Array.of(report.version, 0x0c, 0x03);
/** 100 kHz, its own address, no automatic sending, no timeouts, one retry (AN495, 5.6). */
const firstBusSettings = Uint8Array.of(
  ...[report.busSettings, 0x00, 0x01, 0x86, 0xa0, 0x02, 0x00],
  ...[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01],
);

const hex = (...lines: readonly string[]) => lines.join('').replaceAll(' ', '');
const reportsOf = (numbers: readonly number[], end: string) =>
  numbers.map((number) => `85${number.toString(16).padStart(2, '0')} 0901 ${end}`);
const descriptor = hex(
  '06 00ff 0901 a101 1500 26ff00 7508 953f', // of the maker, bytes, 63 after the number
  ...reportsOf([report.readAnswer, report.status], '8102'),
  ...reportsOf([report.read, report.writeRead, report.sendRead, report.write, report.askStatus], '9102'),
  ...reportsOf([report.cancel], '9102'),
  ...reportsOf([report.lineDirections, report.lineLevels, report.setLines, report.version], 'b102'),
  ...reportsOf([report.busSettings, report.lock], 'b102'),
  'c0',
);

export interface BridgeLines {
  /** A bit a line: 1 is an output. */
  readonly outputs: number;
  readonly levels: number;
  /** Levels after each change since it was plugged in. */
  readonly history: readonly number[];
}

export class Cp2112 {
  readonly #chips: ReadonlyMap<number, I2cChip>;
  readonly #hid: UserHid;
  #outputs = 0;
  #levels = 0;
  #history: number[] = [];
  #busSettings: Uint8Array = firstBusSettings;
  #outcome: readonly [number, number] = complete;
  #waiting: Uint8Array = new Uint8Array();

  constructor(serial: string, chips: ReadonlyMap<number, I2cChip>) {
    this.#chips = chips;
    this.#hid = new UserHid(
      { name: 'Silicon Laboratories CP2112', serial, vendorId: 0x10c4, productId: 0xea90, descriptor },
      {
        feature: (number) => this.#feature(number),
        setFeature: (bytes) => this.#setFeature(bytes),
        output: (bytes) => this.#output(bytes),
      },
    );
  }

  get lines(): BridgeLines {
    return { outputs: this.#outputs, levels: this.#levels, history: [...this.#history] };
  }

  pull(): Promise<void> {
    return this.#hid.pull();
  }

  #feature(number: number): Uint8Array | undefined {
    switch (number) {
      case report.lineDirections:
        return Uint8Array.of(number, this.#outputs, 0xff, 0, 0);
      case report.lineLevels:
        return Uint8Array.of(number, this.#levels);
      case report.version:
        return versionAnswer;
      case report.busSettings:
        return this.#busSettings;
      case report.lock:
        return Uint8Array.of(number, 0xff);
      default:
        return undefined;
    }
  }

  #setFeature(bytes: Uint8Array): void {
    const [number, first = 0, second = 0] = bytes;
    if (number === report.lineDirections) this.#outputs = first;
    if (number === report.busSettings) this.#busSettings = bytes;
    if (number !== report.setLines) return;
    // Only lines that are outputs take a level.
    const mask = second & this.#outputs;
    const levels = (this.#levels & ~mask) | (first & mask);
    if (levels !== this.#levels) this.#history.push(levels);
    this.#levels = levels;
  }

  #output(bytes: Uint8Array): void {
    const [number, address = 0] = bytes;
    const chip = this.#chips.get(address >> 1);
    switch (number) {
      case report.write:
        this.#transfer(chip, bytes.subarray(3, 3 + (bytes[2] ?? 0)), 0);
        break;
      case report.read:
        this.#transfer(chip, new Uint8Array(), bigEndian(bytes, 2));
        break;
      case report.writeRead:
        this.#transfer(chip, bytes.subarray(5, 5 + (bytes[4] ?? 0)), bigEndian(bytes, 2));
        break;
      case report.askStatus:
        this.#tellStatus();
        break;
      case report.sendRead:
        this.#sendRead(bigEndian(bytes, 1));
        break;
      case report.cancel:
        this.#waiting = new Uint8Array();
    }
  }

  #transfer(chip: I2cChip | undefined, write: Uint8Array, readBytes: number): void {
    this.#waiting = new Uint8Array();
    this.#outcome = notAcknowledged;
    if (chip === undefined || chip.absent) return;
    this.#waiting = Uint8Array.from(chip.transfer(write, readBytes));
    this.#outcome = complete;
  }

  #tellStatus(): void {
    const { length } = this.#waiting;
    this.#send(report.status, ...this.#outcome, 0, 0, length >> 8, length & 0xff);
  }

  #sendRead(count: number): void {
    const part = this.#waiting.subarray(0, Math.min(count, mostAtOnce));
    this.#waiting = this.#waiting.slice(part.length);
    this.#send(report.readAnswer, complete[0], part.length, ...part);
  }

  #send(...bytes: readonly number[]): void {
    const full = new Uint8Array(reportBytes);
    full.set(bytes);
    this.#hid.input(full);
  }
}

function bigEndian(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
