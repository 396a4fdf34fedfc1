import type { EnrolledTold } from '#vision/gallery/told.ts';
import type { Looks } from './enroll-gallery.ts';
import { printable } from './terminal.ts';

const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;

/**
 * What came of enrolling, for people.
 * @param names of the pictures, in the order in which they were given
 */
export function reportLines(
  told: EnrolledTold,
  names: readonly string[],
  gallery: string,
): { readonly lines: readonly string[]; readonly warned: boolean } {
  const { look, nearest, rejected, confused } = told;
  const nameOf = (picture: number) => names[picture - 1] ?? `picture ${picture}`;
  const warnings = [
    ...rejected.map(({ picture, resembles }) => {
      const what =
        resembles === undefined ? 'shows something else' : `shows something else, perhaps ${resembles}`;
      return `left out: ${nameOf(picture)} ${what} (--keep-all keeps it)`;
    }),
    ...confused.map(
      (one) => `${nameOf(one.picture)} looks more like ${one.look} than like the other pictures`,
    ),
    ...(nearest?.similar === true
      ? [`${look} and ${nearest.look} look so much alike that they will be taken for each other`]
      : []),
  ];
  const lines = [
    `${look}: ${plural(told.pictures, 'picture')}, ${plural(told.references, 'reference')}`,
    `gallery: ${plural(told.total, 'product')} (${gallery}, version ${told.version.slice(0, 8)})`,
    ...(nearest === undefined
      ? []
      : [`nearest other product: ${nearest.look} (cosine ${(nearest.cosinePpm / 1_000_000).toFixed(2)})`]),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  return { lines: lines.map(printable), warned: warnings.length > 0 };
}

/** A gallery's products as a table. */
export function listLines({ looks, version }: Looks, gallery: string): string[] {
  const width = Math.max(7, ...looks.map(({ look }) => look.length));
  const of = version === undefined ? gallery : `${gallery}, version ${version.slice(0, 8)}`;
  return [
    ...(looks.length === 0 ? [] : [`${'product'.padEnd(width)}  references  pictures`]),
    ...looks.map(
      ({ look, references, pictures }) =>
        `${look.padEnd(width)}  ${String(references).padStart(10)}  ${String(pictures).padStart(8)}`,
    ),
    `${plural(looks.length, 'product')} (${of})`,
  ].map(printable);
}
