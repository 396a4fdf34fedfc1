import { standardGravityMmS2 } from '#base/units.ts';
import type { MakeBench } from '../bench.ts';
import { LivingAttributes } from '../peers/attributes.ts';
import { BenchAcceleration } from './parts/acceleration.ts';
import { attributeBench } from './parts/attribute-bench.ts';

/** Counts of an ADXL345 at full resolution, 3.9 mg each. */
const mmS2PerCount = 0.003_9 * standardGravityMmS2;
/** Its noise is less than a count; an accelerometer of more bits shows it. */
const finer = 64;

/** An accelerometer of the kernel on a cart at rest, its matrix turned a quarter about the vertical. */
export const iioAccelerometerBench: MakeBench = async (clock, seed) => {
  const acceleration = new BenchAcceleration(seed);
  const attributes = new LivingAttributes();
  const counts = (axis: 0 | 1 | 2) => String(Math.round((acceleration.at()[axis] / mmS2PerCount) * finer));
  attributes.set('name', 'adxl345');
  attributes.live('in_accel_x_raw', { read: () => counts(0) });
  attributes.live('in_accel_y_raw', { read: () => counts(1) });
  attributes.live('in_accel_z_raw', { read: () => counts(2) });
  attributes.set('in_accel_scale', String(mmS2PerCount / finer / 1000));
  attributes.set('in_accel_mount_matrix', '0, 1, 0; -1, 0, 0; 0, 0, 1');
  attributes.set('in_accel_sampling_frequency', '25.000000');
  attributes.set('in_accel_sampling_frequency_available', '25.000000 50.000000 100.000000 200.000000');
  const troubles = acceleration.troubles.filter(({ fault }) => fault !== 'saturated');
  return attributeBench(clock, {
    attributes,
    options: { name: 'adxl345' },
    readingsPerSecond: 50,
    troubles,
  });
};
