import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { plainCause } from '#base/system-error.ts';
import { GatewayError } from './errors.ts';

export type PowerAction = 'reboot' | 'poweroff';

/** Arguments of `device.reboot` and `device.poweroff`. */
export const powerArguments = z.strictObject({
  why: z.string().trim().min(3).max(256),
  force: z.boolean().optional(),
});

const fileName = 'power.json';

/**
 * How a gateway without rights has the machine restarted or switched off: it leaves a wish in its runtime folder, which
 * cartwright-power.service carries out as root.
 */
export class PowerWish {
  readonly #folder: string | undefined;

  /** @param runtimeFolder systemd's RUNTIME_DIRECTORY; undefined where the gateway is no service */
  constructor(runtimeFolder: string | undefined) {
    this.#folder = runtimeFolder;
  }

  /** Rejects with CW-GWY-011 where nobody would carry a wish out. */
  async demandHelper(): Promise<string> {
    if (this.#folder === undefined) {
      throw new GatewayError(
        'CW-GWY-011',
        'nothing here can restart or switch off this machine: the gateway does not run as cartwright.service (scripts/setup)',
      );
    }
    try {
      await access(this.#folder, constants.W_OK);
      return this.#folder;
    } catch (error) {
      throw new GatewayError('CW-GWY-011', `${this.#folder} can't be written: ${plainCause(error)}`);
    }
  }

  /** Leaves the wish. The helper reads the action first, and `why` is for its log. Rejects with CW-GWY-011. */
  async leave(action: PowerAction, why: string, atMs: number): Promise<void> {
    const folder = await this.demandHelper();
    try {
      await writeFileAtomic(join(folder, fileName), JSON.stringify({ action, why, atMs }), 0o640);
    } catch (error) {
      throw new GatewayError('CW-GWY-011', `the wish can't be left: ${plainCause(error)}`);
    }
  }
}
