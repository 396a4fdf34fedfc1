import { createHash, randomInt } from 'node:crypto';
import { z } from 'zod';
import { IdentityError } from './errors.ts';

/** Crockford's base 32: nothing in it looks like something else. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 23 letters are 115 bits; the last one checks them. */
const secretLetters = 23;
const groupLetters = 4;
/** x⁵ + x² + 1, primitive over GF(2): the powers of x run through all 31 elements but zero. */
const polynomial = 0b100101;

/** a · x in GF(32). */
const timesX = (a: number) => ((a << 1) & 0b100000 ? (a << 1) ^ polynomial : a << 1);

/**
 * Σ aᵢ·xⁱ over GF(32) by Horner: neighbours have different factors, so one wrong letter and two that changed places are both
 * found, always.
 */
function checkOf(values: readonly number[]): number {
  return values.reduce((sum, value) => timesX(sum) ^ value, 0);
}

/** A new one-time claim, in groups of four: `7K3M-…`. 115 random bits and a check letter. */
export function makeClaim(): string {
  const values = Array.from({ length: secretLetters }, () => randomInt(alphabet.length));
  // Last of Horner's sum, so that the sum over all letters is zero.
  const letters = [...values, timesX(checkOf(values))].map((value) => alphabet[value]).join('');
  return letters.match(new RegExp(`.{${groupLetters}}`, 'g'))?.join('-') ?? letters;
}

/**
 * A claim as somebody typed it (any case, with or without dashes and blanks, O for 0, I or L for 1), without dashes.
 * Throws CW-IDN-015, which never says what was typed.
 */
export function readClaim(text: string): string {
  const plain = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  const values = [...plain].map((letter) => alphabet.indexOf(letter));
  if (plain.length !== secretLetters + 1 || values.includes(-1)) {
    throw new IdentityError(
      'CW-IDN-015',
      `the claim has ${plain.length} letters, or some that no claim has; it is ${secretLetters + 1} letters and digits in groups of four`,
    );
  }
  if (checkOf(values) !== 0) {
    throw new IdentityError('CW-IDN-015', 'the claim is mistyped: its last letter does not fit the others');
  }
  return plain;
}

/** What the authority keeps of a claim: `id` finds it, `hash` is what is compared. Neither leads back to it. */
export function hashClaim(claim: string, store: string): { readonly id: string; readonly hash: Buffer } {
  const digest = (use: string) =>
    createHash('sha256').update(`cartwright ${use}\0${store}\0${claim}`).digest();
  return { id: digest('claim id').toString('hex').slice(0, 16), hash: digest('claim') };
}

const name = z.string().regex(/^[a-z0-9-]{1,64}$/, 'must be 1 to 64 of a-z, 0-9 and -');
const claimFileSchema = z.strictObject({
  claimFile: z.literal(1).optional(),
  authority: z.url({ protocol: /^https$/ }).describe('Address of the enrolment service.'),
  fingerprint: z
    .string()
    .regex(/^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/, 'must be a SHA-256: 64 hexadecimal digits')
    .transform(readFingerprint),
  store: name,
  device: name,
  claim: z.string().max(64),
  broker: z.string().max(256).optional(),
});

/** What a device needs to become one of the store's: the authority's address, how to know it, who it is to be, and the claim. */
export type ClaimFile = z.infer<typeof claimFileSchema>;

/** A SHA-256 as people write it, as 64 lower-case digits. */
function readFingerprint(text: string): string {
  return text.replaceAll(':', '').toLowerCase();
}

/** Checks what a claim file says, or what was given by hand. Throws CW-IDN-015. */
export function checkClaim(value: unknown): ClaimFile {
  const result = claimFileSchema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new IdentityError(
      'CW-IDN-015',
      `this is no claim for a device: ${issue?.path.join('.') || 'it'} ${issue?.message ?? ''}`,
    );
  }
  return { ...result.data, claim: readClaim(result.data.claim) };
}

/** Reads a claim file. Throws CW-IDN-015. */
export function readClaimFile(text: string): ClaimFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // JSON.parse quotes what it read, and that may be the claim.
    throw new IdentityError('CW-IDN-015', 'the claim file is not JSON; have it made again');
  }
  return checkClaim(value);
}

/** The text of a claim file, for the boot partition or a USB stick. */
export function writeClaimFile(file: ClaimFile): string {
  return `${JSON.stringify({ claimFile: 1, ...file }, null, 2)}\n`;
}
