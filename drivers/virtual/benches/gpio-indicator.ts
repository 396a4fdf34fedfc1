import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';

/** A green and a red lamp and a buzzer on lines that take whatever is set. */
export const gpioIndicatorBench: MakeBench = async (clock) => {
  const ports = new PeerPorts(clock, { lines: { set: () => {} } });
  return {
    options: {
      chip: 'pinctrl-rp1',
      lamps: [
        { name: 'green', offset: 17 },
        { name: 'red', offset: 27, activeLow: true },
      ],
      buzzer: { offset: 22 },
    },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond: 0,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [],
  };
};
