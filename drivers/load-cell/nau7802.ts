import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { chipAddress, hasOnePlace, i2cPlace, onePlace, openChip, placeName } from '../i2c/chip.ts';
import { polledDevice } from '../polled/polled-device.ts';
import { identifyNau7802, Nau7802Chip, nau7802Gains, nau7802Rates, nau7802Voltages } from './nau7802-chip.ts';
import { Nau7802Reader } from './nau7802-reader.ts';

const options = z
  .strictObject({
    ...i2cPlace,
    address: chipAddress.default(0x2a).describe('Address on the bus; every NAU7802 has 42 (0x2A).'),
    cells: z
      .array(z.string().min(1))
      .min(1)
      .max(2)
      .describe('Load cells on its inputs 1 and 2. With two it switches between them, much more slowly.'),
    samplesPerSecond: z
      .literal(nau7802Rates)
      .default(80)
      .describe(
        'Conversions a second: 10, 20, 40, 80 or 320. Through a board at 115200 Bd no more than 80, beside a motion sensor 40.',
      ),
    gain: z.literal(nau7802Gains).default(128).describe('Gain of its amplifier: 1, 2, 4 … 128.'),
    supplyVolts: z
      .union([z.literal(nau7802Voltages), z.literal('external')])
      .default(3)
      .describe(
        'What it supplies the cells with, V: 2.4, 2.7, 3, 3.3, 3.6, 3.9, 4.2 or 4.5, at least 0.3 V below its own supply; `external` where AVDD is fed.',
      ),
    samplesPerTurn: z
      .int()
      .min(1)
      .max(32)
      .default(4)
      .describe('With two cells: conversions of one before the other has its turn, after those that settle.'),
  })
  .refine(hasOnePlace, onePlace);
export type Nau7802Settings = z.infer<typeof options>;

/** Without a conversion for so long the chip is missing, µs; longer than any turn of the other cell. */
const silenceUs = 700_000;

/** A NAU7802 converter with one or two load cells, on a board's I²C bus or the machine's own. */
export const nau7802: Driver<Nau7802Settings> = {
  contract: driverContract,
  name: 'nau7802',
  kind: 'load-cell',
  options,
  async open(chosen, context) {
    const { address } = chosen;
    const { chip, identified } = await openChip(chosen, address, context, identifyNau7802);
    const reader = new Nau7802Reader(new Nau7802Chip(chip, chosen), chosen, context.clock);
    return polledDevice(
      {
        identity: {
          vendor: 'Nuvoton',
          model: 'NAU7802',
          firmware: `revision ${identified}`,
          address: placeName(chosen, address),
        },
        port: chip.port,
        onLost: (listener) => chip.port.onLost(listener),
        periodUs: reader.pollUs,
        silenceUs,
        setUp: (tools) => reader.setUp(tools),
        round: (tools) => reader.round(tools),
      },
      context,
    );
  },
};
