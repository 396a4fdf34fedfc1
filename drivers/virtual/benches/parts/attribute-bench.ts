import type { VirtualClock } from '#base/clock.ts';
import type { Bench, BenchTrouble } from '../../bench.ts';
import { passTime } from '../../benches.ts';
import { PeerPorts } from '../../peer-ports.ts';
import type { LivingAttributes } from '../../peers/attributes.ts';
import { switched } from './i2c-bench.ts';

export interface AttributeBenchPlan {
  readonly attributes: LivingAttributes;
  readonly options: object;
  readonly readingsPerSecond: number;
  readonly troubles: readonly BenchTrouble[];
}

/** A bench for a device that the kernel shows as a folder of attributes. */
export function attributeBench(clock: VirtualClock, plan: AttributeBenchPlan): Bench {
  const { attributes, options, readingsPerSecond, troubles } = plan;
  const ports = new PeerPorts(clock, { attributes });
  return {
    options,
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      switched('the chip behind it does not answer', 'missing', (isOn) => {
        attributes.notAnswering = isOn ? 'the chip behind the attributes does not answer' : undefined;
      }),
      ...troubles,
    ],
  };
}
