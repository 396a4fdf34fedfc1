import { usPerSecond } from '#base/units.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Ledger } from './claims.ts';
import { type Engine, PipelineEngine, type Shop } from './engines.ts';

/** What cameras say is taken as it is from this probability on, as decisions are. */
const surePpm = 970_000;
/** What was scanned so long ago may be what a camera sees coming now. */
const holdUs = 15 * usPerSecond;

/**
 * Cameras without scales, for the ablations: the gateway decides on no sighting where nothing is weighed, so that here
 * what a camera is sure of is taken at its word. Scans, where there are any, go through the gateway's own pipeline.
 */
export class CameraWord implements Engine {
  readonly decisionMs: readonly number[] = [];
  readonly weighs = false;
  onMovement: Engine['onMovement'] = () => {};
  readonly #scans: PipelineEngine;
  #claims = 0;

  constructor(shop: Shop, scans: boolean) {
    this.#scans = new PipelineEngine(shop, { scans, mass: false, looks: false });
  }

  get ledger(): Ledger {
    return this.#scans.ledger;
  }

  get nowUs(): number {
    return this.#scans.nowUs;
  }

  accept(input: PipelineInput): boolean {
    const done = this.#scans.accept(input);
    if (input.kind === 'sighting') this.#see(input);
    return done;
  }

  advance(atUs: number): void {
    this.#scans.advance(atUs);
  }

  #see({ plate, atUs, settledAtUs, things }: Extract<PipelineInput, { kind: 'sighting' }>): void {
    for (const { candidates, moved, change } of things) {
      const best = candidates[0];
      if (moved || change === undefined || best === undefined || best.probabilityPpm < surePpm) continue;
      const product = this.#scans.productOf(best.look);
      if (product === undefined) continue;
      const sign = change === 'came' ? 1 : -1;
      const scanned = this.ledger.claims.some(
        (claim) => claim.product === product && claim.sign === sign && atUs - claim.atUs <= holdUs,
      );
      if (scanned) continue;
      const at = settledAtUs ?? atUs;
      this.ledger.claims.push({
        id: `camera ${this.#claims++}`,
        product,
        sign,
        count: 1,
        plate: plate ?? '',
        massMg: 0,
        probabilityPpm: best.probabilityPpm,
        startedAtUs: at,
        settledAtUs: at,
        atUs,
      });
    }
  }
}
