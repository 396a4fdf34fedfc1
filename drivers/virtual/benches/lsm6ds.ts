import type { MakeBench } from '../bench.ts';
import { Lsm6ds, lsm6dsAddress } from '../chips/lsm6ds.ts';
import { BenchAcceleration } from './parts/acceleration.ts';
import { i2cBench, switched } from './parts/i2c-bench.ts';

/** An LSM6DSO or, with an odd seed, an LSM6DS3 on a cart at rest; its oscillator is 3 % slow. */
export const lsm6dsBench: MakeBench = async (clock, seed) => {
  const acceleration = new BenchAcceleration(seed);
  const chip = new Lsm6ds({
    nowUs: () => clock.nowUs(),
    acceleration: acceleration.at,
    whoAmI: seed % 2 === 0 ? 0x6c : 0x69,
    skew: -0.03,
  });
  return i2cBench(clock, {
    address: lsm6dsAddress,
    chip,
    options: {},
    readingsPerSecond: 100,
    troubles: [
      switched('it takes no samples', 'missing', (isOn) => {
        chip.troubles.frozen = isOn;
      }),
      ...acceleration.troubles,
    ],
  });
};
