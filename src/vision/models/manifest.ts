import { z } from 'zod';

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal');

const file = z.strictObject({
  file: z.string().regex(/^[a-zA-Z0-9._-]+$/, 'must be the name of a file beside the manifest'),
  bytes: z.int().positive(),
  sha256: hash,
});

/**
 * What a model is and how it is to be used: `manifest.json` beside its files. All files of one manifest are the same
 * network, so that their embeddings can be compared; a gallery names the manifest's `space`.
 */
export const manifestSchema = z.strictObject({
  model: z.literal(1).describe('Version of this format.'),
  name: z.string().regex(/^[a-z0-9-]+$/),
  version: z.string().min(1),
  /** Embeddings of models of the same space may be compared with each other. */
  space: hash.describe('SHA-256 of the file `fp32`: what embeddings of this model may be compared with.'),
  input: z.strictObject({
    side: z.int().min(32).max(1024).describe('Edge of the square input, pixels.'),
    mean: z.number().describe('What the network subtracts from each value 0 … 255.'),
    scale: z.number().positive().describe('What it then divides by.'),
  }),
  dimensions: z.int().min(8).max(256).describe('Values of an embedding.'),
  files: z.strictObject({
    int8: file.describe('ONNX, quantized (QDQ), uint8 input NHWC.'),
    fp32: file.describe('ONNX, float, uint8 input NHWC.'),
    tfjs: z
      .array(file)
      .describe('TensorFlow.js graph model: model.json and its weights. Empty where there is none.'),
  }),
  temperature: z
    .number()
    .positive()
    .describe('Cosines are divided by this before softmax: fitted on pictures that were not trained on.'),
  unknownCosine: z
    .number()
    .min(-1)
    .max(1)
    .describe('Cosine of the best reference at which a thing is as likely unknown as known.'),
  unknownSlope: z.number().positive().describe('Steepness of that decision, per unit of cosine.'),
  trained: z.strictObject({
    data: z.string(),
    licence: z.string(),
    pictures: z.int().nonnegative(),
    classes: z.int().nonnegative(),
    base: z.string().describe('Whose weights it began with, and their licence.'),
  }),
  measured: z
    .record(z.string(), z.number())
    .describe('Figures that were measured, by name: valFineInt8Percent, …'),
});
export type ModelManifest = z.infer<typeof manifestSchema>;
