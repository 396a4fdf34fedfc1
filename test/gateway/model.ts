import { space } from '../vision/embeddings.ts';

const file = { file: 'model.onnx', bytes: 1, sha256: space };

/** What a model's folder needs for its gallery to be read: embeddings of 64 values. */
export const modelManifest = {
  model: 1,
  name: 'test',
  version: '1',
  space,
  input: { side: 32, mean: 127, scale: 128 },
  dimensions: 64,
  files: { int8: { ...file, sha256: 'cd'.repeat(32) }, fp32: file, tfjs: [] },
  temperature: 0.05,
  unknownCosine: 0.4,
  unknownSlope: 20,
  trained: { data: 'none', licence: 'none', pictures: 0, classes: 0, base: 'none' },
  measured: {},
};
