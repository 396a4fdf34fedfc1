import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { HidScalePeer } from '../peers/hid-scale.ts';
import { noise, scaleTroubles } from '../peers/scale-bench.ts';
import { ScaleModel } from '../peers/scale-model.ts';

export const hidScaleBench: MakeBench = async (clock) => {
  const peer = new HidScalePeer(clock, new ScaleModel('oz', 1, 11_340_000));
  const ports = new PeerPorts(clock, { reports: peer });
  return {
    options: { silenceMs: 700 },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond: 4,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      ...scaleTroubles(peer.model),
      {
        name: 'it needs calibration',
        fault: 'configuration',
        begin: () => {
          peer.model.uncalibrated = true;
        },
        end: () => {
          peer.model.uncalibrated = false;
        },
      },
      {
        name: 'it is out of order',
        fault: 'integrity',
        begin: () => {
          peer.model.broken = true;
        },
        end: () => {
          peer.model.broken = false;
        },
      },
    ],
    babble: (seed) => peer.send(noise(seed).subarray(0, 64)),
  };
};
