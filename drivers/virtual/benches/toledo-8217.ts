import type { MakeBench } from '../bench.ts';
import { byteScaleBench } from '../peers/scale-bench.ts';
import { ScaleModel } from '../peers/scale-model.ts';
import { Toledo8217Peer } from '../peers/toledo-8217.ts';

export const toledo8217Bench: MakeBench = async (clock) => {
  const peer = new Toledo8217Peer(clock, new ScaleModel('kg', 3), '8217');
  peer.parityVisible = true;
  return byteScaleBench(clock, peer, { unit: 'kg' }, [
    {
      name: 'it lost its zero',
      fault: 'configuration',
      begin: () => {
        peer.model.broken = true;
      },
      end: () => {
        peer.model.broken = false;
      },
    },
  ]);
};
