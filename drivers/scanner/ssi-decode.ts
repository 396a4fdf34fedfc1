import type { AimRules } from './aim.ts';
import { normalise, splitAim } from './aim.ts';
import { longestCode, type ScannedCode } from './scanned-code.ts';
import { aimOfSsiType } from './ssi-barcode-types.ts';
import { type SsiPacket, ssiStatus } from './ssi-packet.ts';

export type SsiDecoded =
  | { readonly kind: 'code'; readonly code: ScannedCode }
  /** More follows, or the packet was heard before: acknowledged, and nothing else. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'malformed'; readonly what: string };

/** DECODE_DATA packets to codes: joins those that continue each other, and leaves out those that are sent again. */
export class SsiDecoder {
  readonly #aim: AimRules['aim'];
  #last: Uint8Array | undefined;
  /** A packet was refused since the last good one: what comes marked as sent before has not been heard. */
  #refused = false;
  #type: number | undefined;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(aim: AimRules['aim']) {
    this.#aim = aim;
  }

  get unfinished(): boolean {
    return this.#type !== undefined;
  }

  refused(): void {
    this.#refused = true;
  }

  /** Forgets an unfinished code. */
  reset(): void {
    this.#type = undefined;
    this.#parts = [];
    this.#length = 0;
  }

  take({ status, data }: SsiPacket): SsiDecoded {
    const again = (status & ssiStatus.retransmit) !== 0;
    if (again && !this.#refused && this.#last !== undefined && Buffer.compare(data, this.#last) === 0) {
      return { kind: 'nothing' };
    }
    this.#refused = false;
    this.#last = data;
    const [type] = data;
    if (type === undefined) return this.#malformed('DECODE_DATA without a bar code type');
    if (this.#type !== undefined && this.#type !== type) {
      return this.#malformed(`a continuation of type ${type} of a code that began as ${this.#type}`);
    }
    this.#length += data.length - 1;
    if (this.#length > longestCode) return this.#malformed(`a code of more than ${longestCode} bytes`);
    this.#parts.push(data.subarray(1));
    this.#type = type;
    if ((status & ssiStatus.continued) !== 0) return { kind: 'nothing' };
    const all = new Uint8Array(Buffer.concat(this.#parts));
    this.reset();
    return { kind: 'code', code: this.#code(type, all) };
  }

  #code(type: number, all: Uint8Array): ScannedCode {
    const split = this.#aim === 'never' ? undefined : splitAim(all);
    return normalise(split ?? { data: all, symbology: aimOfSsiType(type) });
  }

  #malformed(what: string): SsiDecoded {
    this.reset();
    return { kind: 'malformed', what };
  }
}
