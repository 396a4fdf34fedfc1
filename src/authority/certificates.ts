import 'reflect-metadata';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from '@peculiar/x509';

/** ECDSA on P-256 with SHA-256: what every TLS stack of a store's machines takes, in few bytes. */
const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const { subtle } = webcrypto;
/** Extended key usages (RFC 5280 §4.2.1.12). */
const usage = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
/** A serial number of 16 random bytes, 127 bits (RFC 5280 §4.1.2.2 allows 20 octets). */
const serialBytes = 16;
/** What a certificate may be ahead of the clock of whoever checks it. */
const backdateMs = 5 * 60_000;

/** A certificate and the key that it certifies, PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A random serial number, lower-case hexadecimal: its first bit is 0, its first byte is not. */
export function makeSerial(): string {
  const bytes = randomBytes(serialBytes);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

/** From some minutes ago, so that a clock that is a little behind takes it. */
export function spanFrom(nowMs: number, days: number): Span {
  return { fromMs: nowMs - backdateMs, toMs: nowMs + days * 86_400_000 };
}

async function signingKey(pem: string) {
  const pkcs8 = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return await subtle.importKey('pkcs8', pkcs8, signingAlgorithm, false, ['sign']);
}

async function publicKeyOf(spki: Uint8Array) {
  return await subtle.importKey('spki', Buffer.from(spki), signingAlgorithm, true, ['verify']);
}

interface Subject {
  readonly name: string;
  readonly spki: Uint8Array;
  readonly serial: string;
  readonly span: Span;
  readonly extensions: readonly Extension[];
}

async function sign(
  subject: Subject,
  issuer: { readonly name: string; readonly key: string; readonly spki: Uint8Array },
) {
  const publicKey = await publicKeyOf(subject.spki);
  const issuerKey = await publicKeyOf(issuer.spki);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: subject.serial,
    subject: subject.name,
    issuer: issuer.name,
    notBefore: new Date(subject.span.fromMs),
    notAfter: new Date(subject.span.toMs),
    publicKey,
    signingKey: await signingKey(issuer.key),
    signingAlgorithm,
    extensions: [
      ...subject.extensions,
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuerKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

const authorityUsages = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature;

const spkiOf = (keyPem: string) => createPublicKey(keyPem).export({ format: 'der', type: 'spki' });

/** The root: signs the issuing key and nothing else. `store` is its name. */
export async function makeRoot(store: string, key: string, span: Span): Promise<string> {
  const name = `CN=Cartwright root of ${store}`;
  const extensions = [
    new BasicConstraintsExtension(true, 1, true),
    new KeyUsagesExtension(authorityUsages, true),
  ];
  const spki = spkiOf(key);
  return await sign({ name, spki, serial: makeSerial(), span, extensions }, { name, key, spki });
}

/** The certificate of the key that signs devices, brokers and revocations. */
export async function makeIssuing(
  store: string,
  key: string,
  root: CertifiedKey,
  span: Span,
): Promise<string> {
  const extensions = [
    new BasicConstraintsExtension(true, 0, true),
    new KeyUsagesExtension(authorityUsages, true),
  ];
  return await sign(
    { name: `CN=Cartwright issuing of ${store}`, spki: spkiOf(key), serial: makeSerial(), span, extensions },
    issuerOf(root),
  );
}

function issuerOf({ certificate, key }: CertifiedKey) {
  return { name: new X509Certificate(certificate).subject, key, spki: spkiOf(key) };
}

/** A device's certificate: it may prove itself to servers as `device`, and nothing else. */
export async function makeDevice(
  device: {
    readonly store: string;
    readonly device: string;
    readonly spki: Uint8Array;
    readonly serial: string;
  },
  issuing: CertifiedKey,
  span: Span,
): Promise<string> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage.client], true),
    new SubjectAlternativeNameExtension([{ type: 'url', value: deviceUri(device) }]),
  ];
  return await sign({ ...device, name: `CN=${device.device}`, span, extensions }, issuerOf(issuing));
}

/** A server's certificate (the broker, the enrolment service) for host names and addresses; its first one is its name. */
export async function makeServer(
  server: { readonly names: readonly string[]; readonly spki: Uint8Array; readonly serial: string },
  issuing: CertifiedKey,
  span: Span,
): Promise<string> {
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([usage.server], true),
    new SubjectAlternativeNameExtension(
      server.names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const),
    ),
  ];
  return await sign({ ...server, name: `CN=${server.names[0] ?? ''}`, span, extensions }, issuerOf(issuing));
}

/** `cartwright:STORE/DEVICE`, as it stands in a device's certificate. */
function deviceUri({ store, device }: { readonly store: string; readonly device: string }): string {
  return `cartwright:${store}/${device}`;
}

export interface Revocation {
  readonly serial: string;
  readonly atMs: number;
}

/**
 * The list of revoked certificates, PEM. Its own end is that of the issuing certificate: it is handed to the broker whenever it
 * changes, and one that had run out would shut out every device at once.
 */
export async function makeRevocationList(
  revoked: readonly Revocation[],
  issuing: CertifiedKey,
  nowMs: number,
): Promise<string> {
  const certificate = new X509Certificate(issuing.certificate);
  const list = await X509CrlGenerator.create({
    issuer: certificate.subject,
    thisUpdate: new Date(nowMs),
    nextUpdate: certificate.notAfter,
    signingAlgorithm,
    signingKey: await signingKey(issuing.key),
    extensions: [
      await AuthorityKeyIdentifierExtension.create(await publicKeyOf(spkiOf(issuing.key))),
      numberExtension(nowMs),
    ],
    entries: revoked.map(({ serial, atMs }) => ({
      serialNumber: serial,
      revocationDate: new Date(atMs),
      reason: X509CrlReason.cessationOfOperation,
    })),
  });
  return pem('X509 CRL', new Uint8Array(list.rawData));
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** A CRL number (RFC 5280 §5.2.3): the time of the list in s, which only grows. */
function numberExtension(nowMs: number): Extension {
  const number = Buffer.alloc(10);
  // DER: INTEGER of 8 bytes, its first bit 0.
  number.writeUInt16BE(0x0208);
  number.writeBigInt64BE((1n << 62n) | BigInt(Math.floor(nowMs / 1_000)), 2);
  return new Extension('2.5.29.20', false, number);
}

/** What a certificate request asks for: its name and its key. Undefined where it is none, or where its own signature does not hold. */
export async function readRequest(
  der: Uint8Array,
): Promise<{ readonly name: string; readonly spki: Uint8Array } | undefined> {
  try {
    const request = new Pkcs10CertificateRequest(Buffer.from(der));
    if (!(await request.verify())) return undefined;
    const name = request.subjectName.getField('CN')[0] ?? '';
    return { name, spki: new Uint8Array(request.publicKey.rawData) };
  } catch {
    return undefined;
  }
}
