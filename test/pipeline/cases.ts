import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '#base/random.ts';
import { usPerSecond } from '#base/units.ts';
import type { BasketSnapshot } from '#basket/basket.ts';
import { configSchema } from '#config/schema.ts';
import type { EventType } from '#events/catalog.ts';
import type { CartEvent, EventOf } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import type { CommandOutcome } from '#pipeline/commands.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { Pipeline, type PipelineState } from '#pipeline/pipeline.ts';
import { compileScenario, type Move } from '#simulation/compile.ts';
import { loadScenarioFiles, type ScenarioFiles } from '#simulation/files.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { itemTime, type Truth } from '#simulation/items.ts';
import { playScenario } from '#simulation/play.ts';
import { loadScenario, type Scenario } from '#simulation/scenario.ts';
import { type Score, score } from '#traces/score.ts';
import type { WeighingOutput } from '#weighing/outputs.ts';
import { sayEvent } from './case-words.ts';

/** Seeds of noise, masses, pauses and pieces of hardware that a case is played with. */
export const seeds: readonly number[] = [1, 2, 3, 4, 5];

/** From settling to what a camera says of it, µs. */
const lookDelayUs = 300_000;
/** A hand may have been at a movement so long before it began and after it settled, µs. */
const nearUs = 300_000;
/** What the clock of a device shows when its gateway has started, µs. */
const bootUs = 20 * usPerSecond;

const config = configSchema.parse({ cartwright: 1, store: 's', device: 'd', board: 'b' });

/** What somebody at the cart does about a question, so many seconds after it was asked. */
export interface Answer {
  readonly afterS: number;
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface CaseOptions {
  /** How sure a camera over each plate that has one is of what came and went (0 … 1); none looks where left out. */
  readonly camera?: number;
  readonly answer?: (question: EventOf<'item.unresolved'>) => Answer | undefined;
}

/** A case as it went with one seed. */
export interface Played {
  readonly seed: number;
  readonly events: readonly CartEvent[];
  /** Times are those of the world. */
  readonly truths: readonly { readonly truth: Truth; readonly atUs: number }[];
  readonly outcomes: readonly CommandOutcome[];
  /** Means nothing where the device was started again. */
  readonly score: Score;
  /** The basket in the end. */
  readonly basket: BasketSnapshot | undefined;
  /** Decisions, questions and alerts, one a line. */
  readonly said: readonly string[];
  of<Type extends EventType>(type: Type): readonly EventOf<Type>[];
}

const folders = ['config/scenarios', 'test/fixtures/scenarios/cart', 'test/fixtures/scenarios/shelf'];

/** Finds a scenario by its name, among the shipped ones and those of the cases. */
async function findScenario(name: string): Promise<Scenario> {
  for (const folder of folders) {
    const path = join(import.meta.dirname, '../..', folder, `${name}.yaml`);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    ) {
      return await loadScenario(path);
    }
  }
  throw new Error(`there is no scenario ${name} in ${folders.join(', ')}`);
}

/** Plays a scenario through the real pipeline in virtual time, once for each seed. */
export async function playCase(
  name: string,
  options: CaseOptions = {},
  withSeeds: readonly number[] = seeds,
): Promise<Played[]> {
  const scenario = await findScenario(name);
  const files = await loadScenarioFiles(scenario);
  return withSeeds.map((seed) => new Player(scenario, files, options, seed).play());
}

/** A device at the end of a simulated world. While the scenario has a gap it is down: then it starts again from its state. */
class Player {
  readonly #scenario: Scenario;
  readonly #files: ScenarioFiles;
  readonly #options: CaseOptions;
  readonly #seed: number;
  readonly #events: CartEvent[] = [];
  readonly #moves: readonly Move[];
  readonly #gaps: { readonly fromUs: number; readonly untilUs: number }[];
  readonly #outcomes: CommandOutcome[] = [];
  readonly #eyes;
  #waiting: PipelineInput[] = [];
  #state: PipelineState | undefined;
  /** How far the device's clock is behind the world's, µs: it begins anew with every start. */
  #behindUs = 0;
  #boot = 0;
  #pipeline: Pipeline;

  constructor(scenario: Scenario, files: ScenarioFiles, options: CaseOptions, seed: number) {
    this.#scenario = scenario;
    this.#files = files;
    this.#options = options;
    this.#seed = seed;
    this.#eyes = createRandom(seed).fork('eyes');
    const { moves, steps } = compileScenario({ scenario, ...files, seed });
    this.#moves = moves;
    this.#gaps = steps
      .filter(({ action }) => action === 'gap')
      .map(({ startUs, endUs }) => ({ fromUs: startUs, untilUs: endUs }));
    this.#pipeline = this.#start(0);
  }

