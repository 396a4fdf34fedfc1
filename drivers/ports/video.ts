import { close, constants, open } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { promisify } from 'node:util';
import { plainCause } from '#base/system-error.ts';
import { DriverError } from '../errors.ts';
import { type Refused, refusal } from './access.ts';
import { chooseOne, describeAttached, describeMatch, matchesUsb } from './choose.ts';
import { PortFeed } from './feed.ts';
import { machineIoctl } from './ioctl.ts';
import { machineMemory } from './mapped.ts';
import type {
  Attached,
  PortListener,
  VideoControl,
  VideoFormat,
  VideoFrame,
  VideoLayout,
  VideoOffer,
  VideoPort,
  VideoRequest,
} from './ports.ts';
import { mustBeMainThread, pollerFor } from './readiness.ts';
import type { System } from './root.ts';
import {
  decodeFormat,
  encodeFormat,
  isSystemCall,
  listOffers,
  queryControl,
  requests,
  setControl,
  setRate,
} from './v4l2.ts';
import { attachedVideo } from './video-attached.ts';
import { VideoBuffers, type VideoSource } from './video-buffers.ts';

/** Opened where a camera is reached by a path that stays. */
const stableFolder = '/v4l/';

/**
 * Opens a camera through V4L2, for reading by mapped buffers without ever waiting in the kernel. Rejects with CW-DRV-003,
 * CW-DRV-004, CW-DRV-012, CW-DRV-014, and CW-DRV-020 for a path that does not stay.
 */
export async function openVideo({ match }: VideoRequest, system: System): Promise<VideoPort> {
  const { root, beforeOpen } = system;
  const { path, name } = match;
  if (path !== undefined && !path.startsWith(`${root.dev}${stableFolder}`)) {
    const message = `${path} may be another camera tomorrow; name it below ${root.dev}/v4l/by-id or ${root.dev}/v4l/by-path`;
    throw new DriverError('CW-DRV-020', message);
  }
  const target = path === undefined ? undefined : await realpath(path).catch(() => path);
  const device = chooseOne(
    describeMatch('camera', match),
    await attachedVideo(root),
    (one) =>
      matchesUsb(one, match) &&
      (name === undefined || one.identity.model === name) &&
      (target === undefined || one.node === target),
  );
  await beforeOpen(device);
  mustBeMainThread();
  const refused = { device, what: `the camera ${describeAttached(device)}`, root };
  const [ioctl, map] = [await machineIoctl(), await machineMemory()];
  let fd: number | undefined;
  try {
    fd = await promisify(open)(device.node, constants.O_RDWR | constants.O_NONBLOCK);
    return new OpenVideo({ fd, ioctl, map, pollerOf: pollerFor, clock: system.clock, refused });
  } catch (cause) {
    if (fd !== undefined) await promisify(close)(fd);
    throw await refusal(cause, refused);
  }
}

interface Opened extends VideoSource {
  readonly refused: Refused & { readonly device: Attached };
}

class OpenVideo implements VideoPort {
  readonly identity;
  readonly #opened: Opened;
  readonly #feed = new PortFeed<VideoFrame>(({ data }) => data.length);
  readonly #buffers: VideoBuffers;
  /** Calls run one after the other, and closing comes after them: none may meet a number that is another device's. */
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(opened: Opened) {
    this.#opened = opened;
    const { device } = opened.refused;
    const { vendorId, productId } = device;
    const known = vendorId !== undefined && productId !== undefined;
    this.identity = { ...device.identity, ...(known ? { usbId: `${vendorId}:${productId}` } : {}) };
    this.#buffers = new VideoBuffers(opened, {
      frame: (frame, atUs) => this.#feed.push(frame, atUs),
      failed: (cause) => this.#lose(cause),
    });
  }

  offers(pixelFormats: readonly string[]): Promise<readonly VideoOffer[]> {
    return this.#call(({ ioctl, fd }) => listOffers(ioctl, fd, pixelFormats));
  }

  setFormat(format: VideoFormat): Promise<VideoLayout> {
    return this.#call(async ({ ioctl, fd }) => {
      const data = encodeFormat(format);
      await ioctl.bufferAsync(fd, requests.setFormat, data, []);
      return decodeFormat(data);
    });
  }

  setRate(framesPerSecond: number): Promise<number | undefined> {
    return this.#call(({ ioctl, fd }) => setRate(ioctl, fd, framesPerSecond));
  }

  control(id: number): Promise<VideoControl | undefined> {
    return this.#call(({ ioctl, fd }) => queryControl(ioctl, fd, id));
  }

  setControl(id: number, value: number): Promise<number> {
    return this.#call(({ ioctl, fd }) => setControl(ioctl, fd, id, value));
  }

  listen(listener: PortListener<VideoFrame>): void {
    this.#feed.listen(listener);
  }

  begin(): Promise<void> {
    return this.#call(() => this.#buffers.begin());
  }

  close(): Promise<void> {
    this.#feed.close();
    return this.#release();
  }

  async #call<Result>(action: (opened: Opened) => Promise<Result>): Promise<Result> {
    const done = this.#last.then(() => {
      if (this.#closing !== undefined)
        throw this.#feed.error ?? new DriverError('CW-DRV-005', 'it is closed');
      return action(this.#opened);
    });
    this.#last = done.catch(() => {});
    try {
      return await done;
    } catch (cause) {
      if (cause instanceof DriverError) throw cause;
      const { refused } = this.#opened;
      if (isSystemCall(cause, 'ENODEV', 'ENXIO', 'ESHUTDOWN')) {
        throw new DriverError('CW-DRV-005', `${refused.what} is gone; plug it in again`, { cause });
      }
      throw await refusal(cause, refused);
    }
  }

  #lose(cause: unknown): void {
    const { what } = this.#opened.refused;
    const gone = isSystemCall(cause, 'ENODEV', 'ENXIO', 'ESHUTDOWN');
    const message = gone
      ? `${what} is gone; plug it in again`
      : `${what} broke its stream off (${plainCause(cause)}); check its cable and supply`;
    this.#feed.lose(new DriverError('CW-DRV-005', message, { cause }));
    void this.#release();
  }

  #release(): Promise<void> {
    this.#closing ??= this.#last.then(async () => {
      await this.#buffers.end();
      await promisify(close)(this.#opened.fd).catch(() => {});
    });
    return this.#closing;
  }
}
