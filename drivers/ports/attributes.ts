import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '#base/errors.ts';
import { DriverError } from '../errors.ts';
import { refusal } from './access.ts';
import { attachedAttributes, nodeExists } from './attached.ts';
import { chooseOne } from './choose.ts';
import type { Attached, AttributePort, AttributeRequest } from './ports.ts';
import type { System, SystemRoot } from './root.ts';

/** Names of attributes: a file of the folder, or of one folder in it (`scan_elements/in_voltage0_en`). */
const attributeName = /^[\w.-]+(?:\/[\w.-]+)?$/;

/** Opens a folder of kernel attributes. Rejects with CW-DRV-004 (none, what there is instead) and CW-DRV-014 (several). */
export async function openAttributes(
  request: AttributeRequest,
  { root, beforeOpen }: System,
): Promise<AttributePort> {
  const { subsystem, name, parent } = request;
  const what = `${subsystem} device ${name}${parent === undefined ? '' : ` of ${parent}`}`;
  const attached = await attachedAttributes(subsystem, root);
  const device = chooseOne(
    what,
    attached.map((one) => ({
      ...one,
      ...(one.identity.address === undefined ? {} : { topology: one.identity.address }),
    })),
    ({ identity }) => identity.model === name && (parent === undefined || identity.address === parent),
  );
  await beforeOpen(device);
  return new OpenAttributes(device, what, root);
}

class OpenAttributes implements AttributePort {
  readonly identity;
  readonly #device: Attached;
  readonly #what: string;
  readonly #root: SystemRoot;
  #closed = false;

  constructor(device: Attached, what: string, root: SystemRoot) {
    this.identity = device.identity;
    this.#device = device;
    this.#what = what;
    this.#root = root;
  }

  read(name: string): Promise<string> {
    return this.#use(name, async (path) => (await readFile(path, 'utf8')).replace(/\n$/, ''));
  }

  write(name: string, text: string): Promise<void> {
    return this.#use(name, (path) => writeFile(path, text, { flag: 'r+' }));
  }

  async list(): Promise<readonly string[]> {
    this.#mustBeOpen();
    const names = await readdir(this.#device.node, { withFileTypes: true }).catch((cause: unknown) => {
      throw this.#gone(cause);
    });
    return names.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #use<Answer>(name: string, use: (path: string) => Promise<Answer>): Promise<Answer> {
    this.#mustBeOpen();
    if (!attributeName.test(name) || name.split('/').includes('..')) {
      throw new DriverError('CW-DRV-020', `${name} is no name of an attribute of ${this.#what}`);
    }
    try {
      return await use(join(this.#device.node, name));
    } catch (cause) {
      throw await this.#failure(name, cause);
    }
  }

  async #failure(name: string, cause: unknown): Promise<DriverError> {
    const { code } = cause as NodeJS.ErrnoException;
    const attribute = `attribute ${name} of the ${this.#what}`;
    if (code === 'ENODEV' || !(await nodeExists(this.#device.node))) return this.#gone(cause);
    if (code === 'ENOENT') {
      return new DriverError('CW-DRV-005', `there is no ${attribute}; its kernel driver may be another one`, {
        cause,
      });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      return refusal(cause, { device: this.#device, what: attribute, root: this.#root });
    }
    if (code === 'EIO' || code === 'ETIMEDOUT' || code === 'ENXIO' || code === 'EREMOTEIO') {
      return new DriverError('CW-DRV-013', `the chip behind ${attribute} does not answer; check its wiring`, {
        cause,
      });
    }
    return new DriverError('CW-DRV-020', `${attribute}: ${describeError(cause)}`, { cause });
  }

  #gone(cause: unknown): DriverError {
    return new DriverError('CW-DRV-005', `the ${this.#what} is gone; check its cable and driver`, { cause });
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new DriverError('CW-DRV-005', `the ${this.#what} is closed`);
  }
}
