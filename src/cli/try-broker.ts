import { connect } from 'node:tls';
import { plainCause } from '#base/system-error.ts';
import type { KeyAndCertificate } from '#identity/credentials.ts';
import { IdentityError } from '#identity/errors.ts';

const withinMs = 15_000;
const securePort = 8883;

/**
 * Shows that the broker takes a certificate, without a word of MQTT: a second connection of this device would end the one that its
 * gateway has. TLS 1.2, since there the handshake is over only when the broker has judged the certificate. Resolves with the end of
 * the broker's own certificate, UTC ms; undefined for an address without TLS. Rejects with the connection's own error.
 */
export async function greetBroker(
  url: string,
  pair: KeyAndCertificate,
  authority: string,
): Promise<number | undefined> {
  const { hostname, port, protocol } = new URL(url);
  if (protocol !== 'mqtts:') return undefined;
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
    return Date.parse(socket.getPeerCertificate().valid_to);
  } finally {
    socket.destroy();
  }
}

/** Tries a certificate that is not in force yet, as `greetBroker`. Rejects with CW-IDN-022. */
export async function tryBroker(url: string, pair: KeyAndCertificate, authority: string): Promise<void> {
  await greetBroker(url, pair, authority).catch((cause: unknown) => {
    throw new IdentityError(
      'CW-IDN-022',
      `${url} does not take the new certificate yet: ${plainCause(cause)}. The former one stays in use, the new one waits; it is tried again with the next renewal`,
      { cause },
    );
  });
}
