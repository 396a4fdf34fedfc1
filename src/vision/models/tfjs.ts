import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { Tensor } from '@tensorflow/tfjs-core';
import { describeError } from '#base/errors.ts';
import { VisionError } from '../errors.ts';
import type { Backend } from './backend.ts';
import { assertPixels, toUnitLength } from './embeddings.ts';
import type { Model } from './load.ts';
import type { ModelManifest } from './manifest.ts';
import { readArtifacts } from './tfjs-artifacts.ts';

type Core = typeof import('@tensorflow/tfjs-core');

interface Engine {
  readonly core: Core;
  readonly converter: typeof import('@tensorflow/tfjs-converter');
  /** What TensorFlow.js calls its backend. */
  readonly backend: 'wasm' | 'tensorflow';
}

/**
 * Opens a model in TensorFlow.js: `tfjs-wasm` runs anywhere, one thread with SIMD, from files of its package alone;
 * `tfjs-node` needs the package @tensorflow/tfjs-node, which a user installs. Rejects with CW-VIS-001, -002, -004 or
 * -005.
 */
export async function openTfjs(model: Model, name: 'tfjs-wasm' | 'tfjs-node'): Promise<Backend> {
  const { manifest } = model;
  const artifacts = await readArtifacts(model);
  const engine = name === 'tfjs-wasm' ? await loadWasm() : await loadNative();
  const { core, converter } = engine;
  if (core.getBackend() !== engine.backend) await core.setBackend(engine.backend);
  let graph: GraphModel;
  try {
    graph = await converter.loadGraphModel(core.io.fromMemory(artifacts));
  } catch (error) {
    throw new VisionError('CW-VIS-004', `TensorFlow.js does not take the model: ${describeError(error)}`, {
      cause: error,
    });
  }
  const { side } = manifest.input;
  const { dimensions } = manifest;
  try {
    checkInput(graph, manifest);
  } catch (error) {
    graph.dispose();
    throw error;
  }
  const each = side * side * 3;
  const values = new Int32Array(each);
  return {
    name,
    side,
    dimensions,
    async embed(pixels, count) {
      assertPixels(pixels, count, side);
      if (core.getBackend() !== engine.backend) await core.setBackend(engine.backend);
      const all = new Float32Array(count * dimensions);
      for (let one = 0; one < count; one++) {
        values.set(pixels.subarray(one * each, (one + 1) * each));
        all.set(await run(core, graph, values, side, dimensions), one * dimensions);
      }
      return toUnitLength(all, dimensions);
    },
    async close() {
      graph.dispose();
    },
  };
}

async function run(
  core: Core,
  graph: GraphModel,
  values: Int32Array,
  side: number,
  dimensions: number,
): Promise<Float32Array> {
  const input = core.tensor4d(values, [1, side, side, 3], 'int32');
  let output: Tensor | Tensor[] | undefined;
  let data: unknown;
  try {
    output = graph.execute(input);
    data = output instanceof core.Tensor ? await output.data() : undefined;
  } catch (error) {
    throw new VisionError('CW-VIS-006', `TensorFlow.js failed: ${describeError(error)}`, { cause: error });
  } finally {
    core.dispose(output === undefined ? input : [input, ...[output].flat()]);
  }
  if (data instanceof Float32Array && data.length === dimensions) return data;
  const found = data instanceof Float32Array ? `${data.length} values` : 'no floats';
  throw new VisionError('CW-VIS-004', `the network gave ${found} in place of ${dimensions}`);
}

function checkInput({ inputs, outputs }: GraphModel, { input: { side } }: ModelManifest): void {
  const [input] = inputs;
  const wanted = [-1, side, side, 3];
  const fits =
    inputs.length === 1 &&
    outputs.length === 1 &&
    input?.dtype === 'int32' &&
    input.shape?.length === 4 &&
    input.shape.every((size, at) => size === wanted[at] || (at === 0 && size === 1));
  if (fits) return;
  const found = inputs.map(({ dtype, shape }) => `${dtype} [${shape?.join(', ') ?? '?'}]`).join(' and ');
  throw new VisionError(
    'CW-VIS-004',
    `the model of TensorFlow.js takes ${found}, and by the manifest one int32 [n, ${side}, ${side}, 3]; install a model whose files belong together`,
  );
}

/** One engine a process, whoever asks: TensorFlow.js starts its backends one at a time. */
let wasmEngine: Promise<Engine> | undefined;
let nativeEngine: Promise<Engine> | undefined;

async function loadWasm(): Promise<Engine> {
  wasmEngine ??= startWasm();
  try {
    return await wasmEngine;
  } catch (error) {
    wasmEngine = undefined;
    throw new VisionError(
      'CW-VIS-005',
      `TensorFlow.js could not be loaded: ${describeError(error)}; install the software again, or choose the backend onnx-int8`,
      { cause: error },
    );
  }
}

async function startWasm(): Promise<Engine> {
  const core = await import('@tensorflow/tfjs-core');
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const converter = await import('@tensorflow/tfjs-converter');
  // Its threads are Web Workers, which Node has not.
  core.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const file = import.meta.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm');
  wasm.setWasmPaths(`${dirname(fileURLToPath(file))}/`);
  if (!(await core.setBackend('wasm'))) throw new Error('its WebAssembly module does not start');
  return { core, converter, backend: 'wasm' };
}

async function loadNative(): Promise<Engine> {
  nativeEngine ??= startNative();
  try {
    return await nativeEngine;
  } catch (error) {
    nativeEngine = undefined;
    const [cause = ''] = describeError(error).split('\n');
    throw new VisionError(
      'CW-VIS-005',
      `@tensorflow/tfjs-node could not be loaded: ${cause}; install it with its native library, or choose the backend tfjs-wasm`,
      { cause: error },
    );
  }
}

async function startNative(): Promise<Engine> {
  // Not by import: its types are not there where it is not installed.
  const require = createRequire(import.meta.url);
  restoreUtilities(require('node:util'));
  require('@tensorflow/tfjs-node');
  const core = await import('@tensorflow/tfjs-core');
  const converter = await import('@tensorflow/tfjs-converter');
  if (!(await core.setBackend('tensorflow'))) throw new Error('its library does not start');
  return { core, converter, backend: 'tensorflow' };
}

/** tfjs-node calls functions of node:util that Node 23 removed. */
function restoreUtilities(utilities: Record<string, unknown>): void {
  utilities.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  utilities.isArray ??= Array.isArray;
}
