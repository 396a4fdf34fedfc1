import { createPrivateKey, sign as signBytes, timingSafeEqual, verify, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, writeFileAtomic } from '#base/atomic-file.ts';
import { plainCause } from '#base/system-error.ts';
import { hashClaim, makeClaim, readClaim } from '#identity/claim.ts';
import { renewalText, timeText } from '#identity/enrolment-text.ts';
import { makePrivateKey, readPublicKey } from '#identity/keys.ts';
import { isName } from '#uplink/topics.ts';
import { AuthorityBook, type CertificateRow } from './book.ts';
import {
  type CertifiedKey,
  makeDevice,
  makeIssuing,
  makeRevocationList,
  makeRoot,
  makeSerial,
  makeServer,
  readRequest,
  spanFrom,
} from './certificates.ts';
import { AuthorityError } from './errors.ts';

const days = (least: number, most: number, otherwise: number) =>
  z.number().int().min(least).max(most).default(otherwise);

const settingsSchema = z.strictObject({
  authority: z.literal(1),
  store: z.string(),
  /** Lifetimes, days. */
  deviceDays: days(1, 3_650, 365),
  serverDays: days(1, 3_650, 825),
  /** A certificate that is over may still be renewed for so long: carts stand in storage for a season. */
  renewGraceDays: days(0, 365, 30),
  /** The broker's address, told to devices with their certificate. */
  broker: z.string().optional(),
});
export type AuthoritySettings = z.infer<typeof settingsSchema>;

const rootDays = 7_300;
const issuingDays = 3_650;
/** A certificate is renewed when no more than two thirds of its life are left: whoever has a key can't hoard certificates. */
const renewFrom = 2 / 3;

/** Logins of the broker that have rights of their own: a device of such a name would get them. */
const reserved = new Set([
  ...['store', 'console', 'technician', 'authority', 'till', 'phone', 'broker', 'operator', 'admin'],
]);

/** What a device is given. */
export interface Issued {
  /** The device's certificate, then the issuing one. */
  readonly certificate: string;
  readonly serial: string;
  /** Root and issuing certificates. */
  readonly authority: string;
  readonly broker?: string | undefined;
  /** Certificates that ended with this one: whoever holds them has to be shut out. */
  readonly ended: readonly string[];
}

/** Makes the authority of a store in an empty folder: root, issuing key, record. Rejects with CW-CAU-001 or CW-CAU-002. */
export async function initAuthority(
  folder: string,
  store: string,
  nowMs: number,
  more: Partial<Pick<AuthoritySettings, 'deviceDays' | 'broker'>> = {},
): Promise<void> {
  const settingsPath = join(folder, 'authority.json');
  if ((await textOf(settingsPath)) !== undefined) {
    throw new AuthorityError('CW-CAU-002', `${folder} holds an authority already; it is never written over`);
  }
  const keys = { root: makePrivateKey('ES256').pem, issuing: makePrivateKey('ES256').pem };
  const root = await makeRoot(store, keys.root, spanFrom(nowMs, rootDays));
  const issuing = await makeIssuing(
    store,
    keys.issuing,
    { certificate: root, key: keys.root },
    spanFrom(nowMs, issuingDays),
  );
  const settings = settingsSchema.parse({ authority: 1, store, ...more });
  try {
    await makeFolder(folder, 0o700);
    await writeFileAtomic(join(folder, 'root-key.pem'), keys.root, 0o600);
    await writeFileAtomic(join(folder, 'issuing-key.pem'), keys.issuing, 0o600);
    await writeFileAtomic(join(folder, 'root.pem'), root, 0o644);
    await writeFileAtomic(join(folder, 'issuing.pem'), issuing, 0o644);
    // Last: a power cut before leaves a folder in which init is simply run again.
    await writeFileAtomic(settingsPath, `${JSON.stringify(settings, null, 2)}\n`, 0o600);
  } catch (cause) {
    throw new AuthorityError('CW-CAU-001', `${folder} can't be used: ${plainCause(cause)}`, { cause });
  }
}

async function textOf(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new AuthorityError('CW-CAU-001', `${path} can't be read: ${plainCause(cause)}`, { cause });
  });
}

/** The certificate authority of one store. Every change is in its record before anybody hears of it. */
export class Authority {
  readonly settings: AuthoritySettings;
  readonly book: AuthorityBook;
  /** PEM. */
  readonly root: string;
  readonly #issuing: CertifiedKey;

