import { join } from 'node:path';
import { createRandom } from '#base/random.ts';
import type { FrameReading } from '#readings/readings.ts';
import { readGalleryIfAny } from '#vision/gallery/file.ts';
import type { Gallery } from '#vision/gallery/gallery.ts';
import { Lookup } from '#vision/gallery/lookup.ts';
import { recognize } from '#vision/gallery/recognize.ts';
import { openBackend } from '#vision/models/backends.ts';
import { loadModel, type Model } from '#vision/models/load.ts';
import { backendOf, type OnnxSession, openSession } from '#vision/models/onnx.ts';
import { decodePicture } from '#vision/pictures/decode.ts';
import { isRaw, pictureOfRaw } from '#vision/pictures/frame.ts';
import { middleSquare } from '#vision/pictures/layout.ts';
import { Sampler } from '#vision/pictures/sample.ts';
import { readMachine, type VisionMachine } from './vision-machine.ts';
import { percentile } from './vision-metrics.ts';

/** What `vision bench` found; times are medians. */
export interface BenchFigures {
  readonly model: string;
  readonly threads: number;
  readonly rounds: number;
  readonly machine: VisionMachine;
  /** Looks of the gallery that frames are looked up in. */
  readonly looks: number;
  readonly perSecond: { readonly int8: number; readonly fp32: number; readonly tfjsWasm: number | undefined };
  readonly ratios: { readonly int8OverFp32: number; readonly frameOverInference: number };
  readonly ms: {
    /** The quantized network alone, of a ready tensor. */
    readonly inference: number;
    /** A raw frame's whole way. */
    readonly frame: number;
    readonly sample: number;
    readonly lookUp: number;
    readonly fullLookUp: number;
    readonly decode: number;
  };
  readonly residentMB: { readonly start: number; readonly int8: number; readonly end: number };
}

/** Repetitions of each thing in a round, so that one interruption does not decide it. */
const perRound = 5;

const residentMB = () => Math.round(process.memoryUsage().rss / 1e6);

/** Measures a model on this machine. Rejects with a coded VisionError where it can not be opened. */
export async function measure(path: string, threads: number, rounds: number): Promise<BenchFigures> {
  const start = residentMB();
  const model = await loadModel(path);
  const { name, version } = model.manifest;
  const int8 = await openSession(model, 'int8', { threads });
  const own = await readGalleryIfAny(join(model.folder, 'gallery.cwg'), model.manifest.space);
  const lookup = new Lookup(own?.gallery ?? syntheticGallery(model, 100, 1));
  const way = frameWay(int8, lookup);
  await way.frame();
  const withInt8 = residentMB();
  const fp32 = await openSession(model, 'fp32', { threads });
  const bareInt8 = bareRun(int8);
  const bareFp32 = bareRun(fp32);
  for (let warm = 0; warm < 3; warm++) for (const work of [bareInt8, bareFp32, way.frame]) await work();
  const rows: Record<'fp32' | 'int8' | 'frame' | 'sample' | 'lookUp', number>[] = [];
  for (let round = 0; round < rounds; round++) {
    rows.push({
      fp32: await timed(bareFp32),
      int8: await timed(bareInt8),
      frame: await timed(way.frame),
      sample: await timed(way.sample),
      lookUp: await timed(way.lookUp),
    });
  }
  const medianOf = (pick: (row: (typeof rows)[number]) => number) => percentile(rows.map(pick), 0.5);
  const inference = medianOf((row) => row.int8);
  const full = new Lookup(syntheticGallery(model, 10_000, 5));
  const query = new Float32Array(model.manifest.dimensions).fill(1);
  const tfjsWasm = await measureTfjs(model);
  const figures: BenchFigures = {
    model: `${name} ${version}`,
    threads,
    rounds,
    machine: await readMachine(),
    looks: lookup.looks.length,
    perSecond: { int8: 1000 / inference, fp32: 1000 / medianOf((row) => row.fp32), tfjsWasm },
    ratios: {
      int8OverFp32: medianOf((row) => row.fp32 / row.int8),
      frameOverInference: medianOf((row) => row.frame / row.int8),
    },
    ms: {
      inference,
      frame: medianOf((row) => row.frame),
      sample: medianOf((row) => row.sample),
      lookUp: medianOf((row) => row.lookUp),
      fullLookUp: await medianTime(() => recognize(full, query, model.manifest), rounds),
      decode: await measureDecoding(rounds),
    },
    residentMB: { start, int8: withInt8, end: residentMB() },
  };
  await Promise.all([int8.session.release(), fp32.session.release()]);
  return figures;
}

