import { createRandom } from '#base/random.ts';
import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { SsiScannerPeer } from '../peers/ssi-scanner.ts';

const gs1128 = 0x0f;

/** A scanner that speaks SSI and waits for acknowledgements. */
export const ssiScannerBench: MakeBench = async (clock, seed) => {
  const random = createRandom(seed);
  const peer = new SsiScannerPeer(clock);
  const ports = new PeerPorts(clock, { bytes: peer });
  let serial = 0;
  return {
    options: { match: { serial: 'SIM-SSI-1' } },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us, 10_000),
    stimulate() {
      serial += 1;
      peer.scan(gs1128, `010400638133393110L${serial}\x1d21${'X'.repeat(serial % 3 === 0 ? 300 : 5)}`);
    },
    readingsPerSecond: 0,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      {
        name: 'a line that damages every packet',
        fault: 'integrity',
        begin() {
          peer.spoil = (bytes) =>
            bytes.map((byte, index) => (index === bytes.length - 3 ? byte ^ 0x40 : byte));
        },
        end() {
          peer.spoil = undefined;
        },
      },
    ],
    babble(babbleSeed) {
      const noise = random.fork(`babble-${babbleSeed}`);
      peer.send(Uint8Array.from({ length: 500 }, () => noise.integer(256)));
      // What could be the beginning of a packet.
      peer.send(Uint8Array.of(noise.integer(256), 0xf3, 0x00, noise.integer(4)));
    },
  };
};
