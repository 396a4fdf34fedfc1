import { closeSync, constants, openSync, read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';

/**
 * HID devices whose electronics are a program: /dev/uhid (linux/uhid.h, packed structures, little endian). For devices
 * that answer feature reports, which USB gadgets of this kernel can't.
 */

/** enum uhid_event_type. */
const event = {
  destroy: 1,
  stop: 3,
  output: 6,
  getReport: 9,
  getReportReply: 10,
  create2: 11,
  input2: 12,
  setReport: 13,
  setReportReply: 14,
} as const;
const dataBytes = 4096;
/** The type and the largest member, struct uhid_create2_req. */
const eventBytes = 4 + 280 - 4 + dataBytes;
const busUsb = 3;
const eio = 5;

export interface HidElectronics {
  /** Answers a feature report, its number first; undefined where it has none of that number. */
  feature(number: number): Uint8Array | undefined;
  setFeature(report: Uint8Array): void;
  output(report: Uint8Array): void;
}

export interface HidDescription {
  readonly name: string;
  readonly serial: string;
  readonly vendorId: number;
  readonly productId: number;
  /** Report descriptor, hexadecimal. */
  readonly descriptor: string;
}

/** One HID device of the kernel from when it is made until it is pulled. */
export class UserHid {
  readonly #file: number;
  readonly #electronics: HidElectronics;
  readonly #buffer = Buffer.alloc(eventBytes);
  readonly #pulled = Promise.withResolvers<void>();
  #isPulled = false;

  constructor(description: HidDescription, electronics: HidElectronics) {
    this.#electronics = electronics;
    this.#file = openSync('/dev/uhid', constants.O_RDWR);
    this.#create(description);
    this.#read();
  }

  /** Sends an input report, its number first. */
  input(report: Uint8Array): void {
    // The kernel takes the rest of a short event as zeros.
    const message = emptyEvent(event.input2, 6 + report.length);
    message.writeUInt16LE(report.length, 4);
    message.set(report, 6);
    this.#send(message);
  }

  /** Resolves when the kernel has let go of it: of a bridge not before all have closed its buses, so not on this thread. */
  async pull(): Promise<void> {
    // What is written while the kernel lets go of it waits for that, and then fails.
    this.#isPulled = true;
    await promisify(write)(this.#file, emptyEvent(event.destroy, 4));
    await this.#pulled.promise;
    closeSync(this.#file);
  }

  #create({ name, serial, vendorId, productId, descriptor }: HidDescription): void {
    const message = emptyEvent(event.create2);
    const bytes = Buffer.from(descriptor, 'hex');
    message.write(name, 4, 127, 'utf8');
    message.write(serial, 4 + 128 + 64, 63, 'utf8');
    message.writeUInt16LE(bytes.length, 260);
    message.writeUInt16LE(busUsb, 262);
    message.writeUInt32LE(vendorId, 264);
    message.writeUInt32LE(productId, 268);
    message.set(bytes, 280);
    writeSync(this.#file, message);
  }

  /** Waits in a thread of the pool: a device of the kernel's has 50 ms to answer, on an emulated processor. */
  #read(): void {
    read(this.#file, this.#buffer, 0, eventBytes, null, (error, count) => {
      if (error !== null) return this.#pulled.reject(error);
      const type = this.#buffer.readUInt32LE(0);
      if (type === event.stop) return this.#pulled.resolve();
      if (count > 4) this.#take(type, this.#buffer);
      this.#read();
    });
  }

  #take(type: number, message: Buffer): void {
    switch (type) {
      case event.output:
        this.#electronics.output(
          Uint8Array.from(message.subarray(4, 4 + message.readUInt16LE(4 + dataBytes))),
        );
        break;
      case event.setReport:
        this.#electronics.setFeature(Uint8Array.from(message.subarray(12, 12 + message.readUInt16LE(10))));
        this.#reply(event.setReportReply, message.readUInt32LE(4));
        break;
      case event.getReport:
        this.#answer(message.readUInt32LE(4), this.#electronics.feature(message.readUInt8(8)));
    }
  }

  #answer(id: number, report: Uint8Array | undefined): void {
    this.#reply(event.getReportReply, id, report === undefined ? eio : 0, report);
  }

  #reply(type: number, id: number, error = 0, report: Uint8Array = new Uint8Array()): void {
    const message = emptyEvent(type, 12 + report.length);
    message.writeUInt32LE(id, 4);
    message.writeUInt16LE(error, 8);
    if (type === event.getReportReply) {
      message.writeUInt16LE(report.length, 10);
      message.set(report, 12);
    }
    this.#send(message);
  }

  #send(message: Buffer): void {
    if (!this.#isPulled) writeSync(this.#file, message);
  }
}

function emptyEvent(type: number, bytes = eventBytes): Buffer {
  const message = Buffer.alloc(bytes);
  message.writeUInt32LE(type, 0);
  return message;
}
