import type { Logger } from '#base/log.ts';
import type { EmbeddedBroker } from '#uplink/embedded-broker.ts';
import { GatewayError } from './errors.ts';

/** Serves a broker on loopback at the port of `url` (port 0 takes a free one); the answer has its real address. */
export async function startEmbeddedBroker(url: string, log: Logger): Promise<EmbeddedBroker> {
  const { hostname, port } = new URL(url);
  if (hostname !== '127.0.0.1' && hostname !== 'localhost') {
    throw new GatewayError(
      'CW-GWY-005',
      `broker.embedded serves loopback only, and broker.url is ${url}; use mqtt://127.0.0.1:PORT`,
    );
  }
  // Loaded only where it is wanted: on a cart it is not.
  const { startBroker } = await import('#uplink/embedded-broker.ts');
  const broker = await startBroker({ port: port === '' ? 1883 : Number(port) });
  log.info({ url: broker.url }, 'embedded broker');
  return broker;
}
