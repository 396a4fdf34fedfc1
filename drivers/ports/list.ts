import { access, constants } from 'node:fs/promises';
import { ruleFor } from './access.ts';
import { attachedAttributes, attachedHid, attachedI2c, attachedInput, attachedSerial } from './attached.ts';
import { attachedGpio } from './gpio.ts';
import { findHolders } from './holders.ts';
import type { Attached, AttachedKind } from './ports.ts';
import type { SystemRoot } from './root.ts';
import { attachedVideo } from './video-attached.ts';

/** All that is attached of a kind, with who holds it and the rule that is missing to open it. Never rejects. */
export async function listAttached(kind: AttachedKind, root: SystemRoot): Promise<readonly Attached[]> {
  const attached = await enumerate(kind, root);
  // Attributes are no nodes: nobody holds them.
  if (kind === 'iio' || kind === 'hwmon' || kind === 'power_supply') return attached;
  const holders = await findHolders([...new Set(attached.map(({ node }) => node))], root);
  return Promise.all(
    attached.map(async (one) => {
      const holder = holders.get(one.node)?.[0];
      const openable = await access(one.node, constants.R_OK | (kind === 'input' ? 0 : constants.W_OK))
        .then(() => true)
        .catch((error: NodeJS.ErrnoException) => error.code !== 'EACCES');
      return {
        ...one,
        ...(holder === undefined ? {} : { holder }),
        ...(openable ? {} : { missingRule: ruleFor(one) }),
      };
    }),
  );
}

function enumerate(kind: AttachedKind, root: SystemRoot): Promise<Attached[]> {
  switch (kind) {
    case 'serial':
      return attachedSerial(root);
    case 'hid':
      return attachedHid(root);
    case 'input':
      return attachedInput(root);
    case 'i2c':
      return attachedI2c(root);
    case 'gpio':
      return attachedGpio(root);
    case 'video':
      return attachedVideo(root);
    case 'iio':
    case 'hwmon':
    case 'power_supply':
      return attachedAttributes(kind, root);
  }
}
