import type { VirtualClock } from '#base/clock.ts';
import type { Bench } from '../../bench.ts';
import { passTime } from '../../benches.ts';
import type { PeerPorts } from '../../peer-ports.ts';
import { switched } from './i2c-bench.ts';

export interface CameraBenchPlan {
  readonly ports: PeerPorts;
  readonly options: object;
  /** Frames come cut off from now on, or whole again. */
  readonly cutOff: (isOn: boolean) => void;
}

/** A bench for a camera of ten frames a second. */
export function cameraBench(clock: VirtualClock, { ports, options, cutOff }: CameraBenchPlan): Bench {
  return {
    options: { framesPerSecond: 10, ...options },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond: 10,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [switched('frames are cut off', 'integrity', cutOff)],
  };
}
