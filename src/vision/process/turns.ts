import type { Backend } from '../models/backend.ts';

type Work = () => Promise<void>;

/** Work that goes one after the other; of what waits, that which a decision waits for goes first. */
export class Turns {
  readonly #urgent: Work[] = [];
  readonly #patient: Work[] = [];
  readonly #idle: (() => void)[] = [];
  #running = false;

  /** Settles as `work` does, when its turn has come. */
  take<T>(work: () => Promise<T>, how: 'urgent' | 'patient' = 'urgent'): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiting = how === 'urgent' ? this.#urgent : this.#patient;
    waiting.push(async () => {
      try {
        resolve(await work());
      } catch (error) {
        reject(error);
      }
    });
    if (!this.#running) void this.#run();
    return promise;
  }

  /** Resolves when nothing runs or waits. */
  async idle(): Promise<void> {
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#running = true;
    for (;;) {
      const next = this.#urgent.shift() ?? this.#patient.shift();
      if (next === undefined) break;
      await next();
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** A backend that takes each picture in a turn of its own, so that what is urgent need not wait for all of them. */
export function patient(
  backend: Pick<Backend, 'side' | 'dimensions' | 'embed'>,
  turns: Turns,
): Pick<Backend, 'side' | 'dimensions' | 'embed'> {
  const { side, dimensions } = backend;
  const each = side * side * 3;
  return {
    side,
    dimensions,
    embed: async (pixels, count) => {
      const embeddings = new Float32Array(count * dimensions);
      for (let index = 0; index < count; index++) {
        const picture = pixels.subarray(index * each, (index + 1) * each);
        const embedding = await turns.take(() => backend.embed(picture, 1), 'patient');
        embeddings.set(embedding.subarray(0, dimensions), index * dimensions);
      }
      return embeddings;
    },
  };
}
