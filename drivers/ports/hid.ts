import { close, constants, open } from 'node:fs';
import { promisify } from 'node:util';
import type { HIDAsync } from 'node-hid';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { DriverError } from '../errors.ts';
import type { DeviceIdentity } from '../identity.ts';
import { refusal } from './access.ts';
import { attachedHid, nodeExists } from './attached.ts';
import { chooseOne, describeAttached, describeMatch, matchesUsb } from './choose.ts';
import { PortFeed } from './feed.ts';
import type { Attached, ReportPort, ReportRequest } from './ports.ts';
import type { System } from './root.ts';

/**
 * Opens a HID device by the kernel's hidraw. Rejects with CW-DRV-004 (not attached, what is instead), CW-DRV-012
 * (permission, and the rule that is missing) and CW-DRV-014 (several match).
 */
export async function openHid(
  { match, usagePage }: ReportRequest,
  { clock, root, beforeOpen }: System,
): Promise<ReportPort> {
  const attached = await attachedHid(root);
  const kind = `HID device of usage page 0x${usagePage.toString(16)}`;
  const device = chooseOne(
    describeMatch(kind, match),
    attached,
    (one) => one.usagePage === usagePage && matchesUsb(one, match),
  );
  const what = `the HID device ${describeAttached(device)}`;
  await beforeOpen(device);
  try {
    // The library says only that it failed; the kernel says why.
    await promisify(close)(await promisify(open)(device.node, constants.O_RDWR | constants.O_NONBLOCK));
    const { default: library } = await import('node-hid');
    return new OpenHid(device, await library.HIDAsync.open(device.node), clock);
  } catch (cause) {
    throw await refusal(cause, { device, what, root });
  }
}

class OpenHid implements ReportPort {
  readonly identity: DeviceIdentity;
  readonly #node: string;
  readonly #device: HIDAsync;
  readonly #feed = new PortFeed<Uint8Array>((report) => report.length);
  #closing: Promise<void> | undefined;

  constructor(attached: Attached, device: HIDAsync, clock: Clock) {
    const { identity, vendorId, productId } = attached;
    const known = vendorId !== undefined && productId !== undefined;
    this.identity = { ...identity, ...(known ? { usbId: `${vendorId}:${productId}` } : {}) };
    this.#node = attached.node;
    this.#device = device;
    device.on('error', (error: unknown) => this.#lose(error));
    device.on('data', (report: Uint8Array) => this.#feed.push(Uint8Array.from(report), clock.nowUs()));
  }

  listen(listener: Parameters<ReportPort['listen']>[0]): void {
    this.#feed.listen(listener);
  }

  write(report: Uint8Array): Promise<void> {
    return this.#ask('output report', async () => void (await this.#device.write(Buffer.from(report))));
  }

  sendFeature(report: Uint8Array): Promise<void> {
    return this.#ask(
      'feature report',
      async () => void (await this.#device.sendFeatureReport(Buffer.from(report))),
    );
  }

  getFeature(reportId: number, bytes: number): Promise<Uint8Array> {
    return this.#ask('feature report', async () =>
      Uint8Array.from(await this.#device.getFeatureReport(reportId, bytes)),
    );
  }

  close(): Promise<void> {
    this.#feed.close();
    return this.#release();
  }

  /** A request that fails is a loss where the node is gone, else the device's refusal (CW-DRV-020). */
  async #ask<Answer>(what: string, request: () => Promise<Answer>): Promise<Answer> {
    if (this.#feed.ended) throw this.#gone();
    try {
      return await request();
    } catch (cause) {
      if (!(await nodeExists(this.#node))) {
        this.#lose(cause);
        throw this.#gone(cause);
      }
      const message = `the HID device ${this.#node} refused a ${what}: ${describeError(cause)}`;
      throw new DriverError('CW-DRV-020', message, { cause });
    }
  }

  #gone(cause?: unknown): DriverError {
    return (
      this.#feed.error ?? new DriverError('CW-DRV-005', `the HID device ${this.#node} is closed`, { cause })
    );
  }

  #lose(cause: unknown): void {
    if (this.#feed.ended) return;
    const message = `the HID device ${this.#node} is lost (${describeError(cause)}); plug it in again`;
    this.#feed.lose(new DriverError('CW-DRV-005', message, { cause }));
    void this.#release();
  }

  #release(): Promise<void> {
    // The library begins to read a tick after it got its listener, and throws out of reach where it is closed before.
    this.#closing ??= new Promise((next) => setImmediate(next))
      .then(() => this.#device.close())
      .catch(() => {});
    return this.#closing;
  }
}
