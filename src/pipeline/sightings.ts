import { ppm } from '#base/units.ts';
import type { Catalogue } from '#catalogue/products.ts';
import type { Looked } from '#vision/process/messages.ts';
import type { PipelineInput } from './inputs.ts';
/**
 * What a camera saw, as evidence about the catalogue's products; undefined where it says nothing of them.
 *
 * A camera can only tell products apart that are enrolled. What it takes for something that the catalogue doesn't have, or
 * for nothing that it knows, may as well be one of the products that are not enrolled: that much of the probability goes to
 * no candidate, which fusion spreads over the products that weren't named. Were it all called unknown, a gallery of few
 * products would speak against all others.
 */
export function sightingOf(
  { camera, plate, settledAtUs, outcome, candidates, enrolledPpm }: Looked,
  catalogue: Pick<Catalogue, 'byLook'>,
  atUs: number,
): Extract<PipelineInput, { kind: 'sighting' }> | undefined {
  if (outcome !== 'seen' || enrolledPpm === 0) return undefined;
  const listed = candidates.filter(({ look }) => catalogue.byLook.has(look));
  const none = listed.reduce((left, { probabilityPpm }) => left - probabilityPpm, ppm);
  const unknownPpm = Math.round(Math.max(0, none) * (enrolledPpm / ppm));
  // When it was told, not when it was seen: that lies before what has been decided on meanwhile.
  return { kind: 'sighting', source: camera, atUs, plate, settledAtUs, candidates: listed, unknownPpm };
}
