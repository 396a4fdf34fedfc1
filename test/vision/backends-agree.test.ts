import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readList } from '#cli/vision-list.ts';
import { cosineOf } from '#vision/gallery/embedding.ts';
import { readGallery } from '#vision/gallery/file.ts';
import { Lookup } from '#vision/gallery/lookup.ts';
import { bestLooks } from '#vision/gallery/recognize.ts';
import { type BackendName, openBackend } from '#vision/models/backends.ts';
import { loadModel } from '#vision/models/load.ts';
import { readPicture } from '#vision/pictures/decode.ts';
import { middleSquare } from '#vision/pictures/layout.ts';
import { Sampler } from '#vision/pictures/sample.ts';
import { root } from '../../scripts/checks/tree.ts';

const folder = join(root, 'config/models/groceries');
const pictures = join(root, 'test/fixtures/groceries');

/** Least cosine with the float network's embedding of the same picture, of one picture and of the mean of all. */
const tolerance = {
  // The same network in other words; its weights have eleven bits.
  'tfjs-wasm': { least: 0.9999, mean: 0.9999 },
  'tfjs-node': { least: 0.9999, mean: 0.9999 },
  // Eight bits.
  'onnx-int8': { least: 0.97, mean: 0.99 },
} as const;

/** Only a user installs it: docs/tensorflow-node.md. */
const native = existsSync(join(root, 'node_modules/@tensorflow/tfjs-node'));

test('every backend sees the same in a hundred pictures, and says the same of nearly all', async (t) => {
  t.timeout(110_000);
  const model = await loadModel(folder);
  const lookup = new Lookup((await readGallery(join(folder, 'gallery.cwg'), model.manifest.space)).gallery);
  const list = await readList(join(pictures, 'list.txt'), pictures);
  t.is(list.length, 100);
  const sampler = new Sampler(model.manifest.input.side);
  const squares: Uint8Array[] = [];
  for (const { path } of list) {
    const picture = await readPicture(path);
    const square = new Uint8Array(sampler.side ** 2 * 3);
    sampler.sample(picture, middleSquare(picture), square);
    squares.push(square);
  }
  const embedded = async (name: BackendName) => {
    const backend = await openBackend(name, model, { threads: 1 });
    const embeddings: Float32Array[] = [];
    for (const square of squares) embeddings.push(await backend.embed(square, 1));
    await backend.close();
    return embeddings;
  };
  const saidOf = (embedding: Float32Array) => bestLooks(lookup, embedding)[0]?.look;
  const float = await embedded('onnx-fp32');
  const others = ['tfjs-wasm', 'onnx-int8', ...(native ? (['tfjs-node'] as const) : [])] as const;
  for (const name of others) {
    const embeddings = await embedded(name);
    const cosines = embeddings.map((one, at) => cosineOf(one, float[at] ?? new Float32Array()));
    const least = Math.min(...cosines);
    const mean = cosines.reduce((sum, value) => sum + value, 0) / cosines.length;
    const same = embeddings.filter((one, at) => saidOf(one) === saidOf(float[at] ?? one)).length;
    t.log(`${name}: least cosine ${least.toFixed(5)}, mean ${mean.toFixed(5)}, the same said of ${same}`);
    t.true(least >= tolerance[name].least && mean >= tolerance[name].mean, name);
    t.true(same >= (name === 'onnx-int8' ? 95 : 99), name);
  }
});
