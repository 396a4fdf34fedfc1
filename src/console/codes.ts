import { createHmac, pbkdf2, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { type Role, roles } from '#identity/key-list.ts';
import { ConsoleError } from './errors.ts';

/** Crockford's base 32: nothing in it looks like something else. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 40 bits; with what follows nobody guesses one in the time it is valid, on line or off. */
const codeLetters = 8;
const codeValidMs = 10 * 60_000;
/**
 * What is kept of a code, and what proves it, is stretched: whoever listens between page and console (a certificate that was
 * waved through) would have to try 2^40 codes at this price within ten minutes.
 */
const stretchRounds = 200_000;
const proofKeyBytes = 32;

/** For whom a code enrols a key. */
export interface Invitation {
  readonly role: Role;
  /** Number of who will hold the key, never a name. */
  readonly who: string;
}

const fileSchema = z.strictObject({
  code: z.literal(1),
  role: z.enum(roles),
  who: z.string().max(64),
  expires: z.number().int(),
  proofKey: z.string().regex(/^[0-9a-f]{64}$/),
});
const fileName = /^[0-9a-f]{16}\.json$/;

/** The key that a code stands for (PBKDF2, RFC 8018; the salt binds it to the store). The code may be typed in any case, with or without dash. */
export async function stretchCode(code: string, store: string): Promise<Buffer> {
  const plain = code
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  const salt = Buffer.from(`cartwright console code\0${store}`);
  return await promisify(pbkdf2)(plain, salt, stretchRounds, proofKeyBytes, 'sha256');
}

/** What is proved, and signed, when the public key `spki` is enrolled in `store`. */
export function enrolmentText(store: string, spki: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`cartwright enrol\0${store}\0`), spki]);
}

/** The proof that whoever enrols `spki` knows the code: HMAC-SHA256. The code itself never travels. */
export function enrolmentProof(proofKey: Uint8Array, store: string, spki: Uint8Array): Buffer {
  return createHmac('sha256', proofKey).update(enrolmentText(store, spki)).digest();
}

/**
 * One-time codes, each a file that only its owner can read: the command that makes one and the console that takes it are
 * different processes, and either may be started again meanwhile. A file holds no code, only what proves one.
 */
export class CodeBook {
  readonly #folder: string;
  readonly #store: string;

  constructor(folder: string, store: string) {
    this.#folder = folder;
    this.#store = store;
  }

  /** Makes a code, valid for 10 minutes and once. */
  async issue(
    { role, who }: Invitation,
    nowMs: number,
  ): Promise<{ readonly code: string; readonly expires: number }> {
    const letters = Array.from({ length: codeLetters }, () => alphabet[randomInt(alphabet.length)]).join('');
    const code = `${letters.slice(0, 4)}-${letters.slice(4)}`;
    const expires = nowMs + codeValidMs;
    const proofKey = (await stretchCode(code, this.#store)).toString('hex');
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = join(this.#folder, `${randomBytes(8).toString('hex')}.json`);
    await writeFileAtomic(path, `${JSON.stringify({ code: 1, role, who, expires, proofKey })}\n`, 0o600);
    return { code, expires };
  }

  /**
   * Uses up the code that `proof` proves for this public key; codes that are over are removed. All are compared, in constant
   * time. Rejects with CW-CON-005 where none holds.
   */
  async redeem(spki: Uint8Array, proof: Uint8Array, nowMs: number): Promise<Invitation> {
    let found: { readonly path: string; readonly invitation: Invitation } | undefined;
    for (const { path, entry } of await this.#entries()) {
      if (entry === undefined || entry.expires < nowMs) {
        await unlink(path).catch(() => {});
        continue;
      }
      const expected = enrolmentProof(Buffer.from(entry.proofKey, 'hex'), this.#store, spki);
      if (proof.length === expected.length && timingSafeEqual(expected, proof)) {
        found = { path, invitation: { role: entry.role, who: entry.who } };
      }
    }
    // Of two that use the same code at once, one alone removes the file.
    const isMine =
      found !== undefined &&
      (await unlink(found.path).then(
        () => true,
        () => false,
      ));
    if (found === undefined || !isMine) {
      throw new ConsoleError(
        'CW-CON-005',
        'the code is wrong, was used before, or is over after 10 minutes; ask for another one (scripts/cartwright console code)',
      );
    }
    return found.invitation;
  }

  async #entries() {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const paths = names.filter((name) => fileName.test(name)).map((name) => join(this.#folder, name));
    return await Promise.all(
      paths.map(async (path) => {
        const text = await readFile(path, 'utf8').catch(() => '');
        return { path, entry: parsed(text) };
      }),
    );
  }
}

function parsed(text: string): z.infer<typeof fileSchema> | undefined {
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
