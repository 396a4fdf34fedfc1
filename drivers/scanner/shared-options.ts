import { z } from 'zod';
import type { ByteRequest } from '../ports/ports.ts';

const usbId = z.string().regex(/^[0-9a-f]{4}$/, 'four lower-case hexadecimal digits');

const usbShape = {
  vendorId: usbId.optional().describe('USB vendor id, four lower-case hexadecimal digits.'),
  productId: usbId.optional().describe('USB product id, four lower-case hexadecimal digits.'),
  serial: z.string().min(1).optional().describe('USB serial number.'),
  topology: z.string().min(1).optional().describe('Where it is plugged in, as the kernel writes it: 1-1.2.'),
};

const which =
  'Which of the attached devices it is; all that is given must fit. Default: the only one of its kind.';

/** Which USB device a profile means. */
export const usbMatch = z.strictObject(usbShape).default({}).describe(which);

/** Which Linux input device a profile means. */
export const inputMatch = z
  .strictObject({
    ...usbShape,
    name: z.string().min(1).optional().describe("The device's name, as evtest shows it."),
  })
  .describe('Which input device it is; all that is given must fit.');

/** Which serial line a profile means. */
export const serialMatch = z
  .strictObject({
    ...usbShape,
    path: z
      .string()
      .startsWith('/')
      .optional()
      .describe('A stable path: /dev/serial/by-id/…, or /dev/ttyAMA0 of a header.'),
  })
  .describe('Which serial line it is; all that is given must fit.');

/** Bytes as hexadecimal text, spaces allowed. */
export const hexBytes = z
  .string()
  .regex(/^(?:[0-9A-Fa-f]{2} ?){1,255}$/, 'hexadecimal bytes, as "16 54 0d"')
  .transform((text) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex')));

/** How the scanner is reached when it speaks in bytes. */
export const byteOptions = {
  match: serialMatch.optional(),
  tcp: z
    .strictObject({
      host: z.string().min(1).describe('Name or address of the scanner or of the serial device server.'),
      port: z.int().min(1).max(65_535).describe('TCP port.'),
    })
    .optional()
    .describe('Instead of match: the scanner is on the network.'),
  bus: z
    .string()
    .min(1)
    .optional()
    .describe('Instead of match: device of the profile that it is reached through.'),
  baudRate: z
    .int()
    .min(300)
    .max(921_600)
    .default(9_600)
    .describe('Bits a second of an RS-232 line; USB (CDC) scanners ignore it. Default 9600.'),
  dataBits: z
    .union([z.literal(7), z.literal(8)])
    .default(8)
    .describe('Data bits. Default 8.'),
  parity: z.enum(['none', 'even', 'odd']).default('none').describe('Parity. Default none.'),
  stopBits: z
    .union([z.literal(1), z.literal(2)])
    .default(1)
    .describe('Stop bits. Default 1.'),
  flowControl: z
    .enum(['none', 'rts-cts', 'xon-xoff'])
    .default('none')
    .describe('Flow control. Default none.'),
};

/** How a scanner that speaks in bytes is reached, as its options say. */
export interface ByteChoice {
  readonly match?: z.infer<typeof serialMatch> | undefined;
  readonly tcp?: { readonly host: string; readonly port: number } | undefined;
  readonly bus?: string | undefined;
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
  readonly flowControl: 'none' | 'rts-cts' | 'xon-xoff';
}

/** Exactly one way to the device must be given. */
export function oneWay({ match, tcp, bus }: Pick<ByteChoice, 'match' | 'tcp' | 'bus'>): boolean {
  return [match, tcp, bus].filter((way) => way !== undefined).length === 1;
}
export const oneWayMessage = 'give exactly one of match, tcp and bus: how the scanner is reached';

/** The port that options ask for. */
export function byteRequest(chosen: ByteChoice): ByteRequest {
  if (chosen.tcp !== undefined) return { via: 'tcp', ...chosen.tcp };
  if (chosen.bus !== undefined) return { via: 'bus', bus: chosen.bus };
  const { baudRate, dataBits, parity, stopBits, flowControl, match } = chosen;
  return {
    via: 'serial',
    match: match ?? {},
    settings: { baudRate, dataBits, parity, stopBits, flowControl },
  };
}
