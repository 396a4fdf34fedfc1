import { realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { plainCause } from '#base/system-error.ts';
import { DriverError } from '../errors.ts';
import { heldBy, refusal } from './access.ts';
import { attachedSerial, nodeExists } from './attached.ts';
import { chooseOne, describeAttached, describeMatch, matchesUsb } from './choose.ts';
import { PortFeed } from './feed.ts';
import { findHolders } from './holders.ts';
import { machineIoctl } from './ioctl.ts';
import type { Attached, BytePort, SerialMatch, SerialSettings } from './ports.ts';
import { mustBeMainThread, readWhenReady } from './readiness.ts';
import type { System, SystemRoot } from './root.ts';
import { openTty, type Tty } from './tty.ts';

/** The kernel hands over at most a page of a tty's bytes at a time. */
const chunkBytes = 4096;
/** asm-generic/ioctls.h: nobody else (but root) can open the port from now on. */
export const tiocexcl = 0x540c;

/**
 * Opens a serial port, exclusively. Rejects with CW-DRV-003 (held, by whom), CW-DRV-004 (not attached, what is
 * instead), CW-DRV-012 (permission, and the rule that is missing) and CW-DRV-014 (several match).
 */
export async function openSerial(
  match: SerialMatch,
  settings: SerialSettings,
  { clock, root, beforeOpen }: System,
): Promise<BytePort> {
  const device = await findSerial(match, root);
  const what = `the serial port ${match.path ?? describeAttached(device)}`;
  await beforeOpen(device);
  mustBeMainThread();
  await mustBeFree(device.node, what, root);
  const tty = await openTty(device.node, settings).catch(async (cause: unknown) => {
    throw await refusal(cause, { device, what, root });
  });
  // Advisory locks keep only those away that ask. That it can't be made exclusive (a pty, root) is no harm.
  (await machineIoctl()).tryValue(tty.fd, tiocexcl, 0);
  return new OpenSerial(device, tty, clock);
}

/** What a match means: a path as it is, else the one USB serial port that has all that is asked for. */
export async function findSerial(match: SerialMatch, root: SystemRoot): Promise<Attached> {
  const attached = await attachedSerial(root);
  const { path } = match;
  const what = describeMatch('serial port', match);
  // Ports of the mainboard are there whether or not something is wired to them: those are named by path only.
  const usb = attached.filter(({ vendorId }) => vendorId !== undefined);
  if (path === undefined) return chooseOne(what, usb, (one) => matchesUsb(one, match));
  if (!(await nodeExists(path))) return chooseOne(what, usb, () => false);
  const name = basename(await realpath(path));
  const known = attached.find(({ node }) => basename(node) === name && node === join(root.dev, name));
  const device: Attached = known ?? { kind: 'serial', node: path, identity: {} };
  if (!matchesUsb(device, match))
    return chooseOne(what, usb, (one) => one === device && matchesUsb(one, match));
  return { ...device, identity: { ...device.identity, address: path } };
}

/** A program that read along would take bytes away, whether or not it locks. Rejects with CW-DRV-003. */
async function mustBeFree(node: string, what: string, root: SystemRoot): Promise<void> {
  const target = await realpath(node).catch(() => node);
  // Whoever made a pty may keep its end open.
  if (target.startsWith('/dev/pts/')) return;
  const holders = (await findHolders([node], root)).get(node) ?? [];
  if (holders.length > 0) throw heldBy(what, holders);
}

class OpenSerial implements BytePort {
  readonly identity;
  readonly #node: string;
  readonly #tty: Tty;
  readonly #feed = new PortFeed<Uint8Array>((bytes) => bytes.length);
  readonly #stopReading: () => void;
  #writing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(device: Attached, tty: Tty, clock: Clock) {
    this.identity = device.identity;
    this.#node = device.node;
    this.#tty = tty;
    this.#stopReading = readWhenReady({
      fd: tty.fd,
      poller: tty.poller,
      chunkBytes,
      onData: (bytes) => this.#feed.push(bytes, clock.nowUs()),
      onEnd: (cause) => this.#lose(cause),
    });
  }

  listen(listener: Parameters<BytePort['listen']>[0]): void {
    this.#feed.listen(listener);
  }

  write(bytes: Uint8Array): Promise<void> {
    const copy = Buffer.from(bytes);
    const write = this.#writing.then(async () => {
      this.#mustBeOpen();
      try {
        await this.#tty.write(copy);
      } catch (cause) {
        this.#lose(cause);
        this.#mustBeOpen(cause);
      }
    });
    this.#writing = write.catch(() => {});
    return write;
  }

  close(): Promise<void> {
    this.#feed.close();
    return this.#release();
  }

  #mustBeOpen(cause?: unknown): void {
    if (!this.#feed.ended) return;
    throw (
      this.#feed.error ?? new DriverError('CW-DRV-005', `the serial port ${this.#node} is closed`, { cause })
    );
  }

  #lose(cause: unknown): void {
    if (this.#feed.ended) return;
    const why = cause === undefined ? 'it hung up' : plainCause(cause);
    const message = `the serial port ${this.#node} is lost (${why}); plug it in again`;
    this.#feed.lose(new DriverError('CW-DRV-005', message, { cause }));
    // A descriptor that stays open keeps the kernel from giving the same name again.
    void this.#release();
  }

  #release(): Promise<void> {
    this.#stopReading();
    // The port of a device that is gone has nothing left to be closed cleanly.
    this.#closing ??= this.#tty.close().catch(() => {});
    return this.#closing;
  }
}
