import { z } from 'zod';
import type { ByteRequest, SerialSettings } from '../ports/ports.ts';

const hexId = z.string().regex(/^[0-9a-f]{4}$/);

const serialMatch = z
  .strictObject({
    path: z.string().optional().describe('Stable path, /dev/serial/by-id/…, or /dev/ttyAMA0 of a header.'),
    vendorId: hexId.optional().describe('USB vendor of the serial adapter, four hexadecimal digits.'),
    productId: hexId.optional().describe('USB product of the serial adapter, four hexadecimal digits.'),
    serial: z.string().optional().describe('USB serial number of the serial adapter.'),
    topology: z.string().optional().describe('Where the adapter is plugged in, as 1-1.2.'),
  })
  .optional()
  .describe('The serial line that the scale is on. One of serial, tcp and bus is needed.');

const tcp = z
  .strictObject({
    host: z.string().min(1).describe('Address of the scale, or of the serial server that it is on.'),
    port: z.int().min(1).max(65_535).describe('TCP port.'),
  })
  .optional()
  .describe('The scale on the network, or on a serial server in raw mode.');

/** What every scale may be told about its certificate. */
export const certificateOptions = {
  certificateId: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe(
      'Identity of a certified scale: number of its certificate and its serial number, as NMI-T8214/B512345.',
    ),
};

/** Whether net indications count: with a tare set on the scale, its mass is not what lies on it. */
export const netOption = {
  net: z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe(
      'What a net indication is: a fault until the tare on the scale is cleared, or a mass like any other.',
    ),
};

/** Options of scales behind a stream of bytes. `defaults` are those that the protocol usually comes with. */
export function byteOptions(defaults: Required<SerialSettings>) {
  return {
    serial: serialMatch,
    tcp,
    bus: z.string().optional().describe('Device of the profile that offers the stream of bytes.'),
    baudRate: z.int().min(300).max(921_600).default(defaults.baudRate).describe('Of the serial line, baud.'),
    dataBits: z
      .union([z.literal(7), z.literal(8)])
      .default(defaults.dataBits ?? 8)
      .describe('Data bits of the serial line.'),
    parity: z
      .enum(['none', 'even', 'odd'])
      .default(defaults.parity ?? 'none')
      .describe('Parity of the serial line.'),
    stopBits: z
      .union([z.literal(1), z.literal(2)])
      .default(defaults.stopBits ?? 1)
      .describe('Stop bits of the serial line.'),
    flowControl: z
      .enum(['none', 'rts-cts', 'xon-xoff'])
      .default(defaults.flowControl ?? 'none')
      .describe('Flow control of the serial line.'),
    intervalMs: z.int().min(50).max(10_000).default(200).describe('How often the scale is asked, ms.'),
    timeoutMs: z.int().min(50).max(10_000).default(500).describe('How long it may take to answer, ms.'),
    missedAnswers: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('So many answers missing in a row, and the scale counts as disconnected.'),
    ...certificateOptions,
    ...netOption,
  };
}

interface Connection {
  readonly serial?: NonNullable<z.infer<typeof serialMatch>> | undefined;
  readonly tcp?: NonNullable<z.infer<typeof tcp>> | undefined;
  readonly bus?: string | undefined;
}

/** True where exactly one way to the scale is named. */
export function namesOneWay(options: Connection): boolean {
  return [options.serial, options.tcp, options.bus].filter((way) => way !== undefined).length === 1;
}

export const oneWay = 'say how the scale is reached: exactly one of serial, tcp and bus';

/** The options of a scale behind a stream of bytes, as far as all of them share them. */
export type ByteScaleOptions = Connection & {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
  readonly flowControl: 'none' | 'rts-cts' | 'xon-xoff';
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly missedAnswers: number;
  readonly certificateId?: string | undefined;
  readonly net: 'refuse' | 'accept';
};

/** The port to ask for. */
export function byteRequest(options: ByteScaleOptions): ByteRequest {
  const { serial, tcp, bus, baudRate, dataBits, parity, stopBits, flowControl } = options;
  if (tcp !== undefined) return { via: 'tcp', ...tcp };
  if (bus !== undefined) return { via: 'bus', bus };
  return {
    via: 'serial',
    match: serial ?? {},
    settings: { baudRate, dataBits, parity, stopBits, flowControl },
  };
}
