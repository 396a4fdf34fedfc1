import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { IdentityError } from './errors.ts';

/** A file of a backup: where it belongs (`credentials/…`, `configuration/…`, `calibrations/…`) and what is in it. */
export interface BackupFile {
  readonly path: string;
  readonly data: Buffer;
}

/** What a backup holds: whole, or not at all. */
export interface Backup {
  readonly store: string;
  readonly device: string;
  readonly madeMs: number;
  readonly software: string;
  readonly files: readonly BackupFile[];
}

const magic = Buffer.from('CWBACKUP');
const version = 1;
/** scrypt (RFC 7914) at 64 MiB: a guess costs a tenth of a second and that much memory. */
const cost = { log2N: 16, r: 8, p: 1 } as const;
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = magic.length + 4 + saltBytes + nonceBytes;
/** A device's own files are some hundred KiB. */
const mostBytes = 64 * 1024 * 1024;
/** Shorter ones are guessed. */
export const shortestPassphrase = 12;

const safePath = /^(?:credentials|configuration|calibrations)\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const schema = z.strictObject({
  backup: z.literal(1),
  store: z.string(),
  device: z.string(),
  madeMs: z.number().int(),
  software: z.string(),
  files: z
    .array(z.strictObject({ path: z.string().regex(safePath), data: z.base64() }))
    .max(2_000)
    .refine((files) => new Set(files.map(({ path }) => path)).size === files.length, 'has a file twice'),
});

/**
 * Seals a backup with a passphrase: scrypt, then AES-256-GCM over all of it, its header included.
 * @param log2N cost of a guess, 14 to 17
 */
export async function sealBackup(
  backup: Backup,
  passphrase: string,
  log2N: number = cost.log2N,
): Promise<Buffer> {
  const files = backup.files.map(({ path, data }) => ({ path, data: data.toString('base64') }));
  const text = JSON.stringify({ backup: 1, ...backup, files });
  const nonce = randomBytes(nonceBytes);
  const salt = randomBytes(saltBytes);
  const header = Buffer.concat([magic, Buffer.from([version, log2N, cost.r, cost.p]), salt, nonce]);
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, salt, { ...cost, log2N }), nonce);
  cipher.setAAD(header);
  const packed = await promisify(gzip)(text);
  return Buffer.concat([header, cipher.update(packed), cipher.final(), cipher.getAuthTag()]);
}

/** Opens a backup. Rejects with CW-IDN-021: damaged, another passphrase, another version, or with paths that belong nowhere. */
export async function openBackup(bytes: Buffer, passphrase: string): Promise<Backup> {
  if (bytes.length < headerBytes + tagBytes || !bytes.subarray(0, magic.length).equals(magic)) {
    throw unreadable('it is no backup of Cartwright, or was cut off');
  }
  const [found, log2N = 0, r = 0, p = 0] = bytes.subarray(magic.length, magic.length + 4);
  if (found !== version) throw unreadable(`it is of version ${found}, this software reads ${version}`);
  // What it asks for is not believed: somebody else's file could ask for all the memory there is.
  if (log2N < 14 || log2N > 17 || r !== cost.r || p !== cost.p)
    throw unreadable('its parameters are not ones that are written');
  const header = bytes.subarray(0, headerBytes);
  const salt = header.subarray(magic.length + 4, magic.length + 4 + saltBytes);
  const decipher = createDecipheriv(
    'aes-256-gcm',
    await keyOf(passphrase, salt, { log2N, r, p }),
    header.subarray(-nonceBytes),
    {
      authTagLength: tagBytes,
    },
  );
  decipher.setAAD(header);
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    const packed = Buffer.concat([decipher.update(bytes.subarray(headerBytes, -tagBytes)), decipher.final()]);
    const text = await promisify(gunzip)(packed, { maxOutputLength: mostBytes });
    const { files, backup: _backup, ...facts } = schema.parse(JSON.parse(text.toString('utf8')));
    return { ...facts, files: files.map(({ path, data }) => ({ path, data: Buffer.from(data, 'base64') })) };
  } catch (cause) {
    throw unreadable('another passphrase, or it is damaged', cause);
  }
}

async function keyOf(
  passphrase: string,
  salt: Uint8Array,
  { log2N, r, p }: { readonly log2N: number; readonly r: number; readonly p: number },
): Promise<Buffer> {
  const N = 2 ** log2N;
  const options = { N, r, p, maxmem: 256 * N * r };
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(passphrase.normalize('NFC'), salt, 32, options, (error, key) =>
    error === null ? resolve(key) : reject(error),
  );
  return await promise;
}

function unreadable(why: string, cause?: unknown): IdentityError {
  return new IdentityError('CW-IDN-021', `the backup can't be read: ${why}; nothing was changed`, { cause });
}
