import { standardGravityMmS2 } from '#base/units.ts';
import type { BenchTrouble } from '../../bench.ts';
import { createNoise } from '../../peers/noise.ts';
import { switched } from './i2c-bench.ts';

type Acceleration = readonly [x: number, y: number, z: number];

/** What an accelerometer on a cart at rest feels, mm/s², and what can be wrong with it. */
export class BenchAcceleration {
  readonly #noise: () => number;
  #rest: Acceleration = [0, 0, standardGravityMmS2];
  #isNoisy = true;

  constructor(seed: number) {
    this.#noise = createNoise(seed, 25);
  }

  readonly at = (): Acceleration => {
    const [x, y, z] = this.#rest;
    if (!this.#isNoisy) return this.#rest;
    return [x + this.#noise(), y + this.#noise(), z + this.#noise()];
  };

  get troubles(): readonly BenchTrouble[] {
    const resting = (name: string, fault: BenchTrouble['fault'], rest: Acceleration) =>
      switched(name, fault, (isOn) => {
        this.#rest = isOn ? rest : [0, 0, standardGravityMmS2];
      });
    return [
      switched('every sample is the same', 'stuck', (isOn) => {
        this.#isNoisy = !isOn;
      }),
      resting('it stays at the end of its range', 'saturated', [0, 0, 200_000]),
      resting('it feels no gravity', 'integrity', [0, 0, 300]),
      resting('it is mounted on its side', 'configuration', [standardGravityMmS2, 0, 0]),
    ];
  }
}
