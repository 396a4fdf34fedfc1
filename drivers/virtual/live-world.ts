import type { Clock } from '#base/clock.ts';
import { createRandom } from '#base/random.ts';
import { usPerSecond } from '#base/units.ts';
import type { Reading } from '#readings/readings.ts';
import { type CompiledScenario, compileScenario, type Move } from '#simulation/compile.ts';
import type { ScenarioFiles } from '#simulation/files.ts';
import { itemTime, type SimulationItem } from '#simulation/items.ts';
import { type Handling, liftOff, putDown } from '#simulation/physics/handling.ts';
import { type Film, FilmMaker } from '#simulation/pictures/film.ts';
import type { Point } from '#simulation/plate.ts';
import type { Scenario } from '#simulation/scenario.ts';
import { World, type WorldAction } from '#simulation/world.ts';

export interface LiveWorldOptions {
  readonly scenario: Scenario;
  readonly files: ScenarioFiles;
  readonly seed: number;
  readonly hardwareSeed: number | undefined;
  /** World seconds in a second of the clock. */
  readonly speed: number;
  readonly loop: boolean;
  /** Pause of the timer, µs. */
  readonly tickUs: number;
}

/** Where a live world is. Times `…AtUs` are of the clock, `…Us` of the world. */
export interface WorldProgress {
  readonly scenario: string;
  readonly seed: number;
  /** 0 for the first trip. */
  readonly round: number;
  readonly state: 'waiting' | 'playing' | 'finished';
  /** When the world's time 0 was, on the clock. */
  readonly startedAtUs: number | undefined;
  readonly worldUs: number;
  /** World time at which this round's steps count from, and at which it ends. */
  readonly originUs: number;
  readonly endUs: number;
  readonly steps: number;
  readonly stepsDone: number;
}

/** When a world began: enough for another process to find it where it is by now. */
export interface WorldAnchor {
  readonly scenario: string;
  readonly seed: number;
  /** The world's time 0 on the clock, µs. */
  readonly startedAtUs: number;
  /** World time at which the first round began, µs. */
  readonly originUs: number;
}

type Listener = (reading: Reading) => void;

/** What the world will have read by a time that has not come yet. */
export interface Foresight {
  readonly readings: readonly Reading[];
  /** On the clock: nothing earlier than this is still to be told. */
  readonly knownUntilUs: number;
}
type AheadListener = (foresight: Foresight) => void;

/** What cameras of the world see, of all its time up to the end of the round. */
interface Showing {
  readonly film: Film;
  /** The world's time 0 on the clock, µs; undefined while it stands still. */
  readonly startedAtUs: number | undefined;
  readonly speed: number;
}
type Watcher = (showing: Showing) => void;

/** How far ahead of the clock the world is worked out while somebody listens ahead, µs. */
const leadUs = 100_000;

/** The longest stretch that is worked out in one go, so that a process that slept does not stall on waking. */
const chunkUs = usPerSecond;
/** Between two rounds of a loop: rest, unloading one thing after the other, rest. */
const restUs = 2 * usPerSecond;
const unloadUs = 350_000;
/** A plate rings for so long after a weight was put down or lifted off, µs. */
const stillUs = usPerSecond / 2;

/**
 * A simulated world that runs by a clock. Readings carry the time at which they were due, however late the timer
 * came: nothing is skipped and nothing drifts. After its scenario it stands still, and its devices go on reading.
 */
export class LiveWorld {
  readonly #options: LiveWorldOptions;
  readonly #clock: Clock;
  readonly #world: World;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #ahead = new Set<AheadListener>();
  readonly #watchers = new Set<Watcher>();
  readonly #films: FilmMaker;
  #film: Film;
  /** Worked out, but not due yet. */
  #early: SimulationItem[] = [];
  /** World time up to which everything was delivered. */
  #deliveredUs = 0;
  #round = -1;
  #originUs = 0;
  #firstOriginUs = 0;
  #compiled: CompiledScenario | undefined;
  #startedAtUs: number | undefined;
  #worldUs = 0;
  #cancel: (() => void) | undefined;
  /** What a technician's hands have put down, by plate. */
  readonly #held = new Map<string, { readonly massMg: number; readonly at: Point }>();
  #lifts = 0;

