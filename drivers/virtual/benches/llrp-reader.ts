import { createRandom } from '#base/random.ts';
import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { LlrpReaderPeer } from '../peers/llrp-reader.ts';

export const llrpReaderBench: MakeBench = async (clock) => {
  const peer = new LlrpReaderPeer(clock);
  const ports = new PeerPorts(clock, { bytes: peer });
  let count = 0;
  return {
    options: { host: '192.0.2.9', goneMs: 1000 },
    ports,
    buses: new Map(),
    readingsPerSecond: 0,
    advance: (us) => passTime(clock, us),
    // Another tag comes into the field, and the one before leaves it.
    stimulate: () => {
      count += 1;
      const epc = Uint8Array.from(
        Buffer.from(`3074257bf7194e40${count.toString(16).padStart(8, '0')}`, 'hex'),
      );
      peer.tags.clear();
      peer.tags.set('in the field', { epc, antenna: 1, rssiDbm: -50 });
    },
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      {
        name: 'an antenna cable is off',
        fault: 'missing',
        begin: () => peer.setAntenna(2, false),
        end: () => peer.setAntenna(2, true),
      },
    ],
    babble: (seed) => {
      const random = createRandom(seed);
      peer.babble(Uint8Array.from({ length: 300 }, () => random.integer(256)));
    },
  };
};
