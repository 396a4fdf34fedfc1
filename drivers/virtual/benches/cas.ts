import type { MakeBench } from '../bench.ts';
import { CasRequestPeer } from '../peers/cas.ts';
import { byteScaleBench } from '../peers/scale-bench.ts';
import { ScaleModel } from '../peers/scale-model.ts';

export const casBench: MakeBench = async (clock) => {
  const peer = new CasRequestPeer(clock, new ScaleModel('kg', 3), 'CAS');
  return byteScaleBench(clock, peer, {}, [
    {
      name: 'its blocks are damaged on the way',
      fault: 'integrity',
      begin: () => {
        peer.damaged = true;
      },
      end: () => {
        peer.damaged = false;
      },
    },
    {
      name: 'it has no weight to tell',
      fault: 'timing',
      begin: () => {
        peer.busy = true;
      },
      end: () => {
        peer.busy = false;
      },
    },
  ]);
};
