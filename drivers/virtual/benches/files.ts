import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { jpegMarkers } from '../peers/test-picture.ts';

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
  return {
    options: { folder: 'simulated', framesPerSecond: 10 },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond: 10,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      {
        name: 'pictures are cut off',
        fault: 'integrity',
        begin: () => {
          isDamaged = true;
        },
        end: () => {
          isDamaged = false;
        },
      },
    ],
  };
};
