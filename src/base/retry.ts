import type { Random } from './random.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly factor?: number;
}

/**
 * Endless delays in ms for retrying: exponential up to `maxMs`, each drawn from [½, 1] of its step, so that
 * five hundred carts do not knock on one broker at the same moment. `reset()` after a success.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Pick<Random, 'next'>;
  #stepMs: number;

  constructor(options: BackoffOptions, random: Pick<Random, 'next'>) {
    this.#options = options;
    this.#random = random;
    this.#stepMs = options.firstMs;
  }

  nextMs(): number {
    const delay = this.#stepMs * (0.5 + this.#random.next() / 2);
    this.#stepMs = Math.min(this.#options.maxMs, this.#stepMs * (this.#options.factor ?? 2));
    return Math.round(delay);
  }

  reset(): void {
    this.#stepMs = this.#options.firstMs;
  }
}
