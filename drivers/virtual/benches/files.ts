import type { MakeBench } from '../bench.ts';
import { PeerPorts } from '../peer-ports.ts';
import { jpegMarkers } from '../peers/test-picture.ts';
import { cameraBench } from './parts/camera-bench.ts';

/** Three pictures of two sizes in turn. */
export const filesBench: MakeBench = async (clock) => {
  let isDamaged = false;
  const pictures = new Map([
    ['1.jpg', jpegMarkers(64, 48, 1)],
    ['2.jpg', jpegMarkers(64, 48, 2)],
    ['3.jpg', jpegMarkers(32, 32, 3)],
  ]);
  const ports = new PeerPorts(clock, {
    pictures: {
      identity: { model: 'simulated pictures' },
      names: [...pictures.keys()],
      read: (name) => (pictures.get(name) ?? new Uint8Array()).subarray(0, isDamaged ? 40 : undefined),
    },
  });
  return cameraBench(clock, {
    ports,
    options: { folder: 'simulated' },
    cutOff: (isOn) => {
      isDamaged = isOn;
    },
  });
};
