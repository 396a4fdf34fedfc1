import { ascii } from '../../scale/framers.ts';
import { type ToledoLayout, toledoStatus, toledoWeight } from '../../scale/toledo-8217-protocol.ts';
import { ByteScalePeer } from './byte-scale-peer.ts';

const stx = 0x02;
const cr = 0x0d;
/** Bit 7 makes the number of ones even. */
const evenParity = (byte: number) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return ones % 2 === 0 ? byte : byte | 0x80;
};

/** A scale that speaks the 8217 protocol. */
export class Toledo8217Peer extends ByteScalePeer {
  /** The parity bit comes through, as from a serial server set to eight bits. */
  parityVisible = false;
  #digits: string | undefined;

  protected override hear(bytes: Uint8Array): void {
    for (const byte of bytes) this.#character(String.fromCharCode(byte));
  }

  #character(character: string): void {
    if (this.#digits !== undefined && /\d/.test(character)) {
      this.#digits += character;
      if (this.#digits.length < 5) return;
      const { unit, decimals } = this.#layout();
      const perUnit = unit === 'kg' ? 1_000_000 : 453_592.37;
      this.model.tare(Math.round((Number(this.#digits) * perUnit) / 10 ** decimals));
      this.#digits = undefined;
      this.#status();
      return;
    }
    this.#digits = undefined;
    if (character === 'W') this.#weigh();
    if (character === 'Z') {
      this.model.zero();
      this.#status();
    }
    if (character === 'C') {
      this.model.clearTare();
      this.#status();
    }
    if (character === 'T') this.#tare();
  }

  /** `T` alone tares what lies there; with digits behind it that is a known tare. They come in one write. */
  #tare(): void {
    this.#digits = '';
    queueMicrotask(() => {
      if (this.#digits !== '') return;
      this.#digits = undefined;
      this.model.tare();
      this.#status();
    });
  }

  #weigh(): void {
    const { model } = this;
    if (model.motion || model.over || model.under || model.broken || model.shownMg < 0) this.#status();
    else this.#frame(toledoWeight(model.shownMg, this.#layout(), model.net));
  }

  #status(): void {
    const { model } = this;
    this.#frame(
      toledoStatus({
        motion: model.motion,
        over: model.over,
        under: model.under || model.shownMg < 0,
        outsideZero: model.broken,
        centreOfZero: model.atZero,
        net: model.net,
      }),
    );
  }

  #frame(text: string): void {
    const bytes = Uint8Array.of(stx, ...ascii(text), cr);
    this.answer(this.parityVisible ? bytes.map(evenParity) : bytes);
  }

  #layout(): ToledoLayout {
    return {
      unit: this.model.unit === 'lb' || this.model.unit === 'g' ? this.model.unit : 'kg',
      decimals: this.model.decimals,
    };
  }
}
