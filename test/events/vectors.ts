import { readFile } from 'node:fs/promises';

const root = new URL('../../docs/', import.meta.url);

export interface EventVector {
  readonly name: string;
  readonly cbor: string;
  readonly json: unknown;
  readonly cloudEvent: Readonly<Record<string, unknown>>;
}
export interface PayloadVector {
  readonly name: string;
  readonly record: string;
  readonly cbor: string;
  readonly json: unknown;
}
export interface MalformedVector {
  readonly name: string;
  readonly cbor: string;
  readonly code: string;
}

/** A file of docs/ as text. */
export const readDocument = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

const read = async (name: string): Promise<unknown> => JSON.parse(await readDocument(`vectors/${name}.json`));

export const eventVectors = (await read('events')) as EventVector[];
export const edgeVectors = (await read('edges')) as EventVector[];
export const payloadVectors = (await read('payloads')) as PayloadVector[];
export const malformedVectors = (await read('malformed')) as MalformedVector[];

export const fromHex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'));
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