  /** Opens the authority of a folder. Rejects with CW-CAU-001, or CW-CAU-002 where there is none. */
  static async open(folder: string): Promise<Authority> {
    const [settings, root, certificate, key] = await Promise.all(
      ['authority.json', 'root.pem', 'issuing.pem', 'issuing-key.pem'].map((name) =>
        textOf(join(folder, name)),
      ),
    );
    if (settings === undefined) {
      throw new AuthorityError(
        'CW-CAU-002',
        `${folder} holds no authority; make one: scripts/cartwright authority init`,
      );
    }
    const read = settingsSchema.safeParse(jsonOf(settings));
    if (!read.success || root === undefined || certificate === undefined || key === undefined) {
      throw new AuthorityError('CW-CAU-001', `${folder} is not whole; bring it back from your backup of it`);
    }
    return new Authority(
      read.data,
      root,
      { certificate, key },
      new AuthorityBook(join(folder, 'authority.sqlite')),
    );
  }

  private constructor(settings: AuthoritySettings, root: string, issuing: CertifiedKey, book: AuthorityBook) {
    this.settings = settings;
    this.root = root;
    this.#issuing = issuing;
    this.book = book;
  }

  close(): void {
    this.book.close();
  }

  /** Issuing and root certificates, PEM: what brokers check devices with, and devices the broker. */
  get chain(): string {
    return this.#issuing.certificate + this.root;
  }

  /**
   * Makes a claim with which `device` may be enrolled, once. Throws CW-CAU-005 where the device has a certificate that is valid and
   * `replaces` was not said, or may not bear that name.
   * @param logins of the broker, beside those that it always has
   */
  claim(
    device: string,
    nowMs: number,
    validMs: number,
    replaces: boolean,
    logins: ReadonlySet<string> = new Set(),
  ): { readonly claim: string; readonly expiresMs: number } {
    if (!isName(device) || reserved.has(device) || logins.has(device)) {
      const why = isName(device)
        ? 'is the name of a login of the broker'
        : 'is not 1 to 64 of a-z, 0-9 and -';
      throw new AuthorityError('CW-CAU-005', `${JSON.stringify(device)} ${why}; give the device another one`);
    }
    const claim = makeClaim();
    const { id, hash } = hashClaim(readClaim(claim), this.settings.store);
    const expiresMs = nowMs + validMs;
    this.book.transaction(() => {
      if (!replaces && this.#live(device, nowMs).length > 0) {
        throw new AuthorityError(
          'CW-CAU-005',
          `${device} has a certificate that is valid; where this machine takes its place, say so (--replace): the former one is then shut out`,
        );
      }
      this.book.endClaims(device, nowMs);
      this.book.addClaim({ id, hash, device, replaces, madeMs: nowMs, expiresMs });
      this.book.note(
        'claim',
        device,
        { claim: id, expires: new Date(expiresMs).toISOString(), replaces },
        nowMs,
      );
    });
    return { claim, expiresMs };
  }

  /**
   * Certifies the key of a request for whoever has the claim. Asked again with the same claim and key it gives the same certificate:
   * an answer may be lost on its way. Rejects with CW-CAU-003 or CW-CAU-004.
   */
  async enrol(claim: string, device: string, request: Uint8Array, nowMs: number): Promise<Issued> {
    const { id, hash } = hashClaim(claim, this.settings.store);
    const spki = await this.#requested(request, device);
    this.#checkClaim(id, hash, device, spki, nowMs);
    const made = await this.#certify(device, spki, nowMs);
    return this.book.transaction(() => {
      const found = this.#checkClaim(id, hash, device, spki, nowMs);
      if (found.given !== undefined) return this.#issued(found.given, []);
      const ended = this.#live(device, nowMs);
      for (const one of ended) this.book.revoke(one.serial, 'replaced', nowMs);
      this.book.addCertificate(made);
      this.book.useClaim(id, made.serial, nowMs);
      const serials = ended.map(({ serial }) => serial);
      this.book.note('enrolled', device, { claim: id, serial: made.serial, ended: serials }, nowMs);
      return this.#issued(made, serials);
    });
  }

