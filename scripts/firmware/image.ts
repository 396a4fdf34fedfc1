import { readFileSync } from 'node:fs';
import { FlashError } from './flash-error.ts';

/** A program in Intel HEX. */
export interface Image {
  readonly path: string;
  /** From its first to its last byte. */
  readonly bytes: number;
  /** Of the load-cell bridge's firmware, as written in it: `1.0.0`. */
  readonly version: string;
}

/** What an ATmega328P has, less the smallest bootloader. */
const mostBytes = 32_768 - 512;
const dataRecord = 0;
const endRecord = 1;

/** Reads and checks a hex file. Throws FlashError where it is damaged, too long, or not the load-cell bridge's firmware. */
export function readImage(path: string): Image {
  const memory = new Uint8Array(mostBytes).fill(0xff);
  let length = 0;
  let ended = false;
  const damaged = (line: number, why: string) =>
    new FlashError('usage', `${path} is damaged: line ${line} ${why}. Get it again, or build it (make).`);
  for (const [index, line] of readText(path).trimEnd().split(/\r?\n/).entries()) {
    if (!/^:(?:[0-9A-Fa-f]{2}){5,}$/.test(line)) throw damaged(index + 1, 'is no Intel HEX');
    const record = Buffer.from(line.slice(1), 'hex');
    if (record.reduce((sum, byte) => sum + byte, 0) % 256 !== 0)
      throw damaged(index + 1, 'has a wrong checksum');
    const count = record.readUInt8(0);
    const address = record.readUInt16BE(1);
    if (record.length !== count + 5) throw damaged(index + 1, 'has a wrong length');
    if (ended) throw damaged(index + 1, 'comes after the end');
    if (record.readUInt8(3) === endRecord) ended = true;
    else if (record.readUInt8(3) === dataRecord) {
      if (address + count > mostBytes) throw damaged(index + 1, `lies beyond ${mostBytes} bytes`);
      memory.set(record.subarray(4, 4 + count), address);
      length = Math.max(length, address + count);
    }
  }
  if (!ended) throw damaged(0, 'of its end is missing');
  const version = /CartwrightLoadCells\0(\d+\.\d+\.\d+)\0/.exec(Buffer.from(memory).toString('latin1'))?.[1];
  if (version === undefined) throw new FlashError('usage', `${path} is not the load-cell bridge's firmware.`);
  return { path, bytes: length, version };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    throw new FlashError('usage', `${path} can't be read.`);
  }
}
