import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { plainCause } from '#base/system-error.ts';
import { ConsoleError } from './errors.ts';

/** Browsers take certificates of at most 398 days. */
const validDays = 397;

/** Certificate and private key, PEM, and what a person can hold against what the browser shows. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** SHA-256 over the certificate, as browsers show it. */
  readonly fingerprint: string;
  readonly validTo: Date;
}

interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Makes a self-signed certificate for these names (host names or addresses) with the system's `openssl`, where the files are
 * not there yet: P-256, 397 days. Rejects with CW-CON-001.
 */
export async function makeCertificate(files: CertificateFiles, names: readonly string[]): Promise<boolean> {
  if ((await exists(files.certificate)) && (await exists(files.key))) return false;
  const alternatives = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',');
  for (const path of [files.certificate, files.key])
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-sha256',
  ];
  args.push('-days', String(validDays), '-subj', '/CN=Cartwright console');
  args.push('-addext', `subjectAltName=${alternatives}`, '-addext', 'extendedKeyUsage=serverAuth');
  args.push('-addext', 'basicConstraints=critical,CA:FALSE', '-keyout', files.key, '-out', files.certificate);
  try {
    await promisify(execFile)('openssl', args, { timeout: 30_000 });
    await chmod(files.key, 0o600);
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no program openssl' : plainCause(cause);
    throw new ConsoleError(
      'CW-CON-001',
      `a certificate can't be made: ${why}; install openssl, or give files with --certificate and --certificate-key`,
      { cause },
    );
  }
  return true;
}

/** Reads certificate (or chain) and key. Rejects with CW-CON-001 where they can't be read, are over, or don't belong together. */
export async function readCertificate(files: CertificateFiles, nowMs: number): Promise<Certificate> {
  try {
    const [cert, key] = await Promise.all([readFile(files.certificate), readFile(files.key)]);
    const { fingerprint256, validTo } = new X509Certificate(cert);
    const ends = new Date(validTo);
    if (ends.getTime() < nowMs) throw new Error(`${files.certificate} was valid until ${validTo}`);
    return { cert, key, fingerprint: fingerprint256, validTo: ends };
  } catch (cause) {
    throw new ConsoleError('CW-CON-001', `the certificate can't be used: ${plainCause(cause)}`, { cause });
  }
}
