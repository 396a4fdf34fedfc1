import type { DeviceIdentity } from '../../driver.ts';
import type { BytePeer, PeerWire } from '../peer-ports.ts';

export interface SerialPeerOptions {
  readonly header?: Uint8Array;
  readonly trailer?: Uint8Array;
  /** Sends its data in pieces of so many bytes, as a line does. */
  readonly pieceBytes?: number;
}

const carriageReturn = Uint8Array.of(0x0d);

/** A scanner on a serial line that sends each code between a header and a trailer. */
export class SerialScannerPeer implements BytePeer {
  readonly identity: DeviceIdentity = {
    vendor: 'Cartwright',
    model: 'simulated serial scanner',
    serial: 'SIM-CDC-1',
  };
  /** What the host sent. */
  readonly heard: Uint8Array[] = [];
  readonly #options: SerialPeerOptions;
  #wire: PeerWire<Uint8Array> | undefined;

  constructor(options: SerialPeerOptions = {}) {
    this.#options = options;
  }

  opened(wire: PeerWire<Uint8Array>): void {
    this.#wire = wire;
  }

  closed(): void {
    this.#wire = undefined;
  }

  received(bytes: Uint8Array): void {
    this.heard.push(bytes);
  }

  scan(data: Uint8Array | string): void {
    const { header = new Uint8Array(), trailer = carriageReturn } = this.#options;
    this.send(Buffer.concat([header, Buffer.from(data), trailer]));
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    const { pieceBytes = bytes.length } = this.#options;
    for (let at = 0; at < bytes.length; at += pieceBytes) this.#wire?.send(bytes.slice(at, at + pieceBytes));
  }
}
