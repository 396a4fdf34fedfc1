import { z } from 'zod';
import type { DeviceIdentity } from '../../driver.ts';
import { DriverError, driverCodes } from '../../errors.ts';

/**
 * A raw recording: the very bytes between one driver and its hardware, NDJSON, one file a device. The first line is the
 * header, then one line per thing that crossed a port, in the order in which the driver saw it. `t` is µs on the
 * monotonic clock of the recording machine, less the header's `originUs`, and never goes back.
 */
export const rawVersion = 1;

const text = z.string();
const micros = z.number().int().nonnegative();
const identity = z.object({
  vendor: text.optional(),
  model: text.optional(),
  serial: text.optional(),
  firmware: text.optional(),
  usbId: text.optional(),
  address: text.optional(),
});
const failure = z.object({ code: text, message: text });
const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);

export const rawPortKinds = ['bytes', 'reports', 'i2c', 'input', 'attributes', 'lines'] as const;
export type RawPortKind = (typeof rawPortKinds)[number];

const header = z.object({
  raw: z.literal(rawVersion),
  device: text,
  driver: text,
  options: z.unknown(),
  originUs: micros,
  started: text.optional(),
});

/** Fields that every line has; `port` numbers the ports that the driver opened, from 1. */
const common = { t: micros, port: z.number().int().positive() };

const line = z.union([
  z.object({ ...common, open: z.enum(rawPortKinds), request: z.unknown(), identity }),
  z.object({ ...common, open: z.enum(rawPortKinds), request: z.unknown(), refused: failure }),
  z.object({ ...common, in: hex }),
  z.object({ ...common, out: hex }),
  z.object({ ...common, event: z.tuple([z.number().int(), z.number().int(), z.number().int()]) }),
  /** A question of the driver that the hardware answers: an I²C transfer, an attribute, a feature report. */
  z.object({ ...common, ask: text, answer: z.union([text, z.array(text)]) }),
  z.object({ ...common, ask: text, failed: failure }),
  z.object({ ...common, lost: failure }),
  z.object({ ...common, close: z.literal(true) }),
  /** A line of a later version. */
  z.object(common),
]);

export type RawHeader = z.infer<typeof header>;
export type RawLine = z.infer<typeof line>;

export interface RawRecording {
  readonly header: RawHeader;
  readonly lines: readonly RawLine[];
}

/**
 * Reads a whole recording. A last line without its line feed, as a cut recording has it, is left out. Throws CW-DRV-019
 * naming the line that is damaged.
 */
export function parseRaw(content: string, name: string): RawRecording {
  const rows = content.split('\n');
  rows.pop();
  const first = rows.shift();
  const head = first === undefined ? undefined : header.safeParse(parseJson(first, name, 1));
  if (head?.success !== true) {
    throw new DriverError('CW-DRV-019', `${name} is not a raw recording of version ${rawVersion}`);
  }
  let last = 0;
  const lines = rows.map((row, index) => {
    const result = line.safeParse(parseJson(row, name, index + 2));
    if (!result.success || result.data.t < last) {
      throw new DriverError('CW-DRV-019', `${name}, line ${index + 2}: damaged; replay what is before it`);
    }
    last = result.data.t;
    return result.data;
  });
  return { header: head.data, lines };
}

function parseJson(row: string, name: string, number: number): unknown {
  try {
    return JSON.parse(row) as unknown;
  } catch (cause) {
    throw new DriverError('CW-DRV-019', `${name}, line ${number}: not JSON`, { cause });
  }
}

/** An error of a port as it is written down. */
export function writeFailure(error: unknown): z.infer<typeof failure> {
  if (error instanceof DriverError) return { code: error.code, message: error.message };
  return { code: 'CW-DRV-005', message: error instanceof Error ? error.message : String(error) };
}

/** The error that was written down; an unknown code of a later version becomes CW-DRV-005. */
export function readFailure({ code, message }: z.infer<typeof failure>): DriverError {
  const known = Object.keys(driverCodes).find((name) => name === code) as
    | keyof typeof driverCodes
    | undefined;
  // A message holds its code in front once it is an error's text.
  return new DriverError(known ?? 'CW-DRV-005', message.replace(/^CW-DRV-\d{3} /, ''));
}

/** An identity without keys that are undefined, as zod leaves them optional. */
export function readIdentity(value: z.infer<typeof identity>): DeviceIdentity {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function fromHex(value: string): Uint8Array {
  return Uint8Array.from(Buffer.from(value, 'hex'));
}

/** How questions are written: the same driver asks the same again when it is replayed. */
export const questions = {
  i2c: (address: number, write: Uint8Array, readBytes: number) =>
    `i2c ${address.toString(16)} ${toHex(write)} ${readBytes}`,
  feature: (reportId: number, bytes: number) => `feature ${reportId} ${bytes}`,
  sendFeature: (report: Uint8Array) => `send-feature ${toHex(report)}`,
  read: (name: string) => `read ${name}`,
  write: (name: string, value: string) => `write ${name} ${value}`,
  list: () => 'list',
  set: (values: readonly boolean[]) => `set ${values.map(Number).join('')}`,
} as const;
