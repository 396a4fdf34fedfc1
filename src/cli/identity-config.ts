import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseDocument } from 'yaml';
import { asOwnerOf } from '#base/as-owner.ts';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { plainCause } from '#base/system-error.ts';
import type { DeviceIdentity } from '#identity/credentials.ts';
import { raiseClockFloor } from '#identity/provision.ts';
import { CliError } from './errors.ts';
import { notice } from './terminal.ts';

/** Where the service finds its credentials (systemd's LoadCredential). */
const credential = (name: string) => `\${CREDENTIALS_DIRECTORY}/${name}`;

/**
 * Writes store, device and broker of an identity into a configuration, which keeps everything else, comments included; nothing of it is
 * secret. Rejects with CW-CLI-004.
 */
export async function writeIdentityInto(path: string, identity: DeviceIdentity): Promise<void> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  });
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new CliError(
      'CW-CLI-004',
      `${path} is no YAML: ${document.errors[0]?.message ?? ''}; nothing was written`,
    );
  }
  document.set('store', identity.store);
  document.set('device', identity.device);
  if (identity.broker !== undefined) {
    document.setIn(['broker', 'url'], identity.broker);
    for (const key of ['urls', 'username', 'passwordFile', 'embedded']) document.deleteIn(['broker', key]);
  }
  document.setIn(['broker', 'caFile'], credential('store-ca.pem'));
  document.setIn(['broker', 'certFile'], credential('device.pem'));
  document.setIn(['broker', 'keyFile'], credential('device-key.pem'));
  const written = String(document);
  if (written === text) return;
  try {
    const { mode, uid, gid } = await stat(path);
    await writeFileAtomic(path, written, mode & 0o777, process.geteuid?.() === 0 ? { uid, gid } : undefined);
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can't be written: ${plainCause(cause)}`, { cause });
  }
}

/** Moves the floor of the machine's clock forward, as the user whose folder it lies in. Where that can't be, it is told, and that is all. */
export async function keepTime(clockFloor: string, timeMs: number): Promise<void> {
  await asOwnerOf(dirname(clockFloor), () => raiseClockFloor(clockFloor, timeMs)).catch((error: unknown) =>
    notice(`the floor of the clock could not be kept in ${clockFloor}: ${plainCause(error)}`),
  );
}
