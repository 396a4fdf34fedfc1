import type { DeviceIdentity } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import type { BytePort, PortListener } from '../../ports/ports.ts';

/** What comes before somebody listens is kept up to this, bytes. */
const mostEarly = 65_536;

interface Open {
  listener: PortListener<Uint8Array> | undefined;
  early: { readonly bytes: Uint8Array; readonly atUs: number }[];
  earlyBytes: number;
  lost: DriverError | undefined;
}

/** The host's end of a simulated serial line: one port at a time, as of a tty that is opened exclusively. */
export class LineFace {
  readonly #identity: DeviceIdentity;
  readonly #send: (bytes: Uint8Array) => void;
  #open: Open | undefined;
  #gone: DriverError | undefined;

  constructor(identity: DeviceIdentity, send: (bytes: Uint8Array) => void) {
    this.#identity = identity;
    this.#send = send;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Throws CW-DRV-003 while it is open, CW-DRV-005 while it is gone. */
  open(): BytePort {
    if (this.#gone !== undefined) throw this.#gone;
    if (this.#open !== undefined) {
      throw new DriverError(
        'CW-DRV-003',
        'the simulated line is open already; one device can use it at a time',
      );
    }
    const mine: Open = { listener: undefined, early: [], earlyBytes: 0, lost: undefined };
    this.#open = mine;
    return {
      identity: this.#identity,
      listen: (listener) => {
        mine.listener = listener;
        for (const { bytes, atUs } of mine.early.splice(0)) listener.data(bytes, atUs);
        if (mine.lost !== undefined) listener.lost(mine.lost);
      },
      write: async (bytes) => {
        if (this.#open !== mine) throw mine.lost ?? new DriverError('CW-DRV-005', 'the port is closed');
        this.#send(bytes.slice());
      },
      close: async () => {
        if (this.#open === mine) this.#open = undefined;
      },
    };
  }

  /** Bytes for the host; without an open port they are lost, as with any USB adapter. */
  deliver(bytes: Uint8Array, atUs: number): void {
    const open = this.#open;
    if (open === undefined || bytes.length === 0) return;
    if (open.listener !== undefined) open.listener.data(bytes, atUs);
    else if (open.earlyBytes + bytes.length <= mostEarly) {
      open.early.push({ bytes, atUs });
      open.earlyBytes += bytes.length;
    }
  }

  /** The line is gone until `comeBack`: an open port is lost. */
  lose(error: DriverError): void {
    this.#gone = error;
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    open.lost = error;
    open.listener?.lost(error);
  }

  comeBack(): void {
    this.#gone = undefined;
  }
}
