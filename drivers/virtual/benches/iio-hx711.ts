import type { MakeBench } from '../bench.ts';
import { IioHx711Attributes } from '../peers/iio-hx711.ts';
import { createNoise } from '../peers/noise.ts';
import { attributeBench } from './parts/attribute-bench.ts';
import { switched } from './parts/i2c-bench.ts';

/** The kernel's HX711 with a cell on input A, under a load that stays. */
export const iioHx711Bench: MakeBench = async (clock, seed) => {
  const noise = createNoise(seed, 30);
  const attributes = new IioHx711Attributes(() => -310_000 + noise());
  return attributeBench(clock, {
    attributes,
    options: { cellA: 'cell-1' },
    readingsPerSecond: 10,
    troubles: [
      switched('every code is the same', 'stuck', (isOn) => {
        attributes.fixed = isOn ? -309_998 : undefined;
      }),
      switched('a wire of the cell is loose', 'saturated', (isOn) => {
        attributes.fixed = isOn ? -0x800000 : undefined;
      }),
    ],
  });
};
