import { ppm } from '#base/units.ts';
import type { Catalogue } from '#catalogue/products.ts';
import type { EventData } from '#events/catalog.ts';
import type { Looked, SeenThing } from '#vision/process/messages.ts';
import type { PipelineInput } from './inputs.ts';

type Sighting = Extract<PipelineInput, { kind: 'sighting' }>;

/**
 * What a camera saw, as evidence about the catalogue's products; undefined where it says nothing of them: it had no frames,
 * the look failed (no model, the light went out), or no product is enrolled that it could have known.
 *
 * That nothing changed in the view, or that a hand was in the way, is told: the first speaks a little against there being
 * a thing at all, and both say why a question was not answered by a camera.
 */
export function sightingOf(
  { camera, plate, settledAtUs, outcome, things, enrolledPpm }: Looked,
  catalogue: Pick<Catalogue, 'byLook'>,
  atUs: number,
): Sighting | undefined {
  if (outcome === 'no-frames' || outcome === 'failed') return undefined;
  if (outcome === 'seen' && enrolledPpm === 0) return undefined;
  const seen = things.map((thing) => ofCatalogue(thing, catalogue, enrolledPpm));
  // When it was told, not when it was seen: that lies before what has been decided on meanwhile.
  return { kind: 'sighting', source: camera, atUs, plate, settledAtUs, outcome, things: seen };
}

/**
 * A camera can only tell products apart that are enrolled. What it takes for something that the catalogue doesn't have, or
 * for nothing that it knows, may as well be one of the products that are not enrolled: that much of the probability goes to
 * no candidate, which fusion spreads over the products that weren't named. Were it all called unknown, a gallery of few
 * products would speak against all others.
 */
function ofCatalogue(
  thing: SeenThing,
  catalogue: Pick<Catalogue, 'byLook'>,
  enrolledPpm: number,
): Sighting['things'][number] {
  const candidates = thing.candidates.filter(({ look }) => catalogue.byLook.has(look));
  const none = candidates.reduce((left, { probabilityPpm }) => left - probabilityPpm, ppm);
  return { ...thing, candidates, unknownPpm: Math.round(Math.max(0, none) * (enrolledPpm / ppm)) };
}

/** What the ledger says of a sighting: products by their names, looks that the catalogue doesn't have by their key. */
export function lookSeen(
  { source, plate, outcome, things }: Sighting,
  catalogue: Pick<Catalogue, 'byLook'>,
): EventData<'look.seen'> {
  return {
    source,
    ...(plate === undefined ? {} : { plate }),
    outcome,
    things: things.map(({ change, moved, box, candidates, unknownPpm, ambiguous }) => ({
      ...(change === undefined ? {} : { change }),
      moved,
      ...(box === undefined ? {} : { box }),
      candidates: candidates.map(({ look, probabilityPpm }) => {
        const product = catalogue.byLook.get(look)?.[0];
        return {
          ...(product?.gtin === undefined ? {} : { gtin: product.gtin }),
          ...(product?.plu === undefined ? {} : { plu: product.plu }),
          name: product?.name ?? look,
          count: change === 'went' ? -1 : 1,
          probabilityPpm,
        };
      }),
      unknownPpm,
      ambiguous,
    })),
  };
}
