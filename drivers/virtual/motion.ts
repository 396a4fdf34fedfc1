import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { virtualDevice } from './device.ts';
import { findWorld } from './world.ts';

const options = z.strictObject({
  world: z.string().describe('Device of the profile that is the virtual world.'),
});

/** An accelerometer on the frame of a virtual world, 100 samples a second. */
export const virtualMotion: Driver<z.infer<typeof options>> = {
  contract: driverContract,
  name: 'virtual-motion',
  kind: 'motion',
  options,
  async open(chosen, context) {
    const world = findWorld(chosen.world, context);
    return virtualDevice(
      {
        driver: 'virtual-motion',
        identity: { vendor: 'Cartwright', model: 'virtual accelerometer', serial: `virtual-${context.id}` },
        sources: [context.id],
        transmit: (reading, sink) => sink(reading),
      },
      world,
      context,
    );
  },
};
