import type { Clock } from '#base/clock.ts';
import type { DeviceIdentity } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type {
  Attached,
  AttachedKind,
  AttributePort,
  AttributeRequest,
  BytePort,
  ByteRequest,
  I2cPort,
  I2cRequest,
  InputEvent,
  InputPort,
  InputRequest,
  LinePort,
  LineRequest,
  PortListener,
  Ports,
  ReportPort,
  ReportRequest,
} from '../ports/ports.ts';

/** A simulated device at the far end of a byte stream. `wire` is its way to the host, for as long as it is open. */
export interface BytePeer {
  readonly identity: DeviceIdentity;
  opened(wire: PeerWire<Uint8Array>): void;
  received(bytes: Uint8Array): void;
  closed(): void;
}

/** A simulated HID device. */
export interface ReportPeer {
  readonly identity: DeviceIdentity;
  opened(wire: PeerWire<Uint8Array>): void;
  /** Output and feature reports, with their report id. */
  received(report: Uint8Array, kind: 'output' | 'feature'): void;
  feature?(reportId: number): Uint8Array;
  closed(): void;
}

/** A simulated input device. */
export interface InputPeer {
  readonly identity: DeviceIdentity;
  opened(wire: PeerWire<InputEvent>): void;
  closed(): void;
}

/** A simulated chip on an I²C bus. Throwing stands for a missing acknowledge. */
export interface I2cPeer {
  transfer(write: Uint8Array, readBytes: number): Uint8Array;
}

export interface PeerWire<Data> {
  /** To the host, now. */
  send(data: Data): void;
}

/** What of hardware is simulated, by the kind of port that reaches it. */
export interface Peers {
  readonly bytes?: BytePeer;
  readonly reports?: ReportPeer;
  readonly input?: InputPeer;
  readonly i2c?: ReadonlyMap<number, I2cPeer>;
  readonly attributes?: Map<string, string>;
  readonly lines?: { set(values: readonly boolean[]): void };
}

/**
 * Ports whose far ends are simulated peers: one of each kind, whatever the request asks for. Nothing is delivered in
 * the caller's own call: bytes travel in a microtask, as they come from an event loop.
 */
export class PeerPorts implements Ports {
  readonly #clock: Clock;
  readonly #peers: Peers;
  readonly #open = new Set<{ lose(error: DriverError): void }>();
  #attached = true;

  constructor(clock: Clock, peers: Peers) {
    this.#clock = clock;
    this.#peers = peers;
  }

  /** How many ports are open: a driver that was stopped must leave none. */
  get open(): number {
    return this.#open.size;
  }

