import { connect } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { plainCause } from '#base/system-error.ts';
import { DriverError } from '../errors.ts';
import { PortFeed } from './feed.ts';
import type { BytePort } from './ports.ts';

/** A connection that isn't up after this long is given up, µs. */
const connectWithinUs = 5_000_000;
/** After this long without a byte the kernel asks whether the other end still is there, ms. */
const keepAliveMs = 5_000;

/**
 * A TCP connection as a stream of bytes. Rejects with CW-DRV-004 where nobody answers; is lost with CW-DRV-005 when
 * the other end hangs up or can't be reached any more.
 */
export function openTcp(host: string, port: number, clock: Clock): Promise<BytePort> {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    });
    const refuse = (why: string, cause?: unknown) => {
      cancel();
      socket.destroy();
      const message = `nothing can be reached at ${address}: ${why}; check its power, network and port number`;
      reject(new DriverError('CW-DRV-004', message, { cause }));
    };
    const cancel = clock.after(connectWithinUs, () => refuse(`no answer within ${connectWithinUs / 1e6} s`));
    const refused = (error: Error) => refuse(plainCause(error), error);
    socket.once('error', refused);
    socket.once('connect', () => {
      cancel();
      socket.off('error', refused);
      const feed = new PortFeed<Uint8Array>((bytes) => bytes.length);
      const lost = (why: string, cause?: unknown) => {
        feed.lose(new DriverError('CW-DRV-005', `the connection to ${address} is lost: ${why}`, { cause }));
        socket.destroy();
      };
      socket.on('data', (bytes) => feed.push(bytes, clock.nowUs()));
      socket.on('error', (error) => lost(plainCause(error), error));
      socket.on('end', () => lost('the other end hung up'));
      socket.on('close', () => lost('it was closed'));
      resolve({
        identity: { address },
        listen: (listener) => feed.listen(listener),
        write: (bytes) =>
          new Promise((done, failed) => {
            const gone = (cause?: unknown) =>
              failed(
                feed.error ??
                  new DriverError('CW-DRV-005', `the connection to ${address} is closed`, { cause }),
              );
            if (feed.ended) return gone();
            socket.write(bytes, (error) => (error == null ? done() : gone(error)));
          }),
        close: () =>
          new Promise((done) => {
            feed.close();
            if (socket.closed) return done();
            socket.once('close', () => done());
            socket.destroy();
          }),
      });
    });
  });
}
