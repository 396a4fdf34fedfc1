import { createRandom } from '#base/random.ts';
import type { MakeBench } from '../bench.ts';
import { PeerPorts } from '../peer-ports.ts';
import { V4l2CameraPeer } from '../peers/v4l2-camera.ts';
import { cameraBench } from './parts/camera-bench.ts';

/** A USB camera with MJPEG; its frames can be damaged. */
export const v4l2Bench: MakeBench = async (clock) => {
  const size = [64, 48] as const;
  const offer = { pixelFormat: 'MJPG', least: size, most: size, framesPerSecond: 30 };
  const peer = new V4l2CameraPeer(clock, { offers: [offer] });
  return {
    ...cameraBench(clock, {
      ports: new PeerPorts(clock, { video: peer }),
      options: { width: 64, height: 48 },
      cutOff: (isOn) => {
        peer.cutOff = isOn;
      },
    }),
    babble: (seed) => {
      const random = createRandom(seed);
      peer.instead = Uint8Array.from({ length: random.integer(4000) }, () => random.integer(256));
    },
  };
};