/** Mean time of the work in a round, ms. */
async function timed(work: () => unknown): Promise<number> {
  const started = performance.now();
  for (let time = 0; time < perRound; time++) await work();
  return (performance.now() - started) / perRound;
}

async function medianTime(work: () => unknown, rounds: number): Promise<number> {
  const times: number[] = [];
  await work();
  for (let round = 0; round < rounds; round++) times.push(await timed(work));
  return percentile(times, 0.5);
}

/** The inference alone: a tensor that is there already, and nothing done with what comes out. */
function bareRun({ engine, session, input, manifest }: OnnxSession): () => Promise<unknown> {
  const { side } = manifest.input;
  const random = createRandom(1);
  const pixels = Uint8Array.from({ length: side * side * 3 }, () => random.integer(256));
  const feeds = { [input]: new engine.Tensor('uint8', pixels, [1, side, side, 3]) };
  return () => session.run(feeds);
}

/** What is done with a frame of a camera, as a whole and its parts but the inference. */
function frameWay(opened: OnnxSession, lookup: Lookup) {
  const { manifest } = opened;
  const backend = backendOf(opened);
  const sampler = new Sampler(backend.side);
  const pixels = new Uint8Array(backend.side * backend.side * 3);
  const frame = syntheticFrame();
  const embedding = new Float32Array(manifest.dimensions).fill(1);
  const sample = () => {
    if (!isRaw(frame)) return;
    const picture = pictureOfRaw(frame);
    sampler.sample(picture, middleSquare(picture), pixels);
  };
  return {
    sample,
    lookUp: () => recognize(lookup, embedding, manifest),
    frame: async () => {
      sample();
      return recognize(lookup, await backend.embed(pixels, 1), manifest);
    },
  };
}

/** 1280 × 720 in YUV with soft noise, as of a camera. */
function syntheticFrame(): FrameReading {
  const random = createRandom(2);
  const data = Uint8Array.from(
    { length: (1280 * 720 * 3) / 2 },
    (_, at) => 60 + ((at >> 5) % 100) + random.integer(20),
  );
  return { kind: 'frame', source: 'bench', atUs: 0, width: 1280, height: 720, format: 'yuv420', data };
}

function syntheticGallery({ manifest }: Model, products: number, references: number): Gallery {
  const { space, dimensions } = manifest;
  const random = createRandom(3);
  const matrix = Int8Array.from({ length: products * references * dimensions }, () => random.integer(17) - 8);
  const looks = Array.from({ length: products }, (_, index) => ({
    look: `${index}`,
    references,
    pictures: 1,
  }));
  return { space, dimensions, looks, matrix };
}

async function measureTfjs(model: Model): Promise<number | undefined> {
  if (model.manifest.files.tfjs.length === 0) return undefined;
  const backend = await openBackend('tfjs-wasm', model, { threads: 1 });
  const pixels = new Uint8Array(backend.side * backend.side * 3).fill(127);
  const ms = await medianTime(() => backend.embed(pixels, 1), 3);
  await backend.close();
  return 1000 / ms;
}

async function measureDecoding(rounds: number): Promise<number> {
  const { default: sharp } = await import('sharp');
  const random = createRandom(4);
  const rgb = Uint8Array.from({ length: 1280 * 720 * 3 }, (_, at) => ((at >> 7) % 200) + random.integer(50));
  const jpeg = await sharp(rgb, { raw: { width: 1280, height: 720, channels: 3 } })
    // As soft as a lens is: noise would be decoded much slower than what cameras send.
    .blur(1.5)
    .jpeg({ quality: 85 })
    .toBuffer();
  return await medianTime(() => decodePicture(jpeg, { upright: false }), rounds);
}
