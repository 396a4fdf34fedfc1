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
  /** Messages of before a reset don't arrive any more. */
  #generation = 0;

  /** @param baudRate of the line; 0 for one that takes no time */
  constructor(clock: Clock, baudRate: number) {
    this.#clock = clock;
    this.#byteUs = baudRate === 0 ? 0 : 10e6 / baudRate;
  }

  open(wire: PeerWire<Uint8Array>): void {
    this.#wire = wire;
    this.#generation += 1;
  }

  close(): void {
    this.#wire = undefined;
    this.#generation += 1;
  }

  /** Bytes that are still in the bridge are lost, as by a reset. */
  flush(): void {
    this.#generation += 1;
    this.#freeUs = 0;
    this.#deliveredUs = 0;
  }

  /** Sends a message after those before it. */
  send(bytes: Uint8Array): void {
    const carried = this.damage === undefined ? bytes : this.damage(bytes.slice());
    const nowUs = this.#clock.nowUs();
    this.#freeUs = Math.max(nowUs, this.#freeUs) + bytes.length * this.#byteUs;
    this.#deliveredUs = Math.max(this.#deliveredUs, this.#freeUs + this.delayUs());
    if (carried === undefined) return;
    const generation = this.#generation;
    const deliver = () => {
      if (generation === this.#generation) this.#wire?.send(carried);
    };
    if (this.#deliveredUs <= nowUs) deliver();
    else this.#clock.after(this.#deliveredUs - nowUs, deliver);
  }
}
