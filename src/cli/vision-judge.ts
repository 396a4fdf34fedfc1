import { meanDirection } from '#vision/gallery/embedding.ts';
import { bestLooks, recognize } from '#vision/gallery/recognize.ts';
import type { Recognition } from '#vision/gallery/types.ts';
import { sampleViews } from '#vision/gallery/views.ts';
import { readPicture } from '#vision/pictures/decode.ts';
import { middleSquare } from '#vision/pictures/layout.ts';
import { Sampler } from '#vision/pictures/sample.ts';
import type { Eyes } from './vision-eyes.ts';
import type { Classes, Labelled } from './vision-list.ts';

/** What was said of one picture, beside what it shows. */
export interface Judged extends Labelled {
  /** Name of its class, and whether the gallery has it. */
  readonly is: string;
  readonly known: boolean;
  /** Names of the best looks, the nearest first. */
  readonly said: readonly string[];
  /** The coarse class of the first of them. */
  readonly saidCoarse: number | undefined;
  readonly recognition: Recognition;
  /** How long each step took, ms. */
  readonly tookMs: Readonly<Record<'decode' | 'sample' | 'embed' | 'lookUp', number>>;
}

/** Looks at labelled pictures as the gateway looks at frames. */
export class Judge {
  readonly #eyes: Eyes;
  readonly #classes: Classes;
  readonly #crops: number;
  readonly #sampler: Sampler;
  readonly #looks: ReadonlySet<string>;

  /** `crops`: views that are taken of each picture, 1 as of frames. */
  constructor(eyes: Eyes, classes: Classes, crops: number) {
    this.#eyes = eyes;
    this.#classes = classes;
    this.#crops = crops;
    this.#sampler = new Sampler(eyes.backend.side);
    this.#looks = new Set(eyes.lookup.looks);
  }

  /** Rejects with a coded VisionError, as CW-VIS-007 for a damaged picture. */
  async judge(one: Labelled): Promise<Judged> {
    const { backend, lookup, model } = this.#eyes;
    const times = [performance.now()];
    const picture = await readPicture(one.path);
    times.push(performance.now());
    const pixels = sampleViews(this.#sampler, picture, middleSquare(picture), this.#crops);
    times.push(performance.now());
    const embeddings = await backend.embed(pixels, this.#crops);
    times.push(performance.now());
    const { dimensions } = backend;
    const embedding =
      this.#crops === 1
        ? embeddings
        : meanDirection(
            Array.from({ length: this.#crops }, (_, view) =>
              embeddings.subarray(view * dimensions, (view + 1) * dimensions),
            ),
          );
    const recognition = recognize(lookup, embedding, model.manifest);
    times.push(performance.now());
    // Candidates that round to 0 ppm are no candidates, but they have a rank.
    const said = bestLooks(lookup, embedding).map(({ look }) => look);
    const is = this.#classes.nameOf(one.fine);
    const [start = 0, decoded = 0, sampled = 0, embedded = 0, end = 0] = times;
    return {
      ...one,
      is,
      known: this.#looks.has(is),
      said,
      saidCoarse: said[0] === undefined ? undefined : this.#classes.coarseOf(said[0]),
      recognition,
      tookMs: {
        decode: decoded - start,
        sample: sampled - decoded,
        embed: embedded - sampled,
        lookUp: end - embedded,
      },
    };
  }
}