  /** Pulls everything out: open ports are lost, opening is refused with CW-DRV-004. */
  unplug(): void {
    this.#attached = false;
    for (const port of [...this.#open]) {
      port.lose(new DriverError('CW-DRV-005', 'the simulated device was unplugged; plug it in again'));
    }
  }

  replug(): void {
    this.#attached = true;
  }

  async bytes(_request: ByteRequest): Promise<BytePort> {
    const peer = this.#peer('bytes');
    const wire = this.#wire<Uint8Array>(() => peer.closed());
    peer.opened(wire);
    return {
      identity: peer.identity,
      listen: (listener) => wire.listen(listener),
      close: async () => wire.close(),
      write: async (bytes) => {
        wire.mustBeOpen();
        peer.received(bytes.slice());
      },
    };
  }

  async reports(_request: ReportRequest): Promise<ReportPort> {
    const peer = this.#peer('reports');
    const wire = this.#wire<Uint8Array>(() => peer.closed());
    peer.opened(wire);
    return {
      identity: peer.identity,
      listen: (listener) => wire.listen(listener),
      close: async () => wire.close(),
      write: async (report) => {
        wire.mustBeOpen();
        peer.received(report.slice(), 'output');
      },
      sendFeature: async (report) => {
        wire.mustBeOpen();
        peer.received(report.slice(), 'feature');
      },
      getFeature: async (reportId) => {
        wire.mustBeOpen();
        if (peer.feature === undefined) throw new DriverError('CW-DRV-020', 'it has no feature reports');
        return peer.feature(reportId);
      },
    };
  }

  async input(_request: InputRequest): Promise<InputPort> {
    const peer = this.#peer('input');
    const wire = this.#wire<InputEvent>(() => peer.closed());
    peer.opened(wire);
    return {
      identity: peer.identity,
      listen: (listener) => wire.listen(listener),
      close: async () => wire.close(),
    };
  }

  async i2c(_request: I2cRequest): Promise<I2cPort> {
    const chips = this.#peer('i2c');
    const wire = this.#wire<never>(() => {});
    return {
      identity: { model: 'simulated I²C bus' },
      close: async () => wire.close(),
      onLost: (listener) => wire.listen({ data: () => {}, lost: listener }),
      transfer: async (address, write, readBytes) => {
        wire.mustBeOpen();
        const chip = chips.get(address);
        try {
          if (chip === undefined) throw new Error('nothing at this address');
          return { data: chip.transfer(write.slice(), readBytes), atUs: this.#clock.nowUs() };
        } catch (cause) {
          const where = `0x${address.toString(16)}`;
          throw new DriverError('CW-DRV-013', `no chip answers at address ${where}; check its wiring`, {
            cause,
          });
        }
      },
    };
  }

  async attributes(_request: AttributeRequest): Promise<AttributePort> {
    const values = this.#peer('attributes');
    const wire = this.#wire<never>(() => {});
    return {
      identity: { model: 'simulated attributes' },
      close: async () => wire.close(),
      list: async () => [...values.keys()],
      read: async (name) => {
        wire.mustBeOpen();
        const value = values.get(name);
        if (value === undefined) throw new DriverError('CW-DRV-005', `there is no attribute ${name}`);
        return value;
      },
      write: async (name, text) => {
        wire.mustBeOpen();
        values.set(name, text);
      },
    };
  }

  async lines(_request: LineRequest): Promise<LinePort> {
    const lines = this.#peer('lines');
    const wire = this.#wire<never>(() => {});
    return {
      identity: { model: 'simulated lines' },
      close: async () => wire.close(),
      set: async (values) => {
        wire.mustBeOpen();
        lines.set(values);
      },
    };
  }

  async list(_kind: AttachedKind): Promise<readonly Attached[]> {
    return [];
  }

  #peer<Kind extends keyof Peers>(kind: Kind): NonNullable<Peers[Kind]> {
    const peer = this.#peers[kind];
    if (!this.#attached || peer === undefined) {
      throw new DriverError('CW-DRV-004', 'the simulated device is not attached; plug it in');
    }
    return peer;
  }

  #wire<Data>(closed: () => void): Wire<Data> {
    const wire: Wire<Data> = new Wire<Data>(this.#clock, () => {
      this.#open.delete(wire);
      closed();
    });
    this.#open.add(wire);
    return wire;
  }
}

/** One open port's way to its listener. */
class Wire<Data> implements PeerWire<Data> {
  readonly #clock: Clock;
  readonly #ended: () => void;
  readonly #early: { readonly data: Data; readonly atUs: number }[] = [];
  #listener: PortListener<Data> | undefined;
  #error: DriverError | undefined;
  #isOpen = true;

  constructor(clock: Clock, ended: () => void) {
    this.#clock = clock;
    this.#ended = ended;
  }

  send(data: Data): void {
    const atUs = this.#clock.nowUs();
    queueMicrotask(() => {
      if (!this.#isOpen) return;
      if (this.#listener === undefined) this.#early.push({ data, atUs });
      else this.#listener.data(data, atUs);
    });
  }

  listen(listener: PortListener<Data>): void {
    this.#listener = listener;
    for (const { data, atUs } of this.#early.splice(0)) listener.data(data, atUs);
    if (this.#error !== undefined) listener.lost(this.#error);
  }

  lose(error: DriverError): void {
    if (!this.#isOpen) return;
    this.close();
    this.#error = error;
    this.#listener?.lost(error);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#ended();
  }

  mustBeOpen(): void {
    if (this.#isOpen) return;
    throw this.#error ?? new DriverError('CW-DRV-005', 'the port is closed');
  }
}
