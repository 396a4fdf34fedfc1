/**
 * A wire that loses packets: a TUN device whose other end sends every packet back with source and destination exchanged, so
 * that what connects to 10.77.0.2 reaches what listens on 10.77.0.1 through the kernel's real TCP. Checksums are sums and stay right. A
 * program of its own, in a network namespace of its own; it is told by messages how many packets to lose.
 */
import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { createRandom } from '#base/random.ts';
import { machineIoctl } from '#drivers/ports/ioctl.ts';

/** How bad the wire is: share of packets that are lost, in each direction. */
export interface Wire {
  readonly loss: number;
}

const name = 'wire0';
/** TUNSETIFF, IFF_TUN | IFF_NO_PI of linux/if_tun.h. */
const setInterface = 0x400454ca;
const plainPackets = 0x1001;

const tun = await open('/dev/net/tun', 'r+');
const request = Buffer.alloc(40);
request.write(name);
request.writeUInt16LE(plainPackets, 16);
(await machineIoctl()).buffer(tun.fd, setInterface, request);
for (const args of [
  ['link', 'set', 'lo', 'up'],
  ['addr', 'add', '10.77.0.1/24', 'dev', name],
  ['link', 'set', name, 'up'],
])
  execFileSync('ip', args);

let wire: Wire = { loss: 0 };
let carried = 0;
let lost = 0;
process.on('message', (message: Wire) => {
  wire = message;
  process.send?.({ carried, lost });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ carried, lost });

const random = createRandom(Number(process.argv[2] ?? 1));
const packet = Buffer.alloc(65_536);
const source = Buffer.alloc(4);
for (;;) {
  const { bytesRead } = await tun.read(packet, 0, packet.length, null);
  // IPv4 alone; the kernel also asks for routers in IPv6.
  if ((packet[0] ?? 0) >> 4 !== 4) continue;
  if (random.next() < wire.loss) {
    lost++;
    continue;
  }
  carried++;
  packet.copy(source, 0, 12, 16);
  packet.copy(packet, 12, 16, 20);
  source.copy(packet, 16);
  await tun.write(packet, 0, bytesRead, null);
}
