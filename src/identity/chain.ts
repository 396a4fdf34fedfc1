import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { certificatesOf } from './enrolment-text.ts';
import { IdentityError } from './errors.ts';

/** A chain whose signatures hold, up to the root that was named beforehand. */
export interface Chain {
  readonly leaf: X509Certificate;
  readonly issuing: X509Certificate;
  readonly root: X509Certificate;
}

const usages = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** A certificate's SHA-256, 64 lower-case digits. */
export function fingerprintOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

function untrusted(why: string): IdentityError {
  return new IdentityError(
    'CW-IDN-017',
    `what answers is not the store's authority: ${why}. Nothing was sent to it; check address and fingerprint (authority show)`,
  );
}

/**
 * Follows leaf → issuing → root by their signatures. The root is believed by its SHA-256 alone; of times nothing is asked yet, since a
 * device may not know the time. Throws CW-IDN-017.
 * @param certificates PEM or DER, in any order but the leaf first
 */
export function followChain(
  certificates: readonly (string | Uint8Array)[],
  fingerprint: string,
  use: keyof typeof usages,
): Chain {
  const read = certificates.slice(0, 8).map((one) => {
    try {
      return new X509Certificate(typeof one === 'string' ? one : Buffer.from(one));
    } catch {
      throw untrusted('it shows a certificate that can not be read');
    }
  });
  const [leaf, ...others] = read;
  if (leaf === undefined) throw untrusted('it shows no certificate');
  const root = others.find((one) => fingerprintOf(one) === fingerprint);
  if (root === undefined) throw untrusted('its root certificate has another fingerprint than the one given');
  if (!isAuthority(root) || !signs(root, root)) throw untrusted('its root certificate is no authority');
  const issuing = others.find(
    (one) => one !== root && isAuthority(one) && signs(root, one) && signs(one, leaf),
  );
  if (issuing === undefined) throw untrusted('the root certificate did not vouch for it');
  if (leaf.ca || leaf.keyUsage?.includes(usages[use]) !== true) {
    throw untrusted(`its certificate is not one for a ${use}`);
  }
  return { leaf, issuing, root };
}

function isAuthority(certificate: X509Certificate): boolean {
  return certificate.ca;
}

function signs(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey as KeyObject);
}

/** Throws CW-IDN-017 where the chain's server is not called `host`. */
export function checkHost({ leaf }: Chain, host: string): void {
  const plain = host.replace(/^\[|\]$/g, '');
  const found = isIP(plain) === 0 ? leaf.checkHost(plain, { subject: 'never' }) : leaf.checkIP(plain);
  if (found === undefined)
    throw untrusted(`its certificate is for ${leaf.subjectAltName ?? 'nobody'}, not for ${plain}`);
}

/** Throws CW-IDN-017 where one of the chain's certificates is not valid at that time. */
export function checkTimes({ leaf, issuing, root }: Chain, nowMs: number): void {
  for (const one of [leaf, issuing, root]) {
    if (nowMs < Date.parse(one.validFrom) || nowMs > Date.parse(one.validTo)) {
      const now = new Date(nowMs).toISOString();
      throw untrusted(`${one.subject} is valid from ${one.validFrom} to ${one.validTo}, and it is ${now}`);
    }
  }
}

/** The certificates of a PEM text after which a device can be asked for: leaf, issuing and root. */
export function followPem(pem: string, fingerprint: string, use: keyof typeof usages): Chain {
  return followChain(certificatesOf(pem), fingerprint, use);
}