  #checkClaim(
    id: string,
    hash: Buffer,
    device: string,
    spki: Uint8Array,
    nowMs: number,
  ): { readonly given?: CertificateRow } {
    const claim = this.book.claim(id);
    // A claim that nobody made is compared as well, so that all refusals take the same time.
    const isSame = timingSafeEqual(claim?.hash ?? Buffer.alloc(hash.length), hash);
    const given = claim?.serial === undefined ? undefined : this.book.certificate(claim.serial);
    const again =
      given !== undefined && Buffer.compare(given.spki, spki) === 0 && given.revokedMs === undefined;
    const holds =
      claim !== undefined &&
      isSame &&
      claim.device === device &&
      (again || (given === undefined && claim.expiresMs > nowMs));
    if (!holds) {
      const why =
        claim === undefined || claim.device !== device ? 'unknown' : given === undefined ? 'expired' : 'used';
      // Of claims that are nobody's there is no record: anybody could fill it.
      if (claim !== undefined)
        this.book.note('refused', claim.device, { claim: claim.id, why, device }, nowMs);
      throw new AuthorityError(
        'CW-CAU-003',
        'the claim does not hold: it is wrong, of another device, over, or was used; have a fresh one made (authority claim)',
      );
    }
    const live = this.#live(device, nowMs);
    if (!again && !claim.replaces && live.length > 0) {
      throw new AuthorityError(
        'CW-CAU-003',
        'the claim replaces nothing, and the device has a certificate by now',
      );
    }
    return again ? { given } : {};
  }

  /**
   * Certifies a new key for a device that proves its present one: `signature` by that key over the request. Rejects with CW-CAU-004
   * or CW-CAU-006.
   */
  async renew(
    certificatePem: string,
    request: Uint8Array,
    signature: Uint8Array,
    nowMs: number,
  ): Promise<Issued> {
    const present = this.#presented(certificatePem);
    const { store, renewGraceDays } = this.settings;
    const proves = verify(
      'sha256',
      renewalText(store, present.name, request),
      { key: new X509Certificate(present.pem).publicKey, dsaEncoding: 'ieee-p1363' },
      signature,
    );
    if (!proves) throw renewal('the request is not signed by the key of that certificate');
    if (present.revokedMs !== undefined) throw renewal('the certificate is revoked; a fresh claim is needed');
    const spki = await this.#requested(request, present.name);
    const before = this.#successor(present, spki);
    if (before !== undefined) return this.#issued(before, []);
    const life = present.toMs - present.fromMs;
    if (present.toMs - nowMs > life * renewFrom)
      throw renewal('it is too early: two thirds of its life are still left');
    if (nowMs > present.toMs + renewGraceDays * 86_400_000) {
      throw renewal(`the certificate was over more than ${renewGraceDays} days ago; a fresh claim is needed`);
    }
    const made = { ...(await this.#certify(present.name, spki, nowMs)), renews: present.serial };
    return this.book.transaction(() => {
      const again = this.#successor(present, spki);
      if (again !== undefined) return this.#issued(again, []);
      if (this.book.certificate(present.serial)?.revokedMs !== undefined)
        throw renewal('the certificate is revoked');
      this.book.addCertificate(made);
      this.book.note('renewed', present.name, { serial: made.serial, renews: present.serial }, nowMs);
      return this.#issued(made, []);
    });
  }

  #presented(pem: string): CertificateRow {
    let serial = '';
    try {
      const presented = new X509Certificate(pem);
      serial = presented.serialNumber.toLowerCase();
      const known = this.book.certificate(serial);
      if (known?.kind === 'device' && new X509Certificate(known.pem).raw.equals(presented.raw)) return known;
    } catch {
      // Told like one that is not known.
    }
    throw renewal('this authority gave no such certificate');
  }

  /** What was given before for the same wish. */
  #successor({ serial, name }: CertificateRow, spki: Uint8Array): CertificateRow | undefined {
    return this.book
      .certificates(name)
      .find(
        (one) => one.renews === serial && one.revokedMs === undefined && Buffer.compare(one.spki, spki) === 0,
      );
  }

  /** Revokes all certificates and claims of a device. Answers with the serial numbers that were valid until now. */
  revoke(device: string, why: string, nowMs: number): readonly string[] {
    return this.book.transaction(() => {
      const all = this.book.certificates(device).filter(({ revokedMs }) => revokedMs === undefined);
      for (const { serial } of all) this.book.revoke(serial, why, nowMs);
      this.book.endClaims(device, nowMs);
      const serials = all.map(({ serial }) => serial);
      this.book.note('revoked', device, { why, serials }, nowMs);
      return serials;
    });
  }

  /** A new key and certificate for a server of the store, such as the broker. The key is not kept here. */
  async server(names: readonly string[], nowMs: number): Promise<CertifiedKey> {
    const { key, pem } = makePrivateKey('ES256');
    const { spki } = key.publicKey;
    const serial = makeSerial();
    const span = spanFrom(nowMs, this.settings.serverDays);
    const certificate = await makeServer({ names, spki, serial }, this.#issuing, span);
    const name = names[0] ?? '';
    this.book.transaction(() => {
      this.book.addCertificate({ serial, kind: 'server', name, spki, pem: certificate, ...span });
      this.book.note('server', undefined, { serial, names }, nowMs);
    });
    return { certificate: certificate + this.#issuing.certificate, key: pem };
  }

  /** Certificates of servers that nothing newer of their name has followed, and that end within so many days. */
  serversEnding(nowMs: number, days: number): readonly CertificateRow[] {
    const newest = new Map<string, CertificateRow>();
    for (const one of this.book.certificates()) if (one.kind === 'server') newest.set(one.name, one);
    return [...newest.values()].filter(({ toMs }) => toMs - nowMs < days * 86_400_000);
  }

  /** The list of revoked certificates that are not over anyway, PEM. */
  async revocationList(nowMs: number): Promise<string> {
    const revoked = this.book
      .certificates()
      .filter(({ toMs }) => toMs + this.settings.renewGraceDays * 86_400_000 > nowMs)
      .flatMap(({ serial, revokedMs }) => (revokedMs === undefined ? [] : [{ serial, atMs: revokedMs }]));
    return await makeRevocationList(revoked, this.#issuing, nowMs);
  }

  /** Devices that had certificates and have none that counts any more. */
  shutOut(nowMs: number): readonly string[] {
    const all = this.book.certificates().filter(({ kind }) => kind === 'device');
    const revoked = new Set(all.filter(({ revokedMs }) => revokedMs !== undefined).map(({ name }) => name));
    return [...revoked].filter((name) => this.#live(name, nowMs).length === 0).sort();
  }

  /** The time, signed for whoever drew `nonce`. */
  time(nonce: string, nowMs: number): { readonly timeMs: number; readonly signature: string } {
    const signature = signBytes('sha256', timeText(this.settings.store, nonce, nowMs), {
      key: createPrivateKey(this.#issuing.key),
      dsaEncoding: 'ieee-p1363',
    });
    return { timeMs: nowMs, signature: signature.toString('base64') };
  }

  #live(device: string, nowMs: number): CertificateRow[] {
    return this.book
      .certificates(device)
      .filter(({ revokedMs, toMs }) => revokedMs === undefined && toMs > nowMs);
  }

  async #requested(request: Uint8Array, device: string): Promise<Uint8Array> {
    const read = await readRequest(request);
    if (read === undefined || read.name !== device) {
      const why =
        read === undefined ? 'it is damaged, or not signed by its own key' : 'it is for another name';
      throw new AuthorityError('CW-CAU-004', `the certificate request can't be used: ${why}`);
    }
    try {
      if (readPublicKey(read.spki).algorithm === 'ES256') return read.spki;
    } catch {
      // Told below.
    }
    throw new AuthorityError('CW-CAU-004', "the certificate request can't be used: its key is not of P-256");
  }

  async #certify(device: string, spki: Uint8Array, nowMs: number): Promise<CertificateRow> {
    const { store, deviceDays } = this.settings;
    const serial = makeSerial();
    const span = spanFrom(nowMs, deviceDays);
    const pem = await makeDevice({ store, device, spki, serial }, this.#issuing, span);
    return { serial, kind: 'device', name: device, spki, pem, ...span };
  }

  #issued({ pem, serial }: CertificateRow, ended: readonly string[]): Issued {
    const { broker } = this.settings;
    const certificate = pem + this.#issuing.certificate;
    return { certificate, serial, authority: this.chain, ...(broker === undefined ? {} : { broker }), ended };
  }
}

function renewal(why: string): AuthorityError {
  return new AuthorityError('CW-CAU-006', `the certificate can't be renewed: ${why}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
