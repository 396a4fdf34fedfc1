import { createServer } from 'node:net';
import { systemClock } from '#base/clock.ts';
import { BridgePeer } from '#drivers/virtual/peers/bridge.ts';

/**
 * A simulated bridge in real time behind a TCP port, whose converters run at a rate that no firmware reaches: prints
 * its port, then sends until its standard input ends. The low eight bits of a cell's counts number its samples. A line
 * on its standard input ends the samples: when the last one is on its way, it prints how many it has sent.
 */
const [rate = '320', baudRate = '500000'] = process.argv.slice(2);
const indices = new Uint32Array(8);
/** Longer than a sample waits for the others of its frame, and the frame for the line, ms. */
const drainMs = 100;
let sent = 0;
let mute = () => {};
const server = createServer((socket) => {
  socket.setNoDelay(true);
  const peer = new BridgePeer({
    clock: systemClock,
    trueRate: Number(rate),
    baudRate: Number(baudRate),
    counts: (channel) => {
      const index = indices[channel] ?? 0;
      indices[channel] = index + 1;
      return 80_128 + 256 * channel + (index & 0xff);
    },
    onSample: () => {
      sent += 1;
    },
  });
  mute = () => {
    peer.mute = true;
  };
  peer.opened({ send: (bytes) => socket.write(bytes) });
  socket.on('data', (bytes) => peer.received(bytes));
  socket.on('error', () => peer.closed());
  socket.on('close', () => {
    peer.reset(1, false);
    peer.closed();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`);
});
process.stdin.on('data', () => {
  mute();
  setTimeout(() => process.stdout.write(`${sent}\n`), drainMs);
});
process.stdin.on('end', () => process.exit(0));
