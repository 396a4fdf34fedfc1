import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describeError } from '#base/errors.ts';
import { UplinkError } from './errors.ts';

/** Files in PEM, read at each connection, so that new ones need no restart. */
export interface TlsFiles {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Begins to connect to mqtt:// or mqtts://. Throws where the address or a file is not usable. */
export function openSocket(address: string, tls: TlsFiles | undefined): Socket {
  const url = new URL(address);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.protocol === 'mqtt:') return connectTcp({ host, port: Number(url.port || 1883) });
  if (url.protocol !== 'mqtts:') throw new Error(`the scheme ${url.protocol} is not mqtt: or mqtts:`);
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  return connectTls({
    host,
    port: Number(url.port || 8883),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: read(tls?.caFile),
    cert: read(tls?.certFile),
    key: read(tls?.keyFile),
    minVersion: 'TLSv1.2',
  });
}

/** Codes of OpenSSL's handshake and of its verification of certificates (https://nodejs.org/api/tls.html). */
export function isTlsError(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return /^(ERR_SSL_|ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_)/.test(code);
}

/** CW-UPL-020 */
export function unreachable(url: string, error: Error): UplinkError {
  return new UplinkError(
    'CW-UPL-020',
    `${url} can not be reached (${describeError(error)}); events wait on disk. Check the network and broker.url`,
    { details: { url } },
  );
}

/** CW-UPL-032 */
export function distrust(url: string, error: Error): UplinkError {
  return new UplinkError(
    'CW-UPL-032',
    `TLS with ${url} failed (${describeError(error)}); events wait on disk. Check broker.caFile, broker.certFile, broker.keyFile, the broker's certificate and the clock`,
    { cause: error, details: { url } },
  );
}

/** CW-UPL-031 */
export function unusable(url: string, error: unknown): UplinkError {
  return new UplinkError(
    'CW-UPL-031',
    `the settings of the broker ${JSON.stringify(url)} are not usable (${describeError(error)}); give mqtt://host:port or mqtts://host:port and readable files`,
    { cause: error, details: { url } },
  );
}
