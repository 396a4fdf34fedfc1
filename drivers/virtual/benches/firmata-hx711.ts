import { createRandom } from '#base/random.ts';
import { noticeKinds } from '../../load-cell/firmata-hx711/protocol.ts';
import type { BenchTrouble, MakeBench } from '../bench.ts';
import { passTime } from '../benches.ts';
import { PeerPorts } from '../peer-ports.ts';
import { BridgePeer } from '../peers/bridge.ts';

const cells = ['cell-fl', 'cell-fr', '-', 'cell-rl', 'cell-rr'];
const samplesPerSecond = 80;

/** `firmata-hx711` on a bridge that speaks the protocol, over a serial line of 115,200 Bd. */
export const firmataHx711Bench: MakeBench = async (clock, seed) => {
  const random = createRandom(seed);
  const noise = random.fork('counts');
  const flips = random.fork('line');
  const peer = new BridgePeer({
    clock,
    seed,
    serial: 'CW000042',
    driftPpm: 3000,
    counts: (channel) => 80_000 + 10_000 * channel + Math.round(noise.gaussian() * 20),
  });
  const ports = new PeerPorts(clock, { bytes: peer });
  return {
    options: { port: { path: '/dev/serial/by-id/simulated' }, cells, samplesPerSecond },
    ports,
    buses: new Map(),
    advance: (us) => passTime(clock, us),
    stimulate: () => {},
    readingsPerSecond: 4 * samplesPerSecond * 0.95,
    unplug: () => ports.unplug(),
    replug: () => {
      ports.replug();
      peer.reset(1);
    },
    troubles: troubles(peer, (bytes) => {
      const at = 1 + flips.integer(bytes.length - 1);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << flips.integer(8));
      return bytes;
    }),
    babble: (each) => {
      const babble = random.fork(`babble ${each}`);
      peer.line.send(Uint8Array.from({ length: 200 }, () => babble.integer(256)));
    },
  };
};

function troubles(peer: BridgePeer, damage: (bytes: Uint8Array) => Uint8Array): readonly BenchTrouble[] {
  return [
    {
      name: 'a converter is not connected',
      fault: 'missing',
      begin: () => peer.missing.add(1),
      end: () => peer.missing.delete(1),
    },
    {
      name: 'all converters lose their supply',
      fault: 'missing',
      begin: () => {
        for (const channel of [0, 1, 3, 4]) peer.missing.add(channel);
      },
      end: () => peer.missing.clear(),
    },
    {
      name: 'a data line stays low',
      fault: 'stuck',
      begin: () => peer.stuck.add(3),
      end: () => peer.stuck.delete(3),
    },
    {
      name: 'bits flip on the line',
      fault: 'integrity',
      begin: () => {
        peer.line.damage = damage;
      },
      end: () => {
        peer.line.damage = undefined;
      },
    },
    { name: 'the bridge drops frames', fault: 'integrity', begin: () => peer.dropFrames(3), end: () => {} },
    { name: 'the bridge is reset', fault: 'missing', begin: () => peer.reset(8), end: () => {} },
    {
      name: 'the bridge is reset and does not say so',
      fault: 'missing',
      begin: () => peer.reset(4, false),
      end: () => {},
    },
    {
      name: 'the bridge sends no samples',
      fault: 'missing',
      begin: () => {
        peer.mute = true;
      },
      end: () => {
        peer.mute = false;
      },
    },
    {
      name: 'conversions come late',
      fault: 'timing',
      begin: () => peer.notice(noticeKinds.late, 0, 5),
      end: () => {},
    },
  ];
}
