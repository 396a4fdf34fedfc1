import type { VirtualClock } from '#base/clock.ts';
import type { Bench, BenchTrouble } from '../../bench.ts';
import { passTime } from '../../benches.ts';
import type { I2cChip } from '../../chips/i2c-chip.ts';
import { PeerPorts } from '../../peer-ports.ts';
import { GarblingChip } from '../../peers/garbling-chip.ts';

export interface I2cBenchPlan {
  readonly address: number;
  readonly chip: I2cChip;
  readonly options: object;
  readonly readingsPerSecond: number;
  /** Besides those of every chip: it is gone, it has lost its supply for a moment. */
  readonly troubles: readonly BenchTrouble[];
}

/** A bench for one chip on an I²C bus. */
export function i2cBench(clock: VirtualClock, plan: I2cBenchPlan): Bench {
  const { address, chip, options, readingsPerSecond, troubles } = plan;
  const disturbed = new GarblingChip(chip);
  const ports = new PeerPorts(clock, { i2c: new Map([[address, disturbed]]) });
  return {
    options: { adapter: 1, ...options },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond,
    unplug: () => ports.unplug(),
    replug: () => {
      chip.powerOn();
      ports.replug();
    },
    troubles: [
      {
        name: 'the chip does not acknowledge',
        fault: 'missing',
        begin: () => {
          chip.absent = true;
        },
        end: () => {
          chip.powerOn();
          chip.absent = false;
        },
      },
      { name: 'its supply fails for a moment', fault: 'missing', begin: () => chip.powerOn(), end: () => {} },
      ...troubles,
    ],
    babble: (seed) => disturbed.garble(seed, 1 + (seed % 7)),
  };
}

/** A trouble that is a switch. */
export function switched(
  name: string,
  fault: BenchTrouble['fault'],
  set: (isOn: boolean) => void,
): BenchTrouble {
  return { name, fault, begin: () => set(true), end: () => set(false) };
}
