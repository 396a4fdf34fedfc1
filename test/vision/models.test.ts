import { existsSync } from 'node:fs';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { isCoded } from '#base/errors.ts';
import type { Backend } from '#vision/models/backend.ts';
import { type BackendName, backendNames, openBackend, usualBackend } from '#vision/models/backends.ts';
import { loadModel } from '#vision/models/load.ts';
import { root } from '../../scripts/checks/tree.ts';
import { changeManifest, copyOfSmallModel, type LooseManifest, smallModel } from './model-folder.ts';

const side = 36;
const dimensions = 16;
const installed = backendNames.filter((name) => name !== 'tfjs-node');

/** Squares with something different on each, always the same. */
function squares(count: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length: count * side * side * 3 }, (_, at) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const square = Math.floor(at / (side * side * 3));
    return ((state >>> 24) + square * 37 + (at % 3) * 50 * (square % 4)) & 255;
  });
}

async function opened(t: ExecutionContext, name: BackendName, path = smallModel): Promise<Backend> {
  const backend = await openBackend(name, await loadModel(path), { threads: 1 });
  t.teardown(() => backend.close());
  return backend;
}

function cosines(a: Float32Array, b: Float32Array): number[] {
  return Array.from({ length: a.length / dimensions }, (_, row) => {
    let sum = 0;
    for (let i = row * dimensions; i < (row + 1) * dimensions; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
    return sum;
  });
}

const refuses = (t: ExecutionContext, path: string, name: BackendName, code: string, message?: RegExp) =>
  t.throwsAsync(
    async () => {
      const backend = await openBackend(name, await loadModel(path), { threads: 1 });
      await backend.close();
    },
    { code, ...(message === undefined ? {} : { message }) },
  );

for (const name of installed) {
  test(`${name} embeds pictures, each at unit length and each by itself`, async (t) => {
    const backend = await opened(t, name);
    t.deepEqual([backend.name, backend.side, backend.dimensions], [name, side, dimensions]);
    const pixels = squares(5);
    const together = await backend.embed(pixels, 5);
    t.is(together.length, 5 * dimensions);
    for (const cosine of cosines(together, together)) t.true(Math.abs(cosine - 1) < 1e-5);
    const third = await backend.embed(pixels.subarray(2 * side * side * 3, 3 * side * side * 3), 1);
    t.deepEqual(third, together.slice(2 * dimensions, 3 * dimensions));
    t.true(Math.min(...cosines(together, together.slice().reverse())) < 0.99, 'they differ');
  });

  test(`${name} takes nothing but whole pictures`, async (t) => {
    const backend = await opened(t, name);
    for (const [bytes, count] of [
      [side * side * 3 - 1, 1],
      [side * side * 3, 2],
      [0, 0],
      [side * side * 3, 0.5],
    ] as const) {
      await t.throwsAsync(backend.embed(new Uint8Array(bytes), count), { instanceOf: RangeError });
    }
  });

  test(`${name} says with a code what is wrong with its file`, async (t) => {
    const folder = await copyOfSmallModel(t);
    const { files } = (await loadModel(folder)).manifest;
    const file = name === 'onnx-int8' ? files.int8 : name === 'onnx-fp32' ? files.fp32 : files.tfjs[0];
    const path = join(folder, file?.file ?? '');
    const good = await readFile(path);
    await writeFile(path, good.with(good.length >> 1, (good[good.length >> 1] ?? 0) ^ 1));
    await refuses(t, folder, name, 'CW-VIS-002', /SHA-256/);
    await writeFile(path, good.subarray(1));
    await refuses(t, folder, name, 'CW-VIS-002', /bytes in place of/);
    await rm(path);
    await refuses(t, folder, name, 'CW-VIS-001', /no such file/);
    await writeFile(path, 'not a network');
    await changeManifest(folder, () => {}, true);
    await refuses(t, folder, name, 'CW-VIS-004');
    await writeFile(path, '');
    await refuses(t, folder, name, 'CW-VIS-002');
  });

  test(`${name} refuses a network of another shape than the manifest's`, async (t) => {
    for (const change of [
      (manifest: LooseManifest) => {
        manifest.input.side = 40;
      },
      (manifest: LooseManifest) => {
        manifest.dimensions = 32;
      },
    ]) {
      const folder = await copyOfSmallModel(t);
      await changeManifest(folder, change);
      await refuses(t, folder, name, 'CW-VIS-004');
    }
  });
}

test('all backends see the same in the same pictures', async (t) => {
  const pixels = squares(100);
  const [int8, fp32, wasm] = await Promise.all(
    (['onnx-int8', 'onnx-fp32', 'tfjs-wasm'] as const).map(async (name) =>
      (await opened(t, name)).embed(pixels, 100),
    ),
  );
  if (int8 === undefined || fp32 === undefined || wasm === undefined) return t.fail();
  t.true(Math.min(...cosines(fp32, wasm)) > 0.99999);
  t.true(Math.min(...cosines(fp32, int8)) > 0.99);
});

test('TensorFlow.js keeps nothing of the pictures that it has seen', async (t) => {
  const { memory } = await import('@tensorflow/tfjs-core');
  const backend = await opened(t, 'tfjs-wasm');
  // Other tests of this file hold and free tensors between, never within, calls: the least of a few is what one keeps.
  const kept: number[] = [];
  for (let call = 0; call < 5; call++) {
    const before = memory().numTensors;
    await backend.embed(squares(3), 3);
    kept.push(memory().numTensors - before);
  }
  t.true(Math.min(...kept) <= 0);
});

test('a model is opened by its folder, its manifest or one of its files', async (t) => {
  for (const [path, backend] of [
    [smallModel, 'onnx-int8'],
    [join(smallModel, 'manifest.json'), 'onnx-int8'],
    [join(smallModel, 'model.int8.onnx'), 'onnx-int8'],
    [join(smallModel, 'model.fp32.onnx'), 'onnx-fp32'],
    [join(smallModel, 'tfjs-model.json'), 'tfjs-wasm'],
  ] as const) {
    const model = await loadModel(path);
    t.is(model.manifest.name, 'small');
    t.is(model.folder, smallModel);
    t.is(usualBackend(model), backend);
  }
});

test('a file that no manifest names is not opened', async (t) => {
  const folder = await copyOfSmallModel(t);
  await copyFile(join(folder, 'model.int8.onnx'), join(folder, 'other.onnx'));
  await t.throwsAsync(loadModel(join(folder, 'other.onnx')), {
    code: 'CW-VIS-003',
    message: /does not name/,
  });
  await t.throwsAsync(loadModel(join(folder, 'absent')), { code: 'CW-VIS-001', message: /no such file/ });
  await rm(join(folder, 'manifest.json'));
  await t.throwsAsync(loadModel(folder), { code: 'CW-VIS-001' });
});

test('a manifest that is not valid is refused, and the message says where', async (t) => {
  const folder = await copyOfSmallModel(t);
  const path = join(folder, 'manifest.json');
  for (const [text, message] of [
    ['', /is not JSON/],
    ['[]', /manifest\.json: it: /],
    [Buffer.from([0xff, 0xfe]), /is not JSON/],
  ] as const) {
    await writeFile(path, text);
    await t.throwsAsync(loadModel(folder), { code: 'CW-VIS-003', message });
  }
  for (const [change, message] of [
    [(manifest: LooseManifest) => delete manifest.temperature, /temperature/],
    [(manifest: LooseManifest) => Object.assign(manifest, { extra: 1 }), /extra/],
    [
      (manifest: LooseManifest) => Object.assign(manifest.files.int8, { file: '../../etc/passwd' }),
      /files\.int8\.file/,
    ],
    [(manifest: LooseManifest) => Object.assign(manifest, { dimensions: 1e9 }), /dimensions/],
    [(manifest: LooseManifest) => Object.assign(manifest, { space: 'a'.repeat(64) }), /space must be/],
  ] as const) {
    await copyFile(join(smallModel, 'manifest.json'), path);
    await changeManifest(folder, change);
    await t.throwsAsync(loadModel(folder), { code: 'CW-VIS-003', message });
  }
});

test('a graph model may only use weights that the manifest names', async (t) => {
  const folder = await copyOfSmallModel(t);
  const path = join(folder, 'tfjs-model.json');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('tfjs-weights-0.bin', '../secret'));
  await changeManifest(folder, () => {}, true);
  await refuses(t, folder, 'tfjs-wasm', 'CW-VIS-004', /does not name/);
  await changeManifest(folder, (manifest) => {
    manifest.files.tfjs = [];
  });
  await refuses(t, folder, 'tfjs-wasm', 'CW-VIS-004', /no form for TensorFlow\.js/);
});

test('a network damaged before it was hashed gives embeddings or a code, never a crash', async (t) => {
  const folder = await copyOfSmallModel(t);
  const file = join(folder, 'model.int8.onnx');
  const good = await readFile(file);
  const runs = Math.min(Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), 150);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }), async (at, value) => {
      await writeFile(file, good.with(at, value));
      await changeManifest(folder, () => {}, true);
      try {
        const backend = await openBackend('onnx-int8', await loadModel(folder), { threads: 1 });
        await backend.close();
      } catch (error) {
        if (!isCoded(error) || !/^CW-VIS-00[46]$/.test(error.code)) throw error;
      }
    }),
    { seed: 3, numRuns: runs },
  );
  t.pass();
});

const withoutNative = existsSync(join(root, 'node_modules/@tensorflow/tfjs-node')) ? test.skip : test;

withoutNative('tfjs-node says what to do where it is not installed', async (t) => {
  await refuses(t, smallModel, 'tfjs-node', 'CW-VIS-005', /install it .* tfjs-wasm/);
});
