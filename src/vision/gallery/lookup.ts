import { type WasmMemory, wasm, wasmPageBytes } from '../web-assembly.ts';
import { lengthOf, toBytes, type Values } from './embedding.ts';
import type { Gallery } from './gallery.ts';
import { wasmBase64 } from './generated/cosines.ts';

/** The functions of cosines.wat; all arguments but `queryScale` are addresses and counts. */
interface Kernel {
  cosines(
    rows: number,
    count: number,
    stride: number,
    query: number,
    scales: number,
    queryScale: number,
    out: number,
  ): void;
  bestOfLooks(cosines: number, ends: number, looks: number, out: number): void;
}

let compiled: object | undefined;

function kernelWith(memory: WasmMemory): Kernel {
  compiled ??= new wasm.Module(Buffer.from(wasmBase64, 'base64'));
  return new wasm.Instance(compiled, { gallery: { memory } }).exports as Kernel;
}

const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple;

/** A gallery ready to be asked: its references in the memory of the WebAssembly module, which is as large as they need. */
export class Lookup {
  /** Keys of the looks, in the order of the cosines. */
  readonly looks: readonly string[];
  readonly space: string;
  readonly dimensions: number;
  /** Bytes of the module's memory. */
  readonly bytes: number;
  readonly #kernel: Kernel;
  readonly #rows: number;
  readonly #stride: number;
  readonly #at: Layout;
  readonly #query: Int16Array;
  readonly #best: Float32Array;

  /** Copies what it needs of the gallery, which may be forgotten afterwards. */
  constructor(gallery: Gallery) {
    const { dimensions, matrix } = gallery;
    const references = matrix.length / dimensions;
    this.looks = gallery.looks.map(({ look }) => look);
    this.space = gallery.space;
    this.dimensions = dimensions;
    this.#rows = roundUp(references, 4);
    this.#stride = roundUp(dimensions, 16);
    this.#at = layout(this.#rows, this.#stride, this.looks.length);
    const pages = Math.ceil(this.#at.end / wasmPageBytes);
    const memory = new wasm.Memory({ initial: pages, maximum: pages });
    this.bytes = pages * wasmPageBytes;
    const { buffer } = memory;
    const rows = new Int8Array(buffer, this.#at.rows, this.#rows * this.#stride);
    const scales = new Float32Array(buffer, this.#at.scales, this.#rows);
    for (let row = 0; row < references; row++) {
      const values = matrix.subarray(row * dimensions, (row + 1) * dimensions);
      rows.set(values, row * this.#stride);
      scales[row] = 1 / lengthOf(values);
    }
    const ends = new Uint32Array(buffer, this.#at.ends, this.looks.length);
    let end = 0;
    gallery.looks.forEach((entry, index) => {
      end += entry.references;
      ends[index] = end;
    });
    this.#query = new Int16Array(buffer, this.#at.query, this.#stride);
    this.#best = new Float32Array(buffer, this.#at.best, this.looks.length);
    this.#kernel = kernelWith(memory);
  }

  /**
   * Cosine of an embedding with the best reference of each look, in the order of `looks`. The result is overwritten by
   * the next call. An embedding without length has the cosine 0 with everything.
   * @param embedding `dimensions` values of any length but 0; they are rounded to bytes as references are
   * @throws RangeError for another number of values: the caller mixed up models
   */
  bestCosines(embedding: Values): Float32Array {
    if (embedding.length !== this.dimensions) {
      throw new RangeError(
        `an embedding of ${embedding.length} values was looked up in a gallery of ${this.dimensions}`,
      );
    }
    const query = embedding instanceof Int8Array ? embedding : toBytes(embedding);
    const length = query === undefined ? 0 : lengthOf(query);
    if (query === undefined || length === 0) return this.#best.fill(0);
    this.#query.set(query);
    const { rows, query: queryAt, scales, cosines, ends, best } = this.#at;
    this.#kernel.cosines(rows, this.#rows, this.#stride, queryAt, scales, 1 / length, cosines);
    this.#kernel.bestOfLooks(cosines, ends, this.looks.length, best);
    return this.#best;
  }
}

/** Where things lie in the module's memory, each at a multiple of 16 bytes. */
interface Layout {
  readonly query: number;
  readonly rows: number;
  readonly scales: number;
  readonly cosines: number;
  readonly ends: number;
  readonly best: number;
  readonly end: number;
}

function layout(rows: number, stride: number, looks: number): Layout {
  const query = 0;
  const rowsAt = query + 2 * stride;
  const scales = rowsAt + rows * stride;
  const cosines = roundUp(scales + 4 * rows, 16);
  const ends = roundUp(cosines + 4 * rows, 16);
  const best = roundUp(ends + 4 * looks, 16);
  return { query, rows: rowsAt, scales, cosines, ends, best, end: best + 4 * looks };
}
