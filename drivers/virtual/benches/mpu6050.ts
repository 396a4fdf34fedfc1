import type { MakeBench } from '../bench.ts';
import { Mpu6050, mpu6050Address } from '../chips/mpu6050.ts';
import { BenchAcceleration } from './parts/acceleration.ts';
import { i2cBench, switched } from './parts/i2c-bench.ts';

/** An MPU-6050 on a cart at rest. */
export const mpu6050Bench: MakeBench = async (clock, seed) => {
  const acceleration = new BenchAcceleration(seed);
  const chip = new Mpu6050({ nowUs: () => clock.nowUs(), acceleration: acceleration.at });
  return i2cBench(clock, {
    address: mpu6050Address,
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