  constructor(options: LiveWorldOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    const { scenario, files, seed, hardwareSeed } = options;
    const { stock, lying } = compileScenario({ scenario, ...files, seed });
    this.#films = new FilmMaker(seed);
    this.#film = this.#films.film({ lying, moves: [] });
    this.#world = new World({
      board: files.board,
      seed,
      hardwareSeed,
      stock,
      coupled: scenario.coupled,
      startKelvin: scenario.climate.startKelvin,
      kelvinPerHour: scenario.climate.kelvinPerHour,
    });
  }

  /** Hears the readings of one source; the returned function ends that. */
  listen(source: string, listener: Listener): () => void {
    const set = this.#listeners.get(source) ?? new Set();
    this.#listeners.set(source, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  /**
   * Hears all readings some time before they are due, for who simulates the devices in a time of its own; the returned
   * function ends that.
   */
  listenAhead(listener: AheadListener): () => void {
    this.#ahead.add(listener);
    return () => this.#ahead.delete(listener);
  }

  get plates(): ScenarioFiles['board']['plates'] {
    return this.#options.files.board.plates;
  }

  /** Hears what there is to see, now and whenever that changes; the returned function ends that. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    watcher(this.#showing());
    return () => this.#watchers.delete(watcher);
  }

  /** Lets time run: devices read from now on. Idempotent. */
  run(): void {
    if (this.#startedAtUs !== undefined) return;
    this.#startedAtUs = this.#clock.nowUs();
    this.#arm(this.#options.tickUs);
    this.#show();
  }

  /** Begins the scenario now (and lets time run). Idempotent while it plays. */
  play(): void {
    if (this.#round >= 0) return;
    this.run();
    this.#firstOriginUs = Math.round(this.#worldUs);
    this.#begin(0, this.#firstOriginUs);
  }

  /**
   * Goes on with a world that began earlier, where it would be by now: what happened in between has happened, unread.
   * False, and nothing changes, for an anchor of another scenario or seed, or of the future (the machine has booted).
   */
  resume(anchor: WorldAnchor): boolean {
    const { scenario, seed, speed } = this.#options;
    const nowUs = this.#clock.nowUs();
    const known = anchor.scenario === scenario.name && anchor.seed === seed && anchor.startedAtUs <= nowUs;
    if (!known || this.#startedAtUs !== undefined) return false;
    this.#startedAtUs = anchor.startedAtUs;
    this.#skipTo(anchor.originUs);
    this.#firstOriginUs = anchor.originUs;
    this.#begin(0, anchor.originUs);
    this.#skipTo((nowUs - anchor.startedAtUs) * speed);
    this.#arm(this.#options.tickUs);
    return true;
  }

  /**
   * A technician's hands: takes off what they put on a plate before, and puts `massMg` there (0: nothing), at a point in mm
   * right of and forward of its centre. Answers with when that lies still, on the clock. Cameras don't see it.
   */
  weigh(plate: string, massMg: number, at: Point): number {
    this.run();
    const random = createRandom(this.#options.seed).fork(`hands ${this.#lifts++}`);
    const before = this.#held.get(plate);
    let atUs = Math.round(this.#worldUs);
    const actions: WorldAction[] = [];
    const handle = (handledMg: number, where: Point, handling: Handling) => {
      actions.push({ kind: 'handle', atUs, plate, massMg: handledMg, at: where, handling });
      atUs += handling.endUs + stillUs;
    };
    if (before !== undefined) handle(-before.massMg, before.at, liftOff(random));
    this.#held.delete(plate);
    if (massMg > 0) {
      handle(massMg, at, putDown('place', random));
      this.#held.set(plate, { massMg, at });
    }
    this.#world.schedule(actions);
    return this.#onClock(atUs);
  }

  /** The anchor of a world that plays. */
  anchor(): WorldAnchor | undefined {
    if (this.#startedAtUs === undefined || this.#round < 0) return undefined;
    const { scenario, seed } = this.#options;
    return {
      scenario: scenario.name,
      seed,
      startedAtUs: this.#startedAtUs,
      originUs: this.#firstOriginUs,
    };
  }

  /** Of the clock that it runs by, µs. */
  nowUs(): number {
    return this.#clock.nowUs();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  progress(): WorldProgress {
    const steps = this.#compiled?.steps ?? [];
    const endUs = this.#compiled?.endUs ?? 0;
    const playing = this.#deliveredUs < endUs || this.#options.loop;
    return {
      scenario: this.#options.scenario.name,
      seed: this.#options.seed + Math.max(0, this.#round),
      round: Math.max(0, this.#round),
      state: this.#compiled === undefined ? 'waiting' : playing ? 'playing' : 'finished',
      startedAtUs: this.#startedAtUs,
      worldUs: this.#deliveredUs,
      originUs: this.#originUs,
      endUs,
      steps: steps.length,
      stepsDone: steps.filter((step) => step.endUs <= this.#deliveredUs).length,
    };
  }

  #arm(delayUs: number): void {
    this.#cancel = this.#clock.after(delayUs, () => {
      const behind = this.#catchUp();
      if (this.#cancel !== undefined) this.#arm(behind ? 0 : this.#options.tickUs);
    });
  }

  /** Works out what has become due, and what soon will. True when there is more. */
  #catchUp(): boolean {
    const { speed } = this.#options;
    const dueUs = (this.#clock.nowUs() - (this.#startedAtUs ?? 0)) * speed;
    const wantedUs = dueUs + (this.#ahead.size > 0 ? leadUs * speed : 0);
    const untilUs = Math.min(wantedUs, this.#worldUs + chunkUs);
    const fresh: SimulationItem[] = [];
    if (untilUs > this.#worldUs) this.#step(untilUs, (item) => fresh.push(item));
    this.#foretell(fresh);
    this.#release(fresh, Math.min(dueUs, this.#worldUs));
    return untilUs < wantedUs;
  }

  #foretell(items: readonly SimulationItem[]): void {
    if (this.#ahead.size === 0) return;
    const readings = items.flatMap((item) => this.#reading(item) ?? []);
    const knownUntilUs = this.#onClock(this.#worldUs);
    for (const listener of this.#ahead) listener({ readings, knownUntilUs });
  }

  /** Delivers in order of time what is due, and keeps the rest. */
  #release(fresh: readonly SimulationItem[], dueUs: number): void {
    const waiting = [...this.#early, ...fresh];
    const later = waiting.findIndex((item) => itemTime(item) > dueUs);
    this.#early = later < 0 ? [] : waiting.slice(later);
    this.#deliveredUs = Math.max(this.#deliveredUs, dueUs);
    for (const item of later < 0 ? waiting : waiting.slice(0, later)) this.#deliver(item);
  }

  #step(untilUs: number, take: (item: SimulationItem) => void): void {
    for (const item of this.#world.run(untilUs)) take(item);
    this.#worldUs = Math.max(this.#worldUs, untilUs);
    this.#continue();
  }

  #skipTo(worldUs: number): void {
    while (this.#worldUs < worldUs) this.#step(Math.min(worldUs, this.#worldUs + chunkUs), () => {});
    this.#deliveredUs = this.#worldUs;
  }

  #onClock(worldUs: number): number {
    return (this.#startedAtUs ?? 0) + Math.round(worldUs / this.#options.speed);
  }

  /** The reading of a device; commands and truths are the shopper's: who plays that part has them from the timeline. */
  #reading(item: SimulationItem): Reading | undefined {
    if (item.kind !== 'input') return undefined;
    const { input } = item;
    switch (input.kind) {
      case 'cell':
      case 'motion':
      case 'scan':
      case 'temperature':
        return { ...input, atUs: this.#onClock(input.atUs) };
      default:
        return undefined;
    }
  }

  #deliver(item: SimulationItem): void {
    if (item.kind !== 'input') return;
    const listeners = this.#listeners.get('source' in item.input ? item.input.source : '');
    if (listeners === undefined || listeners.size === 0) return;
    const reading = this.#reading(item);
    if (reading !== undefined) for (const listener of listeners) listener(reading);
  }

  /** @param before what is seen to happen between the round before and this one */
  #begin(round: number, originUs: number, before?: (compiled: CompiledScenario) => Film): void {
    const { scenario, files, seed } = this.#options;
    this.#round = round;
    this.#originUs = originUs;
    const compiled = compileScenario({ scenario, ...files, seed: seed + round, originUs });
    this.#compiled = compiled;
    this.#world.schedule(compiled.actions);
    this.#film = this.#films.film(compiled, before === undefined ? undefined : before(compiled));
    this.#show();
  }

  #showing(): Showing {
    return { film: this.#film, startedAtUs: this.#startedAtUs, speed: this.#options.speed };
  }

  #show(): void {
    for (const watcher of this.#watchers) watcher(this.#showing());
  }

  /** In a loop: clears the plates once the round has ended, restocks, and begins the next. */
  #continue(): void {
    const last = this.#compiled;
    if (!this.#options.loop || last === undefined || this.#worldUs < last.endUs) return;
    const random = createRandom(this.#options.seed + this.#round).fork('unload');
    // The rest is longer than a chunk, so that this is ahead of the world's time however late the timer came.
    let atUs = last.endUs + restUs;
    const takes: Move[] = [];
    const clear: WorldAction[] = last.remaining.map(({ thing, plate, at }) => {
      atUs += unloadUs;
      const handling = liftOff(random);
      const releaseUs = atUs + handling.releaseUs;
      takes.push({ kind: 'take', thing, plate, at, startUs: atUs, releaseUs });
      return { kind: 'handle', atUs, plate, massMg: -thing.massMg, at, handling };
    });
    const { scenario, files, seed } = this.#options;
    const next = compileScenario({ scenario, ...files, seed: seed + this.#round + 1 });
    const times: Pick<Move, 'startUs' | 'releaseUs'>[] = [];
    const restock: WorldAction[] = next.stock.map(({ plate, massMg, at }) => {
      atUs += unloadUs;
      const handling = putDown('place', random);
      times.push({ startUs: atUs, releaseUs: atUs + handling.releaseUs });
      return { kind: 'handle', atUs, plate, massMg, at, handling };
    });
    this.#world.schedule([...clear, ...restock]);
    this.#begin(this.#round + 1, atUs + restUs, ({ lying }) => {
      const puts = lying.flatMap((one, index): Move[] => {
        const time = times[index];
        return time === undefined ? [] : [{ kind: 'put', ...one, ...time }];
      });
      return this.#films.between(takes, puts);
    });
  }
}
