import type { Clock } from '#base/clock.ts';
import type { DeviceIdentity } from '../../driver.ts';
import type { BytePeer, PeerWire } from '../peer-ports.ts';

/** The scanner's own limits (Host Serial Response Time-out of 2 s; a message is sent again twice). */
const responseUs = 2_000_000;
const mostAttempts = 3;
const mostData = 250;

const acknowledge = 0xd0;
const refuse = 0xd1;
const decodeData = 0xf3;
const paramSend = 0xc6;
const requestRevision = 0xa3;
const known = new Set([0xc4, 0xc5, paramSend, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea]);

interface Sending {
  readonly packets: readonly { readonly data: Uint8Array; readonly continued: boolean }[];
  at: number;
  attempt: number;
}

/** A scanner that speaks SSI, with its packets made and checked by its own arithmetic. */
export class SsiScannerPeer implements BytePeer {
  readonly identity: DeviceIdentity = {
    vendor: 'Cartwright',
    model: 'simulated SSI scanner',
    serial: 'SIM-SSI-1',
  };
  /** Opcode and data of each command that was heard, acknowledgements left out. */
  readonly commands: {
    readonly opcode: number;
    readonly data: readonly number[];
    readonly status: number;
  }[] = [];
  /** Codes that it gave up to send. */
  failed = 0;
  acknowledged = 0;
  /** Changes the bytes of the next packets on their way: the line's doing. */
  spoil: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Does not hear its host. */
  deaf = false;
  /** Refuses every command for this reason. */
  refuses: number | undefined;
  readonly #clock: Clock;
  #wire: PeerWire<Uint8Array> | undefined;
  #queue: Sending[] = [];
  #cancelTimer: (() => void) | undefined;
  #heard: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  opened(wire: PeerWire<Uint8Array>): void {
    this.#wire = wire;
  }

  closed(): void {
    this.#wire = undefined;
    this.#queue = [];
    this.#heard = [];
    this.#stopTimer();
  }

  received(bytes: Uint8Array): void {
    if (this.deaf) return;
    this.#heard.push(...bytes);
    for (;;) {
      while (this.#heard[0] === 0) this.#heard.shift();
      const length = this.#heard[0];
      if (length === undefined || this.#heard.length < length + 2) return;
      this.#packet(this.#heard.splice(0, length + 2));
    }
  }

  /** Reads a code; sent when those before it were acknowledged or given up. */
  scan(type: number, data: Uint8Array | string): void {
    const all = Buffer.from(data);
    const packets: { data: Uint8Array; continued: boolean }[] = [];
    for (let at = 0; at === 0 || at < all.length; at += mostData) {
      const part = all.subarray(at, at + mostData);
      packets.push({ data: Uint8Array.of(type, ...part), continued: at + mostData < all.length });
    }
    this.#queue.push({ packets, at: 0, attempt: 0 });
    if (this.#queue.length === 1) this.#sendNext();
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void {
    this.#wire?.send(bytes);
  }

  /** Sends a packet of the scanner. */
  sendPacket(opcode: number, status: number, data: Uint8Array): void {
    const body = [4 + data.length, opcode, 0, status, ...data];
    const sum = 0x10000 - body.reduce((total, byte) => total + byte, 0);
    const bytes = Uint8Array.of(...body, (sum >> 8) & 0xff, sum & 0xff);
    this.send(this.spoil?.(bytes) ?? bytes);
  }

  #packet(bytes: readonly number[]): void {
    const body = bytes.slice(0, -2);
    const sum = bytes.slice(-2).reduce((high, low) => high * 256 + low, 0);
    const [, opcode = 0, source = 0, status = 0, ...data] = body;
    if ((body.reduce((total, byte) => total + byte, 0) + sum) % 0x10000 !== 0 || source !== 4) {
      this.sendPacket(refuse, 0, Uint8Array.of(1));
    } else if (opcode === acknowledge) {
      this.#confirmed();
    } else if (opcode === refuse) {
      this.#again();
    } else {
      this.commands.push({ opcode, data, status });
      if (this.refuses !== undefined) this.sendPacket(refuse, 0, Uint8Array.of(this.refuses));
      else if (opcode === requestRevision) this.sendPacket(0xa4, 0, Buffer.from('SIM-SSI 1.0 \x04\x00'));
      else if (known.has(opcode)) this.sendPacket(acknowledge, 0, new Uint8Array());
      else this.sendPacket(refuse, 0, Uint8Array.of(2));
    }
  }

  #confirmed(): void {
    const [sending] = this.#queue;
    if (sending === undefined) return;
    this.acknowledged += 1;
    sending.at += 1;
    sending.attempt = 0;
    if (sending.at === sending.packets.length) this.#queue.shift();
    this.#sendNext();
  }

  #again(): void {
    const [sending] = this.#queue;
    if (sending === undefined) return;
    sending.attempt += 1;
    if (sending.attempt >= mostAttempts) {
      this.failed += 1;
      this.#queue.shift();
    }
    this.#sendNext();
  }

  #sendNext(): void {
    this.#stopTimer();
    const [sending] = this.#queue;
    const packet = sending?.packets[sending.at];
    if (sending === undefined || packet === undefined) return;
    const status = (sending.attempt > 0 ? 1 : 0) | (packet.continued ? 2 : 0);
    this.#cancelTimer = this.#clock.after(responseUs, () => this.#again());
    this.sendPacket(decodeData, status, packet.data);
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
