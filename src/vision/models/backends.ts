import { VisionError } from '../errors.ts';
import type { Backend, BackendOptions } from './backend.ts';
import type { Model } from './load.ts';
import { backendOf, openSession } from './onnx.ts';
import { openTfjs } from './tfjs.ts';

/** Inference engines, and the form of the network that each takes. */
export const backendNames = ['onnx-int8', 'onnx-fp32', 'tfjs-wasm', 'tfjs-node'] as const;

export type BackendName = (typeof backendNames)[number];

/** The backend that a model is opened with where none is named: of the file that was asked for, else the fastest. */
export function usualBackend({ asked }: Pick<Model, 'asked'>): BackendName {
  if (asked === 'fp32') return 'onnx-fp32';
  return asked === 'tfjs' ? 'tfjs-wasm' : 'onnx-int8';
}

/**
 * Opens a model with an engine and tries it on an even picture, so that what does not work is found here. Rejects with
 * CW-VIS-001 or -002 where a file is missing or not the one of the manifest, -004 where it is not what the manifest
 * says, -005 where the engine can not be loaded, -006 where it fails.
 */
export async function openBackend(
  name: BackendName,
  model: Model,
  options: BackendOptions,
): Promise<Backend> {
  const backend = await open(name, model, options);
  try {
    const { side, dimensions } = backend;
    const { length } = await backend.embed(new Uint8Array(side * side * 3).fill(127), 1);
    if (length === dimensions) return backend;
    throw new VisionError(
      'CW-VIS-004',
      `the network gives ${length} values, and by the manifest ${dimensions}`,
    );
  } catch (error) {
    await backend.close();
    throw error;
  }
}

async function open(name: BackendName, model: Model, options: BackendOptions): Promise<Backend> {
  switch (name) {
    case 'onnx-int8':
      return backendOf(await openSession(model, 'int8', options));
    case 'onnx-fp32':
      return backendOf(await openSession(model, 'fp32', options));
    case 'tfjs-wasm':
    case 'tfjs-node':
      return await openTfjs(model, name);
  }
}
