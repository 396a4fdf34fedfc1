import type { VirtualClock } from '#base/clock.ts';
import { createRandom } from '#base/random.ts';
import type { Bench, BenchTrouble } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import type { ByteScalePeer } from './byte-scale-peer.ts';
import type { ScaleModel } from './scale-model.ts';

/** What goes wrong with any scale. */
export function scaleTroubles(model: ScaleModel): readonly BenchTrouble[] {
  return [
    {
      name: 'more than its capacity lies on it',
      fault: 'saturated',
      begin: () => {
        model.loadMg = 2 * model.maxMg;
      },
      end: () => {
        model.loadMg = 0;
      },
    },
    {
      name: 'it does not answer',
      fault: 'timing',
      begin: () => {
        model.silent = true;
      },
      end: () => {
        model.silent = false;
      },
    },
  ];
}

/** Noise of a line: up to 200 bytes, of which a third are what frames begin and end with. */
export function noise(seed: number): Uint8Array {
  const random = createRandom(seed);
  const delimiters = [0x01, 0x02, 0x03, 0x04, 0x06, 0x0a, 0x0d, 0x15, 0x3f, 0x53];
  return Uint8Array.from({ length: 1 + random.integer(200) }, () => {
    const byte = random.integer(256);
    return random.next() < 1 / 3 ? (delimiters[byte % delimiters.length] ?? byte) : byte;
  });
}

/** A bench on a simulated serial scale. */
export function byteScaleBench(
  clock: VirtualClock,
  peer: ByteScalePeer,
  options: Readonly<Record<string, unknown>>,
  troubles: readonly BenchTrouble[] = [],
): Bench {
  const ports = new PeerPorts(clock, { bytes: peer });
  return {
    options: { serial: { path: '/dev/serial/by-id/usb-simulated-scale' }, ...options },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond: 4,
    unplug: () => ports.unplug(),
    replug: () => ports.replug(),
    troubles: [...scaleTroubles(peer.model), ...troubles],
    babble: (seed) => peer.send(noise(seed)),
  };
}
