import type { InferenceSession } from 'onnxruntime-node';
import { describeError } from '#base/errors.ts';
import { VisionError } from '../errors.ts';
import type { Backend, BackendOptions } from './backend.ts';
import { assertPixels, toUnitLength } from './embeddings.ts';
import { type Model, readModelFile } from './load.ts';
import type { ModelManifest } from './manifest.ts';

type Engine = typeof import('onnxruntime-node');

/**
 * ONNX Runtime's published builds for Linux send figures about their use to their maker, under an identifier that they
 * keep in the home folder. A cart sends nothing to anybody but its store, so that is switched off before they are loaded.
 */
async function loadEngine(): Promise<Engine> {
  process.env.ORT_DISABLE_TELEMETRY = '1';
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new VisionError(
      'CW-VIS-005',
      `onnxruntime could not be loaded: ${describeError(error)}; install the software again, or choose the backend tfjs-wasm`,
      { cause: error },
    );
  }
}

/** A session of ONNX Runtime whose input and output are what the manifest says. */
export interface OnnxSession {
  readonly engine: Engine;
  readonly session: InferenceSession;
  readonly form: 'int8' | 'fp32';
  readonly manifest: ModelManifest;
  /** Names of its only input and its only output. */
  readonly input: string;
  readonly output: string;
}

/** Starts a session of a model. Rejects with CW-VIS-001, -002, -004 or -005. */
export async function openSession(
  model: Model,
  form: 'int8' | 'fp32',
  { threads }: BackendOptions,
): Promise<OnnxSession> {
  const { manifest } = model;
  const file = manifest.files[form];
  const bytes = await readModelFile(model, file);
  const engine = await loadEngine();
  const session = await createSession(engine, file.file, bytes, threads);
  try {
    const [input, output] = checkedNames(session, file.file, manifest);
    return { engine, session, form, manifest, input, output };
  } catch (error) {
    await session.release();
    throw error;
  }
}

/**
 * A backend of a session: `int8` quantized, `fp32` in floats. Pictures of a call are embedded one after the other: on
 * processors a batch is hardly faster, and memory stays that of one.
 */
export function backendOf(opened: OnnxSession): Backend {
  const { dimensions } = opened.manifest;
  const { side } = opened.manifest.input;
  const each = side * side * 3;
  return {
    name: `onnx-${opened.form}`,
    side,
    dimensions,
    async embed(pixels, count) {
      assertPixels(pixels, count, side);
      const all = new Float32Array(count * dimensions);
      for (let one = 0; one < count; one++) {
        all.set(await run(opened, pixels.subarray(one * each, (one + 1) * each)), one * dimensions);
      }
      return toUnitLength(all, dimensions);
    },
    close: () => opened.session.release(),
  };
}

async function createSession(
  { InferenceSession }: Engine,
  name: string,
  bytes: Uint8Array,
  threads: number,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
      // Threads that wait in a loop between two pictures would heat the device for nothing.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
  } catch (error) {
    throw new VisionError(
      'CW-VIS-004',
      `${name} is no model that onnxruntime takes: ${describeError(error)}`,
      {
        cause: error,
      },
    );
  }
}

async function run(
  { engine, session, input, output, manifest }: OnnxSession,
  square: Uint8Array,
): Promise<Float32Array> {
  const { side } = manifest.input;
  let data: unknown;
  try {
    const results = await session.run({ [input]: new engine.Tensor('uint8', square, [1, side, side, 3]) });
    data = results[output]?.data;
  } catch (error) {
    throw new VisionError('CW-VIS-006', `onnxruntime failed: ${describeError(error)}`, { cause: error });
  }
  if (data instanceof Float32Array && data.length === manifest.dimensions) return data;
  const found = data instanceof Float32Array ? `${data.length} values` : 'no floats';
  throw new VisionError('CW-VIS-004', `the network gave ${found} in place of ${manifest.dimensions}`);
}

/** Names of input and output, of the type and shape that the manifest promises. Throws CW-VIS-004. */
function checkedNames(
  { inputMetadata, outputMetadata }: InferenceSession,
  file: string,
  { input: { side }, dimensions }: ModelManifest,
): readonly [input: string, output: string] {
  const input = onlyOne(inputMetadata, 'uint8', [undefined, side, side, 3]);
  if (input === undefined) {
    throw mismatch(file, 'takes', inputMetadata, `one uint8 [n, ${side}, ${side}, 3]`);
  }
  const output = onlyOne(outputMetadata, 'float32', [undefined, dimensions]);
  if (output === undefined) {
    throw mismatch(file, 'gives', outputMetadata, `one float32 [n, ${dimensions}]`);
  }
  return [input, output];
}

/** The name of the only value there is, if of that type and shape; sizes without a number, and the batch, may vary. */
function onlyOne(
  values: readonly InferenceSession.ValueMetadata[],
  type: string,
  shape: readonly (number | undefined)[],
): string | undefined {
  const [value] = values;
  if (value === undefined || values.length !== 1 || !value.isTensor || value.type !== type) return undefined;
  const fits =
    value.shape.length === shape.length &&
    value.shape.every((size, at) => {
      const wanted = shape[at];
      return typeof size === 'string' || size < 0 || size === (wanted ?? 1);
    });
  return fits ? value.name : undefined;
}

function mismatch(
  file: string,
  verb: string,
  values: readonly InferenceSession.ValueMetadata[],
  wanted: string,
): VisionError {
  const found = values.map((one) => (one.isTensor ? `${one.type} [${one.shape.join(', ')}]` : one.name));
  return new VisionError(
    'CW-VIS-004',
    `${file} ${verb} ${found.join(' and ')}, and by the manifest ${wanted}; install a model whose files belong together`,
  );
}
