import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { UplinkError } from './errors.ts';

export interface EmbeddedBroker {
  /** `mqtt://127.0.0.1:{port}` */
  readonly url: string;
  /** Ends all connections and frees the port. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves an MQTT 3.1.1 broker in this process, for demonstration and tests. It keeps nothing on disk and knows no
 * users, so it listens on loopback only. `port` 0 takes a free one. Rejects with CW-UPL-040.
 */
export async function startBroker(
  options: { readonly port?: number; readonly host?: '127.0.0.1' | '::1' } = {},
): Promise<EmbeddedBroker> {
  const host = options.host ?? '127.0.0.1';
  const broker = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    broker.handle(socket);
  });
  server.listen(options.port ?? 0, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    throw new UplinkError(
      'CW-UPL-040',
      `the embedded broker can not listen on ${host}:${options.port ?? 0} (${error instanceof Error ? error.message : String(error)}); end what holds the port, or name another one`,
      { cause: error },
    );
  }
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  let closing: Promise<void> | undefined;
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close() {
      closing ??= close();
      return closing;
    },
  };
}
