import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { identityFile, readIdentity } from './credentials.ts';
import { IdentityError } from './errors.ts';
import { matchHardware, readHardware } from './hardware.ts';

/** What was found wrong with the hardware that an identity is used on. */
function elsewhere(device: string, other: readonly string[]): IdentityError {
  return new IdentityError(
    'CW-IDN-020',
    `the identity of ${device} was made on other hardware (${other.join(', ') || 'nothing'} differs): this card was copied or moved. ` +
      `If this machine takes the place of ${device}, get a fresh claim (authority claim ${device} --replace) and run: ` +
      'scripts/provision rebind CLAIM. If it is another device: scripts/provision wipe, then provision it under its own name.',
    { details: { device, other } },
  );
}

/**
 * Refuses to speak as a device on hardware that is not that device's. Where the certificate is not one of a provisioned device
 * (no `identity.json` beside it), nothing is known and nothing is refused. Throws CW-IDN-020, or CW-IDN-019 for a damaged file.
 * @param certFile the configuration's broker.certFile
 */
export function checkHardware(certFile: string | undefined, root = '/'): void {
  if (certFile === undefined) return;
  const path = join(dirname(certFile), identityFile);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new IdentityError('CW-IDN-019', `${path} can't be read`, { cause });
  }
  const { hardware, device } = readIdentity(text, path);
  const { fits, other } = matchHardware(hardware, readHardware(root));
  if (!fits) throw elsewhere(device, other);
}
