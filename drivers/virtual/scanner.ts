import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { HidPosAssembler, hidPosReports } from '../scanner/hid-pos-report.ts';
import { virtualDevice } from './device.ts';
import { findWorld } from './world.ts';

const options = z.strictObject({
  world: z.string().describe('Device of the profile that is the virtual world.'),
  lengthCountsOneMore: z
    .boolean()
    .default(false)
    .describe('The length byte of its reports counts one more, as with some Honeywell firmware.'),
});

/** A barcode scanner in HID POS mode in a virtual world; its codes come as 64-byte reports. */
export const virtualScanner: Driver<z.infer<typeof options>> = {
  contract: driverContract,
  name: 'virtual-scanner',
  kind: 'scanner',
  options,
  async open(chosen, context) {
    const world = findWorld(chosen.world, context);
    const quirks = { lengthCountsOneMore: chosen.lengthCountsOneMore };
    const assembler = new HidPosAssembler(quirks);
    return virtualDevice(
      {
        driver: 'virtual-scanner',
        identity: { vendor: 'Cartwright', model: 'virtual HID POS scanner', serial: `virtual-${context.id}` },
        sources: [context.id],
        transmit: (reading, sink) => {
          if (reading.kind !== 'scan') return;
          for (const report of hidPosReports(reading, quirks)) {
            const code = assembler.push(report);
            if (code !== undefined) sink({ kind: 'scan', source: context.id, atUs: reading.atUs, ...code });
          }
        },
      },
      world,
      context,
    );
  },
};
