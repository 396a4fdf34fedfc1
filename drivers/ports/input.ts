import { closeSync, constants, openSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import { plainCause } from '#base/system-error.ts';
import { DriverError } from '../errors.ts';
import { refusal } from './access.ts';
import { attachedInput } from './attached.ts';
import { chooseOne, describeAttached, describeMatch, matchesUsb } from './choose.ts';
import { PortFeed } from './feed.ts';
import { machineIoctl } from './ioctl.ts';
import type { Attached, InputEvent, InputPort, InputRequest } from './ports.ts';
import { mustBeMainThread, type Poller, pollerFor, readWhenReady } from './readiness.ts';
import type { System } from './root.ts';

/** linux/input.h: EVIOCGRAB, EVIOCSCLOCKID. */
export const eviocgrab = 0x40044590;
export const eviocsclockid = 0x400445a0;
/** time.h */
const clockMonotonic = 1;
/** struct input_event of 64-bit Linux: s64 seconds, s64 µs, u16 type, u16 code, s32 value. */
export const eventBytes = 24;
/** The kernel's own ring of a device has at least 64 events. */
const chunkBytes = 64 * eventBytes;
/** A time further than this from now is not this clock's, µs. */
const mostAgeUs = 60_000_000;

/**
 * Opens an input device and grabs it, so that no console or desktop gets what it types. Rejects with CW-DRV-003
 * (grabbed by somebody else), CW-DRV-004, CW-DRV-012 and CW-DRV-014.
 */
export async function openInput(
  { match }: InputRequest,
  { clock, root, beforeOpen }: System,
): Promise<InputPort> {
  const { name } = match;
  const device = chooseOne(
    describeMatch('input device', match),
    await attachedInput(root),
    (one) => matchesUsb(one, match) && (name === undefined || one.identity.model === name),
  );
  await beforeOpen(device);
  mustBeMainThread();
  const ioctl = await machineIoctl();
  let fd: number | undefined;
  try {
    fd = openSync(device.node, constants.O_RDONLY | constants.O_NONBLOCK);
    ioctl.value(fd, eviocgrab, 1);
    const clockId = Buffer.alloc(4);
    clockId.writeInt32LE(clockMonotonic);
    ioctl.buffer(fd, eviocsclockid, clockId);
    return new OpenInput(device, fd, pollerFor(fd), clock);
  } catch (cause) {
    if (fd !== undefined) closeSync(fd);
    throw await refusal(cause, { device, what: `the input device ${describeAttached(device)}`, root });
  }
}

/** The events of whole records, with the kernel's monotonic time, µs. An incomplete record at the end is dropped. */
export function decodeEvents(bytes: Uint8Array): { readonly event: InputEvent; readonly kernelUs: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events = [];
  for (let at = 0; at + eventBytes <= bytes.length; at += eventBytes) {
    const kernelUs = Number(view.getBigInt64(at, true)) * 1_000_000 + Number(view.getBigInt64(at + 8, true));
    const event = {
      type: view.getUint16(at + 16, true),
      code: view.getUint16(at + 18, true),
      value: view.getInt32(at + 20, true),
    };
    events.push({ event, kernelUs });
  }
  return events;
}

class OpenInput implements InputPort {
  readonly identity;
  readonly #node: string;
  readonly #fd: number;
  readonly #poller: Poller;
  readonly #clock: Clock;
  readonly #feed = new PortFeed<InputEvent>(() => eventBytes);
  readonly #stopReading: () => void;
  #released = false;

  constructor(device: Attached, fd: number, poller: Poller, clock: Clock) {
    this.identity = device.identity;
    this.#node = device.node;
    this.#fd = fd;
    this.#poller = poller;
    this.#clock = clock;
    this.#stopReading = readWhenReady({
      fd,
      poller,
      chunkBytes,
      onData: (bytes) => this.#deliver(bytes),
      onEnd: (cause) => this.#lose(cause),
    });
  }

  listen(listener: Parameters<InputPort['listen']>[0]): void {
    this.#feed.listen(listener);
  }

  async close(): Promise<void> {
    this.#feed.close();
    this.#release();
  }

  /** The kernel stamps events when they happen: their age is taken off the context's clock. */
  #deliver(bytes: Uint8Array): void {
    const nowUs = this.#clock.nowUs();
    const kernelNowUs = Number(process.hrtime.bigint() / 1000n);
    for (const { event, kernelUs } of decodeEvents(bytes)) {
      const ageUs = kernelNowUs - kernelUs;
      this.#feed.push(event, ageUs >= 0 && ageUs < mostAgeUs ? nowUs - ageUs : nowUs);
    }
  }

  #lose(cause: Error | undefined): void {
    const why = cause === undefined ? 'it hung up' : plainCause(cause);
    const message = `the input device ${this.#node} is lost (${why}); plug it in again`;
    this.#feed.lose(new DriverError('CW-DRV-005', message, { cause }));
    this.#release();
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#stopReading();
    this.#poller.stop();
    // Ends the grab as well.
    closeSync(this.#fd);
  }
}
