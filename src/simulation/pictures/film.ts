import { createRandom } from '#base/random.ts';
import { usPerMs } from '#base/units.ts';
import type { CompiledScenario, Move } from '../compile.ts';
import type { Lying, Thing } from '../goods.ts';
import type { Point } from '../plate.ts';

/** A thing on a plate as a camera sees it. */
export interface SeenThing {
  /** Of this one piece, as long as it is the same. */
  readonly id: number;
  readonly key: string;
  readonly look?: string | undefined;
  readonly massMg: number;
  readonly plate: string;
  /** mm right of and forward of the plate's centre. */
  readonly at: Point;
  /** Turned clockwise, degrees. */
  readonly angle: number;
}

/** A thing that is put down or taken away. Times are of the world, µs. */
interface SeenMove {
  readonly kind: 'put' | 'take';
  readonly thing: SeenThing;
  readonly startUs: number;
  readonly releaseUs: number;
}

/** Everything that cameras over the plates see of a trip: a picture of any moment can be made of it. */
export interface Film {
  readonly lying: readonly SeenThing[];
  /** In order of time. */
  readonly moves: readonly SeenMove[];
}

/** A hand in a moment: what it is at, and how far it has reached in, 0 (outside) … 1 (at the thing's place). */
export interface SeenHand {
  readonly thing: SeenThing;
  readonly reach: number;
  /** It carries the thing with it. */
  readonly holds: boolean;
}

/** One plate in a moment. */
export interface Scene {
  readonly lying: readonly SeenThing[];
  readonly hands: readonly SeenHand[];
}

/** So long before the first touch a hand comes into view, and so long after it has let go it is out of it, µs. */
const comesUs = 450 * usPerMs;
const leavesUs = 380 * usPerMs;
/** Pieces that are put down together lie beside each other, mm apart. */
const besideMm = 75;

/** Makes films of one world: a thing keeps its identity from one film to the next. */
export class FilmMaker {
  readonly #seed: number;
  readonly #ids = new Map<Thing, number>();
  /** How each thing lies since it was last put down. */
  readonly #placed = new Map<Thing, SeenThing>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** The film of a scenario that was worked out. @param before moves that lead to it, as `cleared` gives them */
  film(compiled: Pick<CompiledScenario, 'lying' | 'moves'>, before?: Film): Film {
    const lying = compiled.lying.map((one) => this.#lay(one, 0));
    const moves = compiled.moves.map((move) => this.#move(move, compiled.moves));
    const all = [...(before?.moves ?? []), ...moves].sort((a, b) => a.startUs - b.startUs);
    return { lying: before === undefined ? lying : [...before.lying], moves: all };
  }

  /**
   * What comes between two films: what lay there is taken away, and what the next one begins with is put there.
   *
   * @param takes moves of things that lie there @param puts of things that were not there
   */
  between(takes: readonly Move[], puts: readonly Move[]): Film {
    const lying = takes.flatMap(({ thing }) => this.#placed.get(thing) ?? []);
    const moves = [
      ...takes.map((one) => this.#move(one, takes)),
      ...puts.map((one) => this.#move(one, puts)),
    ];
    return { lying, moves };
  }

  #move({ kind, thing, plate, at, startUs, releaseUs }: Move, all: readonly Move[]): SeenMove {
    const together = all.filter((one) => one.kind === 'put' && one.startUs === startUs && one.at === at);
    const index = together.findIndex((one) => one.thing === thing);
    const seen =
      kind === 'put'
        ? this.#lay({ thing, plate, at }, Math.max(0, index))
        : (this.#placed.get(thing) ?? this.#lay({ thing, plate, at }, 0));
    return { kind, thing: seen, startUs, releaseUs };
  }

  /** @param index of those that are put at one place */
  #lay({ thing, plate, at }: Lying, index: number): SeenThing {
    const id = this.#ids.get(thing) ?? this.#ids.size;
    this.#ids.set(thing, id);
    const random = createRandom(this.#seed).fork(`lies ${id} ${at.join(' ')}`);
    const way = index * 2.4;
    const far = besideMm * Math.sqrt(index);
    const seen: SeenThing = {
      id,
      key: thing.key,
      ...(thing.look === undefined ? {} : { look: thing.look }),
      massMg: thing.massMg,
      plate,
      at: [Math.round(at[0] + far * Math.cos(way)), Math.round(at[1] + far * Math.sin(way))],
      angle: random.integer(360),
    };
    this.#placed.set(thing, seen);
    return seen;
  }
}

/** What a plate looks like at a time of the world. */
export function sceneAt(film: Film, plate: string, atUs: number): Scene {
  const lying = new Map<number, SeenThing>();
  const hands: SeenHand[] = [];
  for (const thing of film.lying) if (thing.plate === plate) lying.set(thing.id, thing);
  for (const { kind, thing, startUs, releaseUs } of film.moves) {
    if (startUs - comesUs > atUs) break;
    if (thing.plate !== plate) continue;
    const reach = reachAt(atUs, startUs, releaseUs);
    const holds = kind === 'put' ? atUs < releaseUs : atUs >= startUs;
    if (reach > 0) hands.push({ thing, reach, holds });
    if (kind === 'put' && atUs >= releaseUs) lying.set(thing.id, thing);
    if (kind === 'take' && atUs >= startUs) lying.delete(thing.id);
  }
  return { lying: [...lying.values()], hands };
}

/** Whether anything of a plate moves between two times, the ends included. */
export function movesWithin(film: Film, plate: string, fromUs: number, untilUs: number): boolean {
  return film.moves.some(
    ({ thing, startUs, releaseUs }) =>
      thing.plate === plate && startUs - comesUs <= untilUs && releaseUs + leavesUs >= fromUs,
  );
}

function reachAt(atUs: number, startUs: number, releaseUs: number): number {
  const share =
    atUs < startUs ? 1 - (startUs - atUs) / comesUs : 1 - Math.max(0, atUs - releaseUs) / leavesUs;
  const within = Math.max(0, Math.min(1, share));
  return within * within * (3 - 2 * within);
}
