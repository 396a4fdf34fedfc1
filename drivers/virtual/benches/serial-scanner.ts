import { createRandom } from '#base/random.ts';
import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { SerialScannerPeer } from '../peers/serial-scanner.ts';

/** A CDC scanner with AIM identifiers and CR LF, in pieces of five bytes. */
export const serialScannerBench: MakeBench = async (clock, seed) => {
  const random = createRandom(seed);
  const peer = new SerialScannerPeer({ trailer: Uint8Array.of(13, 10), pieceBytes: 5 });
  const ports = new PeerPorts(clock, { bytes: peer });
  let serial = 0;
  return {
    options: { match: { serial: 'SIM-CDC-1' }, commands: { 'trigger-on': '16 54 0d' } },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us, 10_000),
    stimulate() {
      serial += 1;
      peer.scan(`]C1010400638133393110L${serial}\x1d21X`);
    },
    readingsPerSecond: 0,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      {
        name: 'a code that never ends',
        fault: 'integrity',
        begin: () => peer.send(new Uint8Array(20_000).fill(0x41)),
        end: () => peer.send(Uint8Array.of(13)),
      },
    ],
    babble(babbleSeed) {
      const noise = random.fork(`babble-${babbleSeed}`);
      peer.send(Uint8Array.from({ length: 2_000 }, () => noise.integer(256)));
    },
  };
};
