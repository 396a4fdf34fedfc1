import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { hx711Bytes, hx711Counts } from '../load-cell/hx711.ts';
import { virtualDevice } from './device.ts';
import { findWorld } from './world.ts';

const options = z.strictObject({
  world: z.string().describe('Device of the profile that is the virtual world.'),
  cells: z.array(z.string()).min(1).describe('Load cells of the bridge, in the order of its channels.'),
  samplesPerSecond: z
    .number()
    .positive()
    .max(320)
    .default(80)
    .describe('Conversions of each cell per second.'),
});

/** A bridge of HX711 converters in a virtual world. */
export const virtualLoadCells: Driver<z.infer<typeof options>> = {
  contract: driverContract,
  name: 'virtual-load-cells',
  kind: 'load-cell',
  options,
  async open(chosen, context) {
    const world = findWorld(chosen.world, context);
    return virtualDevice(
      {
        driver: 'virtual-load-cells',
        identity: { vendor: 'Cartwright', model: 'virtual HX711 bridge', serial: `virtual-${context.id}` },
        sources: chosen.cells,
        transmit: (reading, sink) => {
          if (reading.kind !== 'cell') return;
          sink({ ...reading, counts: hx711Counts(hx711Bytes(reading.counts)) });
        },
      },
      world,
      context,
    );
  },
};
