import { type Child, h } from '../../../client/dom.ts';
import type { PlateFacts } from '../board.ts';
import type { PlateCandidate, PlateView } from '../calibration.ts';
import { grams, kilograms, weightName } from '../format.ts';
import { platePicture, residualPlot } from '../plots.ts';
import { badge, card, spoken, table } from './parts.ts';

const percent = (ppm: number) => `${ppm < 0 ? '−' : '+'}${(Math.abs(ppm) / 10_000).toFixed(3)} %`;
const place = (at: string) => (at === 'centre' ? 'middle' : at);

/** What the fit says, and what checks say: how far each load is from it, and how each cell has changed. */
export function candidateCard({ candidate, verifications }: PlateView, plate: PlateFacts | undefined): Child {
  const checks = verifications.map((one) => ({ ...one, checked: true }));
  const points = [...(candidate?.residuals.map((one) => ({ ...one, checked: false })) ?? []), ...checks];
  if (candidate === undefined && points.length === 0) return undefined;
  const outside = points.filter(({ errorMg, mpeMg }) => Math.abs(errorMg) > mpeMg).length;
  const verdict =
    outside === 0
      ? badge('good', 'all loads within the permissible error')
      : badge('bad', `${outside} of ${points.length} loads outside`);
  return card(
    candidate === undefined ? 'Checked' : 'Result',
    h('p', {}, points.length > 0 && verdict, candidate !== undefined && ` ${modelText(candidate)}`),
    candidate?.warnings.map(({ code, message }) =>
      h('p', { class: 'notice' }, badge('warn', code), ' ', message),
    ),
    points.length > 0 && [
      residualPlot(points, plate?.intervalMg, { mass: weightName, error: grams }),
      h(
        'p',
        { class: 'hint' },
        'Circles were fitted, diamonds checked; filled ones with a rim are outside. Dashed: maximum permissible error.',
      ),
    ],
    candidate !== undefined && (plate?.cells.length ?? 0) > 1 && cornerMap(candidate, plate?.cells ?? []),
    points.length > 0 &&
      table(
        'Errors',
        ['Load', 'Where', 'Error', 'Verdict', 'Permissible', 'Indicated'],
        points.map(({ massMg, at, indicatedMg, errorMg, mpeMg, checked }) => [
          weightName(massMg),
          place(at),
          grams(errorMg),
          Math.abs(errorMg) <= mpeMg ? badge('good', checked ? 'passed' : 'fits') : badge('bad', 'outside'),
          `±${(mpeMg / 1_000).toFixed(1)} g`,
          kilograms(indicatedMg),
        ]),
      ),
  );
}

function modelText({ model, trimmed }: PlateCandidate): string {
  return `Model: ${model}${trimmed ? ', corners trimmed' : ''}.`;
}

function cornerMap({ residuals, gainPpm }: PlateCandidate, cells: PlateFacts['cells']): HTMLElement {
  const notes = Object.fromEntries(
    cells.map(({ id }) => {
      const corner = residuals.findLast(({ at }) => at === id);
      const gain = gainPpm[id];
      const lines = [
        ...(corner === undefined ? [] : [grams(corner.errorMg)]),
        ...(gain === undefined ? [] : [percent(gain)]),
      ];
      return [id, lines];
    }),
  );
  const label = `Corner map. ${cells.map(({ id }) => `${id}: ${notes[id]?.join(', ') || 'not measured'}`).join('; ')}`;
  return h(
    'figure',
    {},
    platePicture(label, cells, undefined, notes),
    h(
      'figcaption',
      { class: 'hint' },
      'At each cell: the error with the load over it, and how its factor changed.',
    ),
  );
}

/** What was measured so far. */
export function loadsCard({ loads, observations, substitutedMg }: PlateView): Child {
  if (loads.length === 0 && observations.length === 0) return undefined;
  return card(
    'Measured',
    substitutedMg > 0 && h('p', {}, `Substitution load on the plate: ${kilograms(substitutedMg)}`),
    loads.length > 0 &&
      table(
        'Loads',
        ['Load', 'Where', 'By the calibration before'],
        loads.map(({ massMg, at, apparentMg }) => [weightName(massMg), place(at), kilograms(apparentMg)]),
      ),
    observations.length > 0 &&
      table(
        'Readings of tests',
        ['Test', 'Load', 'Where', 'Indicated', 'Difference'],
        observations.map(({ test, massMg, at, indicatedMg }) => [
          spoken(test),
          weightName(massMg),
          place(at),
          kilograms(indicatedMg),
          grams(indicatedMg - massMg),
        ]),
      ),
  );
}
