import { type WasmMemory, wasm, wasmPageBytes } from '../web-assembly.ts';
import { wasmBase64 } from './generated/sampling.ts';

/** The functions of sampling.wat, which says what their arguments are. */
interface Kernel {
  resize(
    source: number,
    stride: number,
    length: number,
    firstRow: number,
    channels: number,
    rowFirsts: number,
    rowTaps: number,
    rowWeights: number,
    rowStep: number,
    line: number,
    lastLine: number,
    firsts: number,
    weights: number,
    step: number,
    count: number,
    between: number,
    betweenBytes: number,
    out: number,
    outStride: number,
    outPlane: number,
  ): void;
  join(a: number, b: number, c: number, pixels: number, out: number): void;
  joinYuv(
    y: number,
    u: number,
    v: number,
    pixels: number,
    out: number,
    black: number,
    red: number,
    blue: number,
    green: number,
    greenV: number,
  ): void;
}

let compiled: object | undefined;

/** Memory of its own and the functions that work in it. */
export class SamplingMemory {
  readonly kernel: Kernel;
  readonly #memory: WasmMemory;
  #bytes: Uint8Array;

  constructor() {
    this.#memory = new wasm.Memory({ initial: 1 });
    this.#bytes = new Uint8Array(this.#memory.buffer);
    compiled ??= new wasm.Module(Buffer.from(wasmBase64, 'base64'));
    this.kernel = new wasm.Instance(compiled, { pictures: { memory: this.#memory } }).exports as Kernel;
  }

  /** The memory, of `size` bytes at least; what was given before is no longer valid where it had to grow. */
  bytes(size: number): Uint8Array {
    const missing = size - this.#bytes.length;
    if (missing > 0) {
      this.#memory.grow(Math.ceil(missing / wasmPageBytes));
      this.#bytes = new Uint8Array(this.#memory.buffer);
    }
    return this.#bytes;
  }
}
