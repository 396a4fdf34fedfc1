import type { MakeBench } from '../bench.ts';
import { byteScaleBench } from '../peers/scale-bench.ts';
import { ScaleModel } from '../peers/scale-model.ts';
import { Scp01Peer } from '../peers/scp-01.ts';

export const scp01Bench: MakeBench = async (clock) => {
  const peer = new Scp01Peer(clock, new ScaleModel('kg', 3), 'SCP-01');
  return byteScaleBench(clock, peer, {}, [
    {
      name: 'its memory is broken',
      fault: 'integrity',
      begin: () => {
        peer.model.broken = true;
      },
      end: () => {
        peer.model.broken = false;
      },
    },
    {
      name: 'its calibration is lost',
      fault: 'configuration',
      begin: () => {
        peer.model.uncalibrated = true;
      },
      end: () => {
        peer.model.uncalibrated = false;
      },
    },
  ]);
};
