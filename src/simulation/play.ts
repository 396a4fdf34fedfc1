import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { Board } from '#config/board.ts';
import { type CompileOptions, compileScenario, type TimelineStep } from './compile.ts';
import type { SimulationItem } from './items.ts';
import type { Scenario } from './scenario.ts';
import { World } from './world.ts';

export type { TimelineStep } from './compile.ts';

export interface PlayOptions {
  readonly scenario: Scenario;
  readonly board: Board;
  readonly catalogue: Catalogue;
  readonly planogram?: Planogram | undefined;
  /** In place of the scenario's own. */
  readonly seed?: number | undefined;
  /** The pieces of hardware, as for `simulatedCalibration`. */
  readonly hardwareSeed?: number | undefined;
}

/**
 * Plays a scenario as fast as the machine allows: every sample of every device, commands and truths, in order of time
 * from 0 µs, and one `end`. The same options give the same items. Throws SimulationError.
 */
export function* playScenario(options: PlayOptions): Generator<SimulationItem> {
  const compiled = compileScenario(options);
  const { scenario } = options;
  const world = new World({
    board: options.board,
    seed: options.seed ?? scenario.seed,
    hardwareSeed: options.hardwareSeed,
    stock: compiled.stock,
    coupled: scenario.coupled,
    startKelvin: scenario.climate.startKelvin,
    kelvinPerHour: scenario.climate.kelvinPerHour,
  });
  world.schedule(compiled.actions);
  yield* world.run(compiled.endUs);
  yield { kind: 'end', atUs: compiled.endUs };
}

/** The steps of a scenario with their times (µs from the start) and truths, for who plays the shopper from outside. */
export function timeline(options: CompileOptions): readonly TimelineStep[] {
  return compileScenario(options).steps;
}
