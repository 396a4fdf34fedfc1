import { createRandom } from '#base/random.ts';
import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { HidPosScannerPeer } from '../peers/hid-pos-scanner.ts';

const gtin = new TextEncoder().encode('4006381333931');

/** A scanner of the vendor table, silent until it is asked for codes; what it reads is a different code each time. */
export const hidPosScannerBench: MakeBench = async (clock, seed) => {
  const random = createRandom(seed);
  const peer = new HidPosScannerPeer({ wakesBy: [254, 1] });
  const ports = new PeerPorts(clock, { reports: peer });
  let serial = 0;
  let bad: (() => void) | undefined;
  return {
    options: { match: { vendorId: '0c2e' }, duplicateWindowMs: 700 },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us, 10_000),
    stimulate() {
      serial += 1;
      bad?.();
      const long = new TextEncoder().encode(`01040063813339312112${'0'.repeat(40)}${serial}`);
      peer.scan(serial % 2 === 1 ? { data: long, symbology: ']C1' } : { data: gtin, symbology: ']E0' });
      if (serial % 2 === 0) peer.scan({ data: long, symbology: ']d2' });
      bad?.();
    },
    readingsPerSecond: 0,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      {
        name: 'reports of another mode',
        fault: 'integrity',
        begin() {
          bad = () => peer.send(Uint8Array.of(0x02, 0xff, ...new Uint8Array(62)));
          bad();
        },
        end() {
          bad = undefined;
        },
      },
    ],
    babble(babbleSeed) {
      const noise = random.fork(`babble-${babbleSeed}`);
      for (let count = 0; count < 20; count++) {
        peer.send(Uint8Array.from({ length: 1 + noise.integer(70) }, () => noise.integer(256)));
        const report = Uint8Array.from({ length: 64 }, () => noise.integer(256));
        report[0] = 2;
        peer.send(report);
      }
    },
  };
};
