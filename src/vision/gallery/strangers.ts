import { cosineOf, meanDirection, type Values } from './embedding.ts';

/** How many times farther than the others are from each other a stranger is, at least. */
const farther = 3;
/** A stranger is at least this share of the usual distance of unrelated looks away; of two pictures, the other share. */
const unrelated = 0.6;
const unrelatedPair = 0.75;

/**
 * Pictures that show something else than the others. A picture is a stranger where the nearest of the others, and their
 * mean, are more than three times as far away as the others are from each other, and farther than 0.6 of the distance
 * at which other looks usually are. They are found one after the other, the farthest first. Of two pictures
 * nobody can say which is the stranger; both are, where they are 0.75 of that distance apart.
 *
 * Tried with groceries that a network was not trained on: of 4 pictures of a product and one of another the latter is
 * found in 84 % of all cases, and of 5 pictures of a product one is left out wrongly in 1 to 4 %.
 * @param usual how far other looks usually are, as 1 - cosine
 * @param earlier what is known of the product; none of these is a stranger
 * @returns indexes of `pictures`, in ascending order
 */
export function findStrangers(
  pictures: readonly Values[],
  usual: number,
  earlier: readonly Values[] = [],
): number[] {
  const strangers: number[] = [];
  for (;;) {
    const rest = pictures.flatMap((values, index) => (strangers.includes(index) ? [] : [{ values, index }]));
    const judged = rest.map(({ values, index }) => {
      const others = [...earlier, ...rest.filter((one) => one.index !== index).map((one) => one.values)];
      return { index, away: distanceFrom(values, others), spread: spreadOf(others) };
    });
    if (rest.length + earlier.length <= 2) {
      const apart = judged.filter(({ away }) => away > unrelatedPair * usual);
      strangers.push(...apart.map(({ index }) => index));
      break;
    }
    const [found] = judged
      .filter(({ away, spread }) => away > farther * spread && away > unrelated * usual)
      .sort((a, b) => b.away - a.away);
    if (found === undefined) break;
    strangers.push(found.index);
  }
  return strangers.sort((a, b) => a - b);
}

/** Distance to the nearest of these and of their mean; 0 where there are none. */
function distanceFrom(values: Values, others: readonly Values[]): number {
  if (others.length === 0) return 0;
  return Math.min(...[meanDirection(others), ...others].map((other) => 1 - cosineOf(values, other)));
}

/** Median distance of each of these from the mean of the rest of them. */
function spreadOf(pictures: readonly Values[]): number {
  const distances = pictures.map((values, index) => {
    const rest = pictures.filter((_, other) => other !== index);
    return rest.length === 0 ? 0 : 1 - cosineOf(values, meanDirection(rest));
  });
  return distances.sort((a, b) => a - b)[distances.length >> 1] ?? 0;
}
