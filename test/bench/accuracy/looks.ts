import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Random } from '#base/random.ts';
import { ppm } from '#base/units.ts';
import type { Catalogue } from '#catalogue/products.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { sightingOf } from '#pipeline/sightings.ts';
import { root } from '#test/bench/support/processes.ts';
import type { Looked, SeenThing } from '#vision/process/messages.ts';

const fileSchema = z.object({
  pictures: z.array(
    z.object({
      look: z.string(),
      unknownPpm: z.number(),
      ambiguous: z.boolean(),
      said: z.array(z.tuple([z.string(), z.number()])),
    }),
  ),
});
type Picture = z.infer<typeof fileSchema>['pictures'][number];

/** A thing that moved, as far as a camera is concerned. */
interface Visible {
  readonly look: string | undefined;
  readonly change: 'came' | 'went';
}

/**
 * How often a look at a basket shows less than what moved: the thing lies under others, or an arm is still there. Set by
 * judgement, not measured: no pictures of real baskets are at hand.
 */
const hiddenShare = 0.05;
const armShare = 0.04;
/** A second thing that was only pushed, seen beside the first. */
const pushedShare = 0.03;
/** From settling to what is said: the next quiet frame of six a second, comparing, recognizing. */
const leastDelayUs = 180_000;
const mostDelayUs = 620_000;

/**
 * What cameras say, drawn from what the shipped model and gallery really said of real pictures: of a thing's own class
 * where there are pictures of it, else of goods that the catalogue doesn't have in its gallery.
 */
export class Looks {
  readonly known: ReadonlySet<string>;
  readonly #byLook = new Map<string, Picture[]>();
  readonly #strangers: readonly Picture[];
  readonly #enrolledPpm: number;

  constructor(pictures: readonly Picture[], catalogue: Catalogue) {
    const listed = pictures.filter(({ look }) => catalogue.byLook.has(look));
    this.#strangers = pictures.filter(({ look }) => !catalogue.byLook.has(look));
    for (const picture of listed) {
      this.#byLook.set(picture.look, [...(this.#byLook.get(picture.look) ?? []), picture]);
    }
    this.known = new Set(this.#byLook.keys());
    this.#enrolledPpm = Math.round((ppm * this.known.size) / catalogue.byLook.size);
  }

  /** When a camera says what it saw of a movement that settled then, µs. */
  delayUs(random: Random): number {
    return Math.round(leastDelayUs + (mostDelayUs - leastDelayUs) * random.next() ** 2);
  }

  /** What one camera says of a movement; undefined where it says nothing that is evidence. */
  say(
    moved: readonly Visible[],
    about: {
      readonly camera: string;
      readonly plate: string;
      readonly settledAtUs: number;
      readonly atUs: number;
    },
    catalogue: Catalogue,
    random: Random,
  ): Extract<PipelineInput, { kind: 'sighting' }> | undefined {
    const shown = moved.filter(() => random.next() >= hiddenShare);
    const arm = random.next() < (moved.length === 0 ? 0.5 : armShare);
    const things = arm ? [] : shown.map(({ look, change }) => this.#see(look, change, false, random));
    if (things.length > 0 && random.next() < pushedShare) {
      things.push(this.#see(undefined, 'came', true, random));
    }
    const outcome: Looked['outcome'] = arm ? 'hand-only' : things.length > 0 ? 'seen' : 'nothing-changed';
    const { camera, plate, settledAtUs, atUs } = about;
    return sightingOf(
      {
        kind: 'looked',
        id: 0,
        camera,
        plate,
        settledAtUs,
        atUs,
        outcome,
        things,
        enrolledPpm: this.#enrolledPpm,
      },
      catalogue,
      atUs,
    );
  }

  #see(look: string | undefined, change: 'came' | 'went', moved: boolean, random: Random): SeenThing {
    const pictures = (look === undefined ? undefined : this.#byLook.get(look)) ?? this.#strangers;
    const picture = pictures[random.integer(pictures.length)];
    const left = random.integer(700);
    const top = random.integer(700);
    return {
      change,
      moved,
      box: [left, top, 120 + random.integer(180), 120 + random.integer(180)],
      candidates: (picture?.said ?? []).map(([name, probabilityPpm]) => ({ look: name, probabilityPpm })),
      unknownPpm: picture?.unknownPpm ?? ppm,
      ambiguous: picture?.ambiguous ?? false,
    };
  }
}

/** The words of the shipped model on 296 real pictures. */
export async function loadLooks(catalogue: Catalogue): Promise<Looks> {
  const text = await readFile(join(root, 'test/fixtures/accuracy/looks.json'), 'utf8');
  return new Looks(fileSchema.parse(JSON.parse(text)).pictures, catalogue);
}
