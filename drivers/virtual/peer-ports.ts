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
  PicturePort,
  PictureRequest,
  PortListener,
  Ports,
  ProgramPort,
  ProgramRequest,
  ReportPort,
  ReportRequest,
  VideoFrame,
  VideoPort,
  VideoRequest,
} from '../ports/ports.ts';

/** A simulated device that speaks by itself. `wire` is its way to the host, for as long as it is open. */
interface SpeakingPeer<Data> {
  readonly identity: DeviceIdentity;
  opened(wire: PeerWire<Data>): void;
  closed(): void;
}

/** A simulated device at the far end of a byte stream. */
export interface BytePeer extends SpeakingPeer<Uint8Array> {
  received(bytes: Uint8Array): void;
}

/** A simulated HID device. */
export interface ReportPeer extends SpeakingPeer<Uint8Array> {
  /** Output and feature reports, with their report id. */
  received(report: Uint8Array, kind: 'output' | 'feature'): void;
  feature?(reportId: number): Uint8Array;
}

/** A simulated input device. */
export type InputPeer = SpeakingPeer<InputEvent>;

/** A simulated chip on an I²C bus. Throwing stands for a missing acknowledge. */
export interface I2cPeer {
  transfer(write: Uint8Array, readBytes: number): Uint8Array;
}

/** A simulated camera of the kernel's interface. */
export interface VideoPeer
  extends SpeakingPeer<VideoFrame>,
    Pick<VideoPort, 'offers' | 'setFormat' | 'setRate' | 'control' | 'setControl' | 'begin'> {}

/** A simulated program: what runs where a driver starts one. */
export interface ProgramPeer {
  readonly identity: DeviceIdentity;
  /** It was started and may write, and end. */
  started(request: ProgramRequest, wire: ProgramWire): void;
  /** It was ended. */
  closed(): void;
  /** The lines that it wrote to its standard error since it was started. */
  messages(): readonly string[];
}

/** Pictures that lie nowhere. */
export interface PicturePeer {
  readonly identity: DeviceIdentity;
  readonly names: readonly string[];
  read(name: string): Uint8Array;
}

export interface PeerWire<Data> {
  /** To the host, now. */
  send(data: Data): void;
}

export interface ProgramWire extends PeerWire<Uint8Array> {
  /** The program ends by itself, once what it sent has been read. */
  exit(code: number): void;
}

/** What of hardware is simulated, by the kind of port that reaches it. */
export interface Peers {
  readonly bytes?: BytePeer;
  readonly reports?: ReportPeer;
  readonly input?: InputPeer;
  readonly i2c?: ReadonlyMap<number, I2cPeer>;
  readonly attributes?: Map<string, string>;
  readonly lines?: { set(values: readonly boolean[]): void };
  readonly video?: VideoPeer;
  readonly program?: ProgramPeer;
  readonly pictures?: PicturePeer;
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
    const { wire, face } = this.#plugIn(peer);
    return { ...face, write: wire.whileOpen(async (bytes) => peer.received(bytes.slice())) };
  }

  async reports(_request: ReportRequest): Promise<ReportPort> {
    const peer = this.#peer('reports');
    const { wire, face } = this.#plugIn(peer);
    return {
      ...face,
      write: wire.whileOpen(async (report) => peer.received(report.slice(), 'output')),
      sendFeature: wire.whileOpen(async (report) => peer.received(report.slice(), 'feature')),
      getFeature: wire.whileOpen(async (reportId) => {
        if (peer.feature === undefined) throw new DriverError('CW-DRV-020', 'it has no feature reports');
        return peer.feature(reportId);
      }),
    };
  }

  async input(_request: InputRequest): Promise<InputPort> {
    return this.#plugIn(this.#peer('input')).face;
  }

  async i2c(_request: I2cRequest): Promise<I2cPort> {
    const chips = this.#peer('i2c');
    const { wire, face } = this.#mute('simulated I²C bus');
    return {
      ...face,
      onLost: (listener) => wire.listen({ data: () => {}, lost: listener }),
      transfer: wire.whileOpen(async (address, write, readBytes) => {
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
      }),
    };
  }

  async attributes(_request: AttributeRequest): Promise<AttributePort> {
    const values = this.#peer('attributes');
    const { wire, face } = this.#mute('simulated attributes');
    return {
      ...face,
      list: async () => [...values.keys()],
      read: wire.whileOpen(async (name) => {
        const value = values.get(name);
        if (value === undefined) throw new DriverError('CW-DRV-005', `there is no attribute ${name}`);
        return value;
      }),
      write: wire.whileOpen(async (name, text) => {
        values.set(name, text);
      }),
    };
  }

  async lines(_request: LineRequest): Promise<LinePort> {
    const lines = this.#peer('lines');
    const { wire, face } = this.#mute('simulated lines');
    return { ...face, set: wire.whileOpen(async (values) => lines.set(values)) };
  }

  async video(_request: VideoRequest): Promise<VideoPort> {
    const peer = this.#peer('video');
    const { wire, face } = this.#plugIn(peer);
    return {
      ...face,
      offers: wire.whileOpen((pixelFormats) => peer.offers(pixelFormats)),
      setFormat: wire.whileOpen((format) => peer.setFormat(format)),
      setRate: wire.whileOpen((framesPerSecond) => peer.setRate(framesPerSecond)),
      control: wire.whileOpen((id) => peer.control(id)),
      setControl: wire.whileOpen((id, value) => peer.setControl(id, value)),
      begin: wire.whileOpen(() => peer.begin()),
    };
  }

  async program(request: ProgramRequest): Promise<ProgramPort> {
    const peer = this.#peer('program');
    const wire = this.#wire<Uint8Array>(() => peer.closed());
    const exit = (exitCode: number) =>
      queueMicrotask(() => {
        const message = `${request.program} ended with ${exitCode}`;
        wire.lose(new DriverError('CW-DRV-005', message, { details: { exitCode, signal: null } }));
      });
    peer.started(request, { send: (bytes) => wire.send(bytes), exit });
    return {
      identity: peer.identity,
      listen: (listener) => wire.listen(listener),
      messages: () => peer.messages(),
      close: async () => wire.close(),
    };
  }

  async pictures(_request: PictureRequest): Promise<PicturePort> {
    const peer = this.#peer('pictures');
    const { wire, face } = this.#mute('simulated pictures');
    return {
      ...face,
      identity: peer.identity,
      names: peer.names,
      read: (name) => {
        wire.mustBeOpen();
        return peer.read(name);
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

  /** What a port to a peer that speaks by itself has in common with the others. */
  #plugIn<Data>(peer: SpeakingPeer<Data>) {
    const wire = this.#wire<Data>(() => peer.closed());
    peer.opened(wire);
    const listen = (listener: PortListener<Data>) => wire.listen(listener);
    return { wire, face: { identity: peer.identity, listen, close: async () => wire.close() } };
  }

  /** The same for peers that only answer. */
  #mute(model: string) {
    const wire = this.#wire<never>(() => {});
    return { wire, face: { identity: { model }, close: async () => wire.close() } };
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

  /** The same action, refused with the error of its loss or with CW-DRV-005 once the port is no longer open. */
  whileOpen<Args extends readonly unknown[], Result>(
    action: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result> {
    return async (...args) => {
      this.mustBeOpen();
      return action(...args);
    };
  }

  mustBeOpen(): void {
    if (!this.#isOpen) throw this.#error ?? new DriverError('CW-DRV-005', 'the port is closed');
  }
}
