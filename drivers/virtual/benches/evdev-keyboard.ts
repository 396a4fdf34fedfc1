import { createRandom } from '#base/random.ts';
import type { MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { KeyboardScannerPeer } from '../peers/keyboard-scanner.ts';

/** A scanner that types as a German keyboard does, AIM identifiers included. */
export const evdevKeyboardBench: MakeBench = async (clock, seed) => {
  const random = createRandom(seed);
  const peer = new KeyboardScannerPeer({ layout: 'de' });
  const ports = new PeerPorts(clock, { input: peer });
  let serial = 0;
  let wrongKeys = false;
  let ended = true;
  return {
    options: { match: { serial: 'SIM-KBD-1' }, layout: 'de' },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us, 10_000),
    stimulate() {
      serial += 1;
      peer.scan(`010400638133393110L${serial}\x1d21X`, ']C1', ended);
      if (wrongKeys) peer.tap(183);
    },
    readingsPerSecond: 0,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [
      {
        name: 'keys that type nothing',
        fault: 'integrity',
        begin() {
          wrongKeys = true;
        },
        end() {
          wrongKeys = false;
        },
      },
      {
        name: 'a code without its end',
        fault: 'integrity',
        begin() {
          ended = false;
        },
        end() {
          ended = true;
        },
      },
    ],
    babble(babbleSeed) {
      const noise = random.fork(`babble-${babbleSeed}`);
      for (let count = 0; count < 200; count++) {
        peer.send({ type: noise.integer(6), code: noise.integer(256), value: noise.integer(4) - 1 });
      }
      // A keyboard that was let go of: the kernel releases what is held.
      for (let code = 0; code < 256; code++) peer.send({ type: 1, code, value: 0 });
      peer.tap(28);
    },
  };
};
