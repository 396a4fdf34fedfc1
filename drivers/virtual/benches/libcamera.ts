import { createRandom } from '#base/random.ts';
import type { MakeBench } from '../bench.ts';
import { PeerPorts } from '../peer-ports.ts';
import { RpicamVidPeer } from '../peers/rpicam-vid.ts';
import { cameraBench } from './parts/camera-bench.ts';

/** A camera whose program writes JPEGs in pieces, between which other bytes may come. */
export const libcameraBench: MakeBench = async (clock) => {
  const peer = new RpicamVidPeer(clock, 50);
  return {
    ...cameraBench(clock, {
      ports: new PeerPorts(clock, { program: peer }),
      options: { width: 64, height: 48, format: 'mjpeg' },
      cutOff: (isOn) => {
        peer.cutOff = isOn;
      },
    }),
    babble: (seed) => {
      const random = createRandom(seed);
      peer.send(Uint8Array.from({ length: random.integer(4000) }, () => random.integer(256)));
    },
  };
};
