import type { MakeBench } from '../bench.ts';
import { LivingAttributes } from '../peers/attributes.ts';
import { attributeBench } from './parts/attribute-bench.ts';
import { switched } from './parts/i2c-bench.ts';

/** A temperature sensor in a room that warms up. */
export const hwmonTemperatureBench: MakeBench = async (clock) => {
  let isBroken = false;
  const attributes = new LivingAttributes();
  attributes.set('name', 'lm75');
  attributes.live('temp1_input', {
    read: () => (isBroken ? '-273150' : String(21_000 + Math.round(clock.nowUs() / 1_000_000) * 10)),
  });
  return attributeBench(clock, {
    attributes,
    options: { name: 'lm75', everyMs: 200 },
    readingsPerSecond: 5,
    troubles: [
      switched('a wire of the sensor is broken', 'integrity', (isOn) => {
        isBroken = isOn;
      }),
    ],
  });
};
