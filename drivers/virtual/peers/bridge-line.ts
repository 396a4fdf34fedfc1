import type { Clock } from '#base/clock.ts';
import type { PeerWire } from '../peer-ports.ts';

/** A simulated bridge's way to the host: a serial line that takes its time, and may damage what it carries. */
export class BridgeLine {
  /** Changes bytes on the way, or loses them (undefined). */
  damage: ((bytes: Uint8Array) => Uint8Array | undefined) | undefined;
  /** Every message is held up by so much beyond the time on the line, µs: a scheduler's or a USB adapter's doing. */
  delayUs: () => number = () => 0;
  readonly #clock: Clock;
  readonly #byteUs: number;
  #wire: PeerWire<Uint8Array> | undefined;
  #freeUs = 0;
  #deliveredUs = 0;
  /** What is on the line, in order; a timer runs for the first. */
  #carried: { readonly bytes: Uint8Array; readonly dueUs: number }[] = [];
  #cancel: (() => void) | undefined;

  /** @param baudRate of the line; 0 for one that takes no time */
  constructor(clock: Clock, baudRate: number) {
    this.#clock = clock;
    this.#byteUs = baudRate === 0 ? 0 : 10e6 / baudRate;
  }

  open(wire: PeerWire<Uint8Array>): void {
    this.#empty();
    this.#wire = wire;
  }

  close(): void {
    this.#empty();
    this.#wire = undefined;
  }

  /** Bytes that are still in the bridge are lost, as by a reset. */
  flush(): void {
    this.#empty();
    this.#freeUs = 0;
    this.#deliveredUs = 0;
  }

  /** Sends a message after those before it. */
  send(bytes: Uint8Array): void {
    const carried = this.damage === undefined ? bytes : this.damage(bytes.slice());
    const nowUs = this.#clock.nowUs();
    this.#freeUs = Math.max(nowUs, this.#freeUs) + bytes.length * this.#byteUs;
    this.#deliveredUs = Math.max(this.#deliveredUs, Math.ceil(this.#freeUs + this.delayUs()));
    if (carried === undefined) return;
    this.#carried.push({ bytes: carried, dueUs: this.#deliveredUs });
    if (this.#cancel === undefined) this.#deliver();
  }

  #deliver(): void {
    this.#cancel = undefined;
    const nowUs = this.#clock.nowUs();
    while (this.#carried[0] !== undefined && this.#carried[0].dueUs <= nowUs) {
      const bytes = this.#carried.shift()?.bytes;
      if (bytes !== undefined) this.#wire?.send(bytes);
    }
    const [next] = this.#carried;
    if (next !== undefined) this.#cancel = this.#clock.after(next.dueUs - nowUs, () => this.#deliver());
  }

  #empty(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#carried = [];
  }
}
