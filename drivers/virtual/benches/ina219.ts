import type { MakeBench } from '../bench.ts';
import { Ina219, ina219Address } from '../chips/ina219.ts';
import { i2cBench } from './parts/i2c-bench.ts';

/** An INA219 in the wire of a battery that is being discharged. */
export const ina219Bench: MakeBench = async (clock) => {
  const chip = new Ina219({
    nowUs: () => clock.nowUs(),
    busMillivolt: (atUs) => 12_600 - atUs / 1e6,
    milliamp: () => 800,
    shuntMilliohm: 100,
  });
  return i2cBench(clock, {
    address: ina219Address,
    chip,
    options: {
      everyMs: 200,
      batteryMilliohm: 50,
      table: [
        { millivolt: 11_100, ppm: 0 },
        { millivolt: 12_600, ppm: 1_000_000 },
      ],
    },
    readingsPerSecond: 4,
    troubles: [],
  });
};
