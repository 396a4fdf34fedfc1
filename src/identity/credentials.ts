import { X509Certificate } from 'node:crypto';
import { lstat, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder, syncFolder, writeFileAtomic } from '#base/atomic-file.ts';
import { plainCause } from '#base/system-error.ts';
import { IdentityError } from './errors.ts';

const hashes = z
  .array(z.string().regex(/^[0-9a-f]{64}$/))
  .max(32)
  .readonly()
  .optional();

/** What a device knows of its own identity beside key and certificate. Nothing in it is secret. */
const identitySchema = z.strictObject({
  identity: z.literal(1),
  store: z.string(),
  device: z.string(),
  /** Address of the enrolment service, and SHA-256 of the root certificate behind it. */
  authority: z.string(),
  fingerprint: z.string(),
  broker: z.string().optional(),
  hardware: z.strictObject({ salt: z.string(), board: hashes, network: hashes, storage: hashes }),
  /** When it was provisioned by the authority's clock, UTC ms. */
  provisionedMs: z.number().int(),
});
export type DeviceIdentity = z.infer<typeof identitySchema>;

export const identityFile = 'identity.json';
const names = { key: 'device-key.pem', certificate: 'device.pem', authority: 'store-ca.pem' } as const;
const current = 'current';
const generationName = /^generation-(\d{1,9})$/;

/** A key and the chain of its certificate, PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

/**
 * The folder of a device's credentials. Key and certificate lie in `generation-N/`; `current` is a link to the one in force, and
 * `device-key.pem`, `device.pem` are links through it: one rename replaces both, wherever power is cut.
 */
export class Credentials {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Undefined where this device has none. Rejects with CW-IDN-019 where it can't be read. */
  async identity(): Promise<DeviceIdentity | undefined> {
    const text = await this.#read(identityFile);
    return text === undefined ? undefined : readIdentity(text, join(this.folder, identityFile));
  }

  /** Key and certificate in force; undefined where there are none. Rejects with CW-IDN-019. */
  async inForce(): Promise<KeyAndCertificate | undefined> {
    const [key, certificate] = [await this.#read(names.key), await this.#read(names.certificate)];
    return key === undefined || certificate === undefined ? undefined : { key, certificate };
  }

  /** Root and issuing certificates of the store's authority, PEM. */
  async authority(): Promise<string | undefined> {
    return await this.#read(names.authority);
  }

  /** The key that waits for its certificate; `prepare` makes one where there is none. It outlasts every power cut. */
  async pendingKey(prepare: () => string): Promise<string> {
    const path = join(this.folder, 'pending', names.key);
    const present = await this.#read('pending', names.key);
    if (present !== undefined) return present;
    await makeFolder(join(this.folder, 'pending'), 0o700);
    const key = prepare();
    await writeFileAtomic(path, key, 0o600);
    return key;
  }

  /** The certificate that came for the pending key, and was not yet put in force. */
  async pendingCertificate(): Promise<string | undefined> {
    return await this.#read('pending', names.certificate);
  }

  async keepPendingCertificate(certificate: string): Promise<void> {
    await writeFileAtomic(join(this.folder, 'pending', names.certificate), certificate, 0o600);
  }

  async dropPending(): Promise<void> {
    await rm(join(this.folder, 'pending'), { recursive: true, force: true });
    await syncFolder(this.folder);
  }

  /** Puts a pair in force, with what belongs to it; the one before stays beside it, older ones go. */
  async adopt(pair: KeyAndCertificate, authority: string, identity: DeviceIdentity): Promise<void> {
    const generations = await this.#generations();
    const number = (generations.at(-1) ?? 0) + 1;
    const name = `generation-${number}`;
    await makeFolder(join(this.folder, name), 0o700);
    await writeFileAtomic(join(this.folder, name, names.key), pair.key, 0o600);
    await writeFileAtomic(join(this.folder, name, names.certificate), pair.certificate, 0o600);
    await writeFileAtomic(join(this.folder, names.authority), authority, 0o644);
    await writeFileAtomic(join(this.folder, identityFile), `${JSON.stringify(identity, null, 2)}\n`, 0o644);
    const before = await readlink(join(this.folder, current)).catch(() => undefined);
    await this.#link(name, current);
    for (const file of [names.key, names.certificate]) await this.#link(`${current}/${file}`, file);
    await syncFolder(this.folder);
    await this.dropPending();
    for (const old of generations) {
      if (`generation-${old}` !== before) {
        await rm(join(this.folder, `generation-${old}`), { recursive: true, force: true });
      }
    }
  }

  /** Removes all of it: the device is nobody's any more. Resolves with whether there was anything. */
  async wipe(): Promise<boolean> {
    const found = await readdir(this.folder).catch(() => []);
    const own = [...Object.values(names), identityFile, current, 'pending', 'claim.json', 'broker-password'];
    const mine = found.filter(
      (name) => own.includes(name) || generationName.test(name) || name.endsWith('.tmp'),
    );
    // The link in force first: half a wipe leaves no identity that could still be used.
    mine.sort((a, b) => Number(b === current) - Number(a === current));
    for (const name of mine) await rm(join(this.folder, name), { recursive: true, force: true });
    if (mine.length > 0) await syncFolder(this.folder);
    return mine.length > 0;
  }

  async #link(target: string, name: string): Promise<void> {
    const path = join(this.folder, name);
    const isRight = await readlink(path).then(
      (found) => found === target,
      () => false,
    );
    if (isRight) return;
    await rm(`${path}.tmp`, { force: true });
    await symlink(target, `${path}.tmp`);
    await rename(`${path}.tmp`, path);
  }

  async #generations(): Promise<number[]> {
    const found = await readdir(this.folder).catch(() => []);
    return found
      .map((name) => Number(generationName.exec(name)?.[1] ?? Number.NaN))
      .filter((number) => !Number.isNaN(number))
      .sort((a, b) => a - b);
  }

  async #read(...path: readonly string[]): Promise<string | undefined> {
    const file = join(this.folder, ...path);
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new IdentityError('CW-IDN-019', `${file} can't be read: ${plainCause(cause)}`, { cause });
    }
  }
}

/** Reads the text of identity.json. Throws CW-IDN-019. */
export function readIdentity(text: string, path: string): DeviceIdentity {
  try {
    return identitySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new IdentityError(
      'CW-IDN-019',
      `${path} is damaged; provision this device again with a fresh claim (scripts/provision)`,
      { cause },
    );
  }
}

/** Makes the folder of credentials where it is missing, for its owner alone. Rejects with CW-IDN-019. */
export async function openCredentials(folder: string): Promise<Credentials> {
  try {
    await makeFolder(folder, 0o700);
    const { mode } = await lstat(folder);
    if ((mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8);
      throw new IdentityError(
        'CW-IDN-019',
        `${folder} can be read by others (mode ${shown}): chmod 700 ${folder}`,
      );
    }
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw new IdentityError('CW-IDN-019', `${folder} can't be used: ${plainCause(cause)}`, { cause });
  }
  return new Credentials(folder);
}

/** From when to when the first certificate of a chain is valid, UTC ms, and its serial number. Throws CW-IDN-019. */
export function describeCertificate(pem: string): {
  readonly fromMs: number;
  readonly toMs: number;
  readonly serial: string;
} {
  try {
    const { validFrom, validTo, serialNumber } = new X509Certificate(pem);
    return { fromMs: Date.parse(validFrom), toMs: Date.parse(validTo), serial: serialNumber.toLowerCase() };
  } catch (cause) {
    throw new IdentityError('CW-IDN-019', 'the certificate is damaged; provision this device again', {
      cause,
    });
  }
}
