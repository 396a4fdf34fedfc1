import type { DeviceFault } from '#readings/faults.ts';
import type { FaultSource } from './driver.ts';

/** The faults of one device. A listener that throws does not keep the others from hearing. */
export class FaultBus implements FaultSource {
  readonly #listeners = new Set<(fault: DeviceFault) => void>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  subscribe(listener: (fault: DeviceFault) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(fault: DeviceFault): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(fault);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
