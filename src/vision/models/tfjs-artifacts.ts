import type { io } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { VisionError } from '../errors.ts';
import { type Model, readModelFile } from './load.ts';

/** What of a graph model's JSON is relied on here; the library reads the rest. */
const graphSchema = z.object({
  format: z.literal('graph-model'),
  modelTopology: z.object({ node: z.array(z.looseObject({ name: z.string(), op: z.string() })) }).loose(),
  signature: z.object({}).loose().optional(),
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(
        z
          .object({
            name: z.string(),
            shape: z.array(z.int().nonnegative()),
            dtype: z.enum(['float32', 'int32', 'bool']),
          })
          .loose(),
      ),
    }),
  ),
});

/**
 * A TensorFlow.js graph model from the files of the manifest, and from no others. Rejects with CW-VIS-001 or -002 as
 * they are read, with CW-VIS-004 where they are no graph model or the model has none.
 */
export async function readArtifacts(model: Model): Promise<io.ModelArtifacts> {
  const { tfjs } = model.manifest.files;
  const description = tfjs.find(({ file }) => file.endsWith('.json'));
  if (description === undefined) {
    throw new VisionError(
      'CW-VIS-004',
      `the model ${model.manifest.name} has no form for TensorFlow.js; choose the backend onnx-int8`,
    );
  }
  const graph = parseGraph(description.file, await readModelFile(model, description));
  const parts: Uint8Array[] = [];
  for (const path of graph.weightsManifest.flatMap(({ paths }) => paths)) {
    const file = tfjs.find((one) => one.file === path);
    if (file === undefined) {
      throw new VisionError(
        'CW-VIS-004',
        `${description.file} needs ${path}, which the manifest does not name`,
      );
    }
    parts.push(await readModelFile(model, file));
  }
  return {
    format: graph.format,
    modelTopology: graph.modelTopology,
    weightSpecs: graph.weightsManifest.flatMap(({ weights }) => weights) as io.WeightsManifestEntry[],
    weightData: new Uint8Array(Buffer.concat(parts)).buffer,
    ...(graph.signature === undefined ? {} : { signature: graph.signature }),
  };
}

function parseGraph(name: string, bytes: Uint8Array): z.infer<typeof graphSchema> {
  try {
    return graphSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    const [cause = ''] =
      error instanceof z.ZodError ? error.issues.map(({ message }) => message) : [describeError(error)];
    throw new VisionError('CW-VIS-004', `${name} is no graph model of TensorFlow.js: ${cause}`, {
      cause: error,
    });
  }
}
