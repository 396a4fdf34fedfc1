import { cosineOf, meanDirection, toBytes, type Values } from './embedding.ts';

/** What a gallery has of a look already: its mean first. */
interface Earlier {
  readonly references: readonly Int8Array[];
  readonly pictures: number;
}

/** References that are kept of a look: the mean and four others. */
const sides = 4;
/** What is nearer than this to a reference is the same picture. */
const sameFrom = 0.999;
const rounds = 10;

/**
 * The references of a look, of embeddings of its pictures and of what the gallery has of it: their mean first, then
 * up to four that stand for the different sides it shows, which are the pictures themselves where there are no more.
 *
 * The sides are found by k-means of directions (Dhillon and Modha, Concept decompositions, 2001), which begins
 * with the pictures that are farthest from what was chosen before. Tried with 15 kinds of groceries that a network
 * was not trained on, five pictures each, among 81: mean alone 83.7 % of their other pictures, mean and four sides 90.6 %, and
 * trained kinds lose 0.2 points on held-out pictures and 1.7 on others.
 */
export function chooseReferences(earlier: Earlier, pictures: readonly Int8Array[]): Int8Array[] {
  const [earlierMean, ...earlierSides] = earlier.references;
  // What was clustered earlier stands for as many pictures as it was made of.
  const sideWeight = Math.max(1, earlier.pictures / Math.max(1, earlierSides.length));
  const parts = earlierMean === undefined ? pictures : [earlierMean, ...pictures];
  const mean = meanDirection(
    parts,
    parts.map((part) => (part === earlierMean ? earlier.pictures : 1)),
  );
  const points = [
    ...earlierSides.map((values) => ({ values, weight: sideWeight })),
    ...pictures.map((values) => ({ values, weight: 1 })),
  ];
  const seeds = farthest(
    mean,
    points.map(({ values }) => values),
  );
  return [mean, ...clusterMeans(points, seeds)].flatMap((values) => toBytes(values) ?? []);
}

/** Up to four of these, each the farthest from those chosen before it and from the mean. */
function farthest(mean: Values, from: readonly Int8Array[]): Values[] {
  const chosen: Values[] = [];
  const nearness = from.map((values) => cosineOf(values, mean));
  while (chosen.length < sides) {
    const least = nearness.indexOf(Math.min(...nearness));
    const values = from[least];
    if (values === undefined || (nearness[least] ?? 1) >= sameFrom) break;
    chosen.push(values);
    from.forEach((other, index) => {
      nearness[index] = Math.max(nearness[index] ?? -1, cosineOf(other, values));
    });
  }
  return chosen;
}

interface Point {
  readonly values: Values;
  readonly weight: number;
}

/** Means of the points that are nearest to each centre, again and again until nothing changes. */
function clusterMeans(points: readonly Point[], seeds: readonly Values[]): Values[] {
  let centres = [...seeds];
  let before = '';
  for (let round = 0; round < rounds; round++) {
    const nearest = points.map(({ values }) => {
      const cosines = centres.map((centre) => cosineOf(values, centre));
      return cosines.indexOf(Math.max(...cosines));
    });
    if (nearest.join() === before) break;
    before = nearest.join();
    centres = centres.map((centre, index) => {
      const own = points.filter((_, point) => nearest[point] === index);
      if (own.length === 0) return centre;
      return meanDirection(
        own.map(({ values }) => values),
        own.map(({ weight }) => weight),
      );
    });
  }
  return centres;
}
