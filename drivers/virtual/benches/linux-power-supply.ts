import type { MakeBench } from '../bench.ts';
import { LivingAttributes } from '../peers/attributes.ts';
import { attributeBench } from './parts/attribute-bench.ts';
import { switched } from './parts/i2c-bench.ts';

/** A battery that is being discharged. */
export const linuxPowerSupplyBench: MakeBench = async (clock) => {
  const attributes = new LivingAttributes();
  attributes.set('type', 'Battery').set('status', 'Discharging').set('present', '1');
  attributes.set('manufacturer', 'ACME').set('model_name', 'B48').set('serial_number', '0017');
  attributes.set('capacity', '83').set('energy_full', '48000000');
  attributes.live('energy_now', { read: () => String(Math.round(40_000_000 - clock.nowUs() / 1000)) });
  return attributeBench(clock, {
    attributes,
    options: { battery: 'BAT0', everyMs: 200 },
    readingsPerSecond: 5,
    troubles: [
      switched('the battery is taken out', 'missing', (isOn) => {
        attributes.set('present', isOn ? '0' : '1');
      }),
    ],
  });
};
