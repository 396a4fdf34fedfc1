import { systemClock, VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { openDevice } from '#drivers/registry.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';

/** A camera in a process of its own: tells the first frame's size, and then its first fault. */
const ports = new PeerPorts(new VirtualClock(), {});
const context = { id: 'camera', clock: systemClock, log: silentLogger, buses: new Map(), ports };
const options = { world: process.argv[2] ?? '', width: 160, height: 120, framesPerSecond: 5 };
const camera = await openDevice({ id: 'camera', driver: 'virtual-camera', options }, context);
let told = false;
camera.faults.subscribe((fault) => process.send?.(fault));
await camera.start((reading) => {
  if (told || reading.kind !== 'frame') return;
  told = true;
  process.send?.({ width: reading.width, height: reading.height });
});
process.once('disconnect', () => process.exit(0));
