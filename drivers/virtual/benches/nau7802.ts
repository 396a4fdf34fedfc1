import type { MakeBench } from '../bench.ts';
import { Nau7802, nau7802Address } from '../chips/nau7802.ts';
import { createNoise } from '../peers/noise.ts';
import { i2cBench, switched } from './parts/i2c-bench.ts';

/** A NAU7802 with one cell under a load that stays, at 80 samples a second; its oscillator is 1 % fast. */
export const nau7802Bench: MakeBench = async (clock, seed) => {
  const noise = createNoise(seed, 30);
  const chip = new Nau7802({ nowUs: () => clock.nowUs(), counts: () => 420_000 + noise(), skew: 0.01 });
  return i2cBench(clock, {
    address: nau7802Address,
    chip,
    options: { cells: ['cell-1'], samplesPerSecond: 80 },
    readingsPerSecond: 80,
    troubles: [
      switched('its oscillator stands', 'missing', (isOn) => {
        chip.troubles.stopped = isOn;
      }),
      switched('every conversion is the same', 'stuck', (isOn) => {
        chip.troubles.frozen = isOn;
      }),
      switched('a wire of the cell is loose', 'saturated', (isOn) => {
        chip.troubles.saturated = isOn ? 1 : 0;
      }),
    ],
  });
};
