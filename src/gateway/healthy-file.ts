import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';

/** What has to be good for a release to be kept. */
export interface Checks {
  /** Every device of the board delivers, and no cell is faulty. */
  readonly sensors: boolean;
  /** Decisions are made and kept on disk. */
  readonly fusion: boolean;
  readonly broker: boolean;
}

const fileName = 'healthy.json';

/** Tells the updater, in the runtime folder, how this version does: the file is whole at any moment. */
export class HealthyFile {
  readonly #path: string;
  readonly #about: { readonly version: string; readonly boot: number };
  #goodSinceUs: number | undefined;

  constructor(runtimeFolder: string, about: { readonly version: string; readonly boot: number }) {
    this.#path = join(runtimeFolder, fileName);
    this.#about = about;
  }

  /**
   * @param faulty devices and cells that are not as they should be: what was so before an update is not its fault
   * Rejects where it can't be written.
   */
  async write(now: { us: number; utcMs: number }, checks: Checks, faulty: readonly string[]): Promise<void> {
    const isGood = checks.sensors && checks.fusion && checks.broker;
    this.#goodSinceUs = isGood ? (this.#goodSinceUs ?? now.us) : undefined;
    const goodSinceS = isGood ? Math.floor((now.us - (this.#goodSinceUs ?? now.us)) / 1_000_000) : 0;
    const report = { ...this.#about, atMs: now.utcMs, goodSinceS, checks, faulty };
    await writeFileAtomic(this.#path, `${JSON.stringify(report)}\n`, 0o644);
  }
}
