import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { virtualDevice } from './device.ts';
import { findWorld } from './world.ts';

const options = z.strictObject({
  world: z.string().describe('Device of the profile that is the virtual world.'),
});

/** The temperature of a virtual world, once a second, where a plate of its scenario's board names this device. */
export const virtualTemperature: Driver<z.infer<typeof options>> = {
  contract: driverContract,
  name: 'virtual-temperature',
  kind: 'temperature',
  options,
  async open(chosen, context) {
    const world = findWorld(chosen.world, context);
    return virtualDevice(
      {
        driver: 'virtual-temperature',
        identity: { vendor: 'Cartwright', model: 'virtual thermometer', serial: `virtual-${context.id}` },
        sources: [context.id],
        transmit: (reading, sink) => sink(reading),
      },
      world,
      context,
    );
  },
};
