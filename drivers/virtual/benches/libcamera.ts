import { createRandom } from '#base/random.ts';
import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { RpicamVidPeer } from '../peers/rpicam-vid.ts';

/** A camera whose program writes JPEGs in pieces, between which other bytes may come. */
export const libcameraBench: MakeBench = async (clock) => {
  const peer = new RpicamVidPeer(clock, 50);
  const ports = new PeerPorts(clock, { program: peer });
  return {
    options: { width: 64, height: 48, framesPerSecond: 10, format: 'mjpeg' },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond: 10,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      {
        name: 'frames are cut off',
        fault: 'integrity',
        begin: () => {
          peer.cutOff = true;
        },
        end: () => {
          peer.cutOff = false;
        },
      },
    ],
    babble: (seed) => {
      const random = createRandom(seed);
      peer.send(Uint8Array.from({ length: random.integer(4000) }, () => random.integer(256)));
    },
  };
};
