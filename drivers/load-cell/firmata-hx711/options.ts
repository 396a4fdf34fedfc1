import { z } from 'zod';

/** Of a bridge, as in protocol.ts; the options are checked without loading the rest of the driver. */
const mostChannels = 8;

const hexId = z.string().regex(/^[0-9a-f]{4}$/, 'must be four lower-case hexadecimal digits');

const port = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe('Stable path: /dev/serial/by-id/…, or a serial line of the header such as /dev/ttyAMA0.'),
  vendorId: hexId.optional().describe('USB vendor id, four lower-case hexadecimal digits.'),
  productId: hexId.optional().describe('USB product id, four lower-case hexadecimal digits.'),
  serial: z.string().min(1).optional().describe('USB serial number of the adapter (not of the bridge).'),
  topology: z.string().min(1).optional().describe('Where it is plugged in, as the kernel writes it: 1-1.2.'),
});

const tcp = z.strictObject({
  host: z.string().min(1).describe('Host name or address.'),
  port: z.number().int().min(1).max(65_535).describe('TCP port, 1 to 65535.'),
});

const unused = z.union([z.literal('-'), z.null()]);

/** Options of `firmata-hx711`. */
export const firmataHx711Options = z
  .strictObject({
    port: port
      .optional()
      .describe('Which serial port. Default: the only attached one that looks like a bridge by its USB ids.'),
    tcp: tcp.optional().describe('A serial server instead of a port: raw bytes over TCP. Default: none.'),
    bus: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Device of the profile through which the bridge is reached, instead of a port. Default: none.',
      ),
    baudRate: z
      .union([z.literal(57_600), z.literal(115_200), z.literal(250_000), z.literal(500_000)])
      .default(115_200)
      .describe('Speed of the serial line, Bd, as the firmware was built. Default 115200.'),
    cells: z
      .array(z.union([unused, z.string().min(1)]))
      .min(1)
      .max(mostChannels)
      .refine((cells) => cells.some((cell) => cell !== null && cell !== '-'), 'must name at least one cell')
      .refine((cells) => {
        const named = cells.filter((cell) => cell !== null && cell !== '-');
        return new Set(named).size === named.length;
      }, 'names a cell twice')
      .describe('Load cells by channel, from channel 0; `-` or null for a channel that is not used.'),
    samplesPerSecond: z
      .union([z.literal(10), z.literal(80)])
      .default(80)
      .describe('Conversions of each cell per second: 10 (less noise) or 80. Default 80.'),
    gain: z
      .union([z.literal(128), z.literal(64), z.literal(32)])
      .default(128)
      .describe("Gain: 128 or 64 on the converters' input A, 32 on input B. Default 128."),
    serial: z
      .string()
      .min(1)
      .optional()
      .describe("The bridge's own serial number; another bridge on this port is refused. Default: any."),
  })
  .refine(
    ({ port: serial, tcp: server, bus }) =>
      [serial, server, bus].filter((way) => way !== undefined).length <= 1,
    'only one of port, tcp and bus can say where the bridge is',
  );

export type FirmataHx711Options = z.infer<typeof firmataHx711Options>;

/** Cells by channel; undefined for channels that aren't used. */
export function cellsByChannel({ cells }: Pick<FirmataHx711Options, 'cells'>): (string | undefined)[] {
  return cells.map((cell) => (cell === null || cell === '-' ? undefined : cell));
}