  play(): Played {
    const truths: { truth: Truth; atUs: number }[] = [];
    const [scenario, seed, events] = [this.#scenario, this.#seed, this.#events];
    for (const item of playScenario({ scenario, ...this.#files, seed, hardwareSeed: seed })) {
      const atUs = itemTime(item);
      if (item.kind === 'truth') truths.push({ truth: item.truth, atUs });
      const gap = this.#gaps[0];
      if (gap !== undefined && atUs >= gap.fromUs) {
        if (atUs < gap.untilUs) continue;
        this.#gaps.shift();
        this.#behindUs = atUs - bootUs;
        this.#waiting = [];
        this.#pipeline = this.#start(bootUs);
      }
      this.#passTo(atUs - this.#behindUs);
      if (item.kind === 'input') this.#give({ ...item.input, atUs: item.input.atUs - this.#behindUs });
    }
    return {
      seed,
      events,
      truths,
      outcomes: this.#outcomes,
      score: score(truths, events),
      basket: this.#pipeline.snapshot(),
      said: events.flatMap((event) => sayEvent(event)),
      of: <Type extends EventType>(type: Type) =>
        events.filter((event) => event.type === type) as unknown as EventOf<Type>[],
    };
  }

  #start(startUs: number): Pipeline {
    this.#boot += 1;
    const { board, catalogue, planogram } = this.#files;
    return new Pipeline({
      ledger: new Ledger(
        { store: 's', device: 'd', ledger: '0011223344556677' },
        { boot: this.#boot, nextSequence: this.#events.length + 1, versions: { software: 'test/1' } },
      ),
      board,
      calibration: simulatedCalibration(board, this.#seed),
      catalogue,
      planogram,
      weighing: config.weighing,
      fusion: config.fusion,
      tokenPattern: new RegExp(config.session.tokenPattern, 'u'),
      sessionSalt: 'salt',
      startUs,
      state: this.#state,
      onWeighed: (output) => this.#look(output),
      sink: (event) => {
        this.#events.push(event);
        this.#ask(event);
      },
    });
  }

  /** What cameras and the shopper have to say by then. */
  #passTo(untilUs: number): void {
    for (;;) {
      const next = this.#waiting.toSorted((a, b) => a.atUs - b.atUs)[0];
      if (next === undefined || next.atUs > untilUs) return;
      this.#waiting = this.#waiting.filter((one) => one !== next);
      this.#give(next);
    }
  }

  #give(input: PipelineInput): void {
    const before = this.#events.length;
    const outcome = this.#pipeline.accept(input);
    if (outcome !== undefined) this.#outcomes.push(outcome);
    // As the gateway does: the state is stored with the events it follows from.
    if (this.#events.length > before) this.#state = structuredClone(this.#pipeline.saveState());
  }

  #ask(event: CartEvent): void {
    if (event.type !== 'item.unresolved') return;
    const answer = this.#options.answer?.(event as EventOf<'item.unresolved'>);
    if (answer === undefined) return;
    const { afterS, command, args } = answer;
    const atUs = event.atUs + Math.round(afterS * usPerSecond);
    this.#waiting.push({ kind: 'command', atUs, command, args });
  }

  #look(output: WeighingOutput): void {
    const { camera: sure } = this.#options;
    if (sure === undefined || output.kind !== 'movement') return;
    const { plate, startedAtUs, settledAtUs } = output;
    const cameras = this.#files.board.plates.find(({ id }) => id === plate)?.cameras ?? [];
    const behindUs = this.#behindUs;
    const moved = this.#moves.filter(
      (move) =>
        move.plate === plate &&
        move.releaseUs - behindUs > startedAtUs - nearUs &&
        move.startUs - behindUs < settledAtUs + nearUs,
    );
    for (const { id } of cameras) {
      const things = moved.map(({ thing, kind }) => {
        const probability = sure * (0.9 + 0.1 * this.#eyes.next());
        const seen = thing.look !== undefined && this.#files.catalogue.byLook.has(thing.look);
        const candidates = seen
          ? [{ look: thing.look ?? '', probabilityPpm: Math.round(1e6 * probability) }]
          : [];
        return {
          change: kind === 'put' ? ('came' as const) : ('went' as const),
          moved: false,
          candidates,
          unknownPpm: seen ? Math.round(1e6 * (1 - probability) * 0.8) : 980_000,
          ambiguous: false,
        };
      });
      const outcome = things.length > 0 ? ('seen' as const) : ('nothing-changed' as const);
      const atUs = settledAtUs + lookDelayUs;
      this.#waiting.push({ kind: 'sighting', source: id, plate, atUs, settledAtUs, outcome, things });
    }
  }
}
