/**
 * An inference engine with a model loaded: pictures to embeddings. `embed` of one backend is never called again before
 * the call before has ended.
 */
export interface Backend {
  /** `onnx-int8`, `onnx-fp32`, `tfjs-wasm`, `tfjs-node`. */
  readonly name: string;
  /** Edge of the square pictures that it takes, pixels. */
  readonly side: number;
  /** Values of an embedding. */
  readonly dimensions: number;
  /**
   * Embeddings of unit length, `count · dimensions` values, of `count` pictures of `side · side` pixels, RGB, row by row,
   * one byte a value. Rejects with a coded VisionError.
   */
  embed(pixels: Uint8Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface BackendOptions {
  /** Threads of one inference. */
  readonly threads: number;
}
