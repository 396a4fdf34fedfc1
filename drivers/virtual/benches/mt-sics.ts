import type { MakeBench } from '../bench.ts';
import { MtSicsPeer } from '../peers/mt-sics.ts';
import { byteScaleBench } from '../peers/scale-bench.ts';
import { ScaleModel } from '../peers/scale-model.ts';

export const mtSicsBench: MakeBench = async (clock) => {
  const peer = new MtSicsPeer(clock, new ScaleModel('g', 1), 'MT-SICS');
  return byteScaleBench(clock, peer, {}, [
    {
      name: 'it tells an error',
      fault: 'integrity',
      begin: () => {
        peer.model.broken = true;
      },
      end: () => {
        peer.model.broken = false;
      },
    },
    {
      name: 'somebody sets a tare on it',
      fault: 'configuration',
      begin: () => {
        peer.model.tareMg = 12_000;
      },
      end: () => {
        peer.model.tareMg = 0;
      },
    },
  ]);
};
