import type { Catalogue, Product } from '#catalogue/products.ts';
import type { EventData } from '#events/catalog.ts';
import type { basketQuestion } from '#events/data/baskets.ts';
import type { Infer } from '#events/fields.ts';
import { priceByMass } from './lines.ts';

/** A question that is open, with what it may cost. */
export type Asked = Infer<typeof basketQuestion>;

type Candidate = EventData<'item.unresolved'>['candidates'][number];
type Book = Pick<Catalogue, 'byGtin' | 'byPlu'>;

/** The product that a candidate, line or item event names; undefined for one that the catalogue doesn't have. */
export function productOf(
  book: Book,
  { gtin, plu }: { readonly gtin?: string | undefined; readonly plu?: string | undefined },
): Product | undefined {
  if (gtin !== undefined) return book.byGtin.get(gtin);
  return plu === undefined ? undefined : book.byPlu.get(plu);
}

/** Signed price of a candidate's units, deposit included, minor units; of goods by weight, of the mass that changed. */
function worth(candidate: Candidate, massMg: number, book: Book): number {
  const product = productOf(book, candidate);
  if (product === undefined) return 0;
  const deposit = (product.depositMinor ?? 0) * candidate.count;
  if (product.sale === 'each') return (product.priceMinor ?? 0) * candidate.count + deposit;
  const mass = Math.abs(candidate.expectedMg ?? massMg);
  return Math.sign(candidate.count) * priceByMass(mass, product.priceMinorPerKg ?? 0) + deposit;
}

/**
 * The question with the loss to be expected if it is left open: the candidates' prices weighted by their probability.
 * What the catalogue doesn't have costs nothing here, so it pulls the expectation, and the least, towards 0.
 */
export function askedOf(event: string, data: EventData<'item.unresolved'>, book: Book): Asked {
  const { kind, ask, massMg, plate, candidates, unknownPpm } = data;
  // A scanned thing that was not placed is not in the cart: leaving it open costs nobody anything.
  const priced = kind === 'scanned-not-placed' ? [] : candidates;
  const values = priced.map((candidate) => worth(candidate, massMg, book));
  const weighted = priced.reduce((sum, one, index) => sum + one.probabilityPpm * (values[index] ?? 0), 0);
  const told = priced.reduce((sum, one) => sum + one.probabilityPpm, 0);
  const range = values.length === 0 || unknownPpm > 0 || told < 1_000_000 ? [0, ...values] : values;
  return {
    event,
    kind,
    ask,
    massMg,
    plate,
    candidates,
    unknownPpm,
    expectedMinor: Math.round(weighted / Math.max(1_000_000, told)) + 0,
    lowMinor: Math.min(...range),
    highMinor: Math.max(...range),
  };
}
