import type { Logger } from '#base/log.ts';
import { startBroker } from '#uplink/embedded-broker.ts';
import { GatewayError } from './errors.ts';

/** Serves a broker on loopback at the port of `url`; the returned function ends it. */
export async function startEmbeddedBroker(url: string, log: Logger): Promise<() => Promise<void>> {
  const { hostname, port } = new URL(url);
  if (hostname !== '127.0.0.1' && hostname !== 'localhost') {
    throw new GatewayError(
      'CW-GWY-005',
      `broker.embedded serves loopback only, and broker.url is ${url}; use mqtt://127.0.0.1:PORT`,
    );
  }
  const broker = await startBroker({ port: port === '' ? 1883 : Number(port) });
  log.info({ url: broker.url }, 'embedded broker');
  return () => broker.close();
}
