import { open, readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { plainCause } from '#base/system-error.ts';
import { IdentityError } from '#identity/errors.ts';
import { type KeyList, readKeyFile, writeKeyFile } from '#identity/key-list.ts';
import { type PrivateKey, type PublicKey, readPrivatePem, readPublicPem } from '#identity/keys.ts';
import { CliError } from './errors.ts';

/** Adds the option of every command that may have to sign what it sends. */
export function withKey(command: Command): Command {
  return command.option('-k, --key <file>', 'sign with this private key (see scripts/cartwright key)');
}

/**
 * The private key of a file that nobody else can read. Rejects with CW-CLI-004 where it can't be read, CW-IDN-007 where
 * others can read it, or it is no private key.
 */
export async function privateKeyOf(path: string): Promise<PrivateKey> {
  const text = await textOf(path);
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new IdentityError(
      'CW-IDN-007',
      `${path} can be read by others (mode ${(mode & 0o777).toString(8)}); a private key is its owner's alone: chmod 600 ${path}`,
    );
  }
  return readPrivatePem(text);
}

/** The public key of a PEM file, or the public half of a private one. Rejects with CW-CLI-004 or CW-IDN-007. */
export async function publicKeyOf(path: string): Promise<PublicKey> {
  return readPublicPem(await textOf(path));
}

/** Writes a file that must not be there yet. Rejects with CW-CLI-004. */
export async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it is there already; a key is never written over' : plainCause(cause);
    throw new CliError('CW-CLI-004', `${path} can't be written: ${why}`, { cause });
  }
}

/** A list of keys. Rejects with CW-CLI-004, CW-IDN-007 or CW-IDN-008. */
export async function listOf(path: string): Promise<KeyList> {
  return readKeyFile(await textOf(path));
}

/** A list of keys, or an empty one where there is no such file. Rejects as `listOf` does. */
export async function listOrNew(path: string): Promise<KeyList> {
  const isThere = await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
  return isThere ? await listOf(path) : { version: 0, issued: 0, keys: [] };
}

/** Writes the next version of a list, made now. Rejects with CW-CLI-004. */
export async function writeNext(path: string, list: KeyList, keys: KeyList['keys']): Promise<KeyList> {
  const next = { version: list.version + 1, issued: Math.max(Date.now(), list.issued), keys };
  try {
    await writeFileAtomic(path, writeKeyFile(next));
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can't be written: ${plainCause(cause)}`, { cause });
  }
  return next;
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  });
}
