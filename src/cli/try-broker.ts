import { connect } from 'node:tls';
import { plainCause } from '#base/system-error.ts';
import type { KeyAndCertificate } from '#identity/credentials.ts';
import { IdentityError } from '#identity/errors.ts';

const withinMs = 15_000;
const securePort = 8883;

/**
 * Shows that the broker takes a certificate, without a word of MQTT: a second connection of this device would end the one that its
 * gateway has. TLS 1.2, since there the handshake is over only when the broker has judged the certificate. Rejects with CW-IDN-022.
 */
export async function tryBroker(url: string, pair: KeyAndCertificate, authority: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== 'mqtts:') return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? securePort : Number(port),
    ca: authority,
    cert: pair.certificate,
    key: pair.key,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    timeout: withinMs,
    ...(/^[\d.]+$|:/.test(hostname) ? {} : { servername: hostname }),
  });
  socket.once('secureConnect', () => resolve());
  socket.once('timeout', () => reject(new Error(`no answer within ${withinMs / 1_000} s`)));
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the broker closed the connection')));
  try {
    await promise;
  } catch (cause) {
    throw new IdentityError(
      'CW-IDN-022',
      `${url} does not take the new certificate yet: ${plainCause(cause)}. The former one stays in use, the new one waits; it is tried again with the next renewal`,
      { cause },
    );
  } finally {
    socket.destroy();
  }
}
