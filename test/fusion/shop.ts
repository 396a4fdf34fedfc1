import { Bench, each, loose } from './harness.ts';

/** What the tests buy; masses in grams. */
const shop = [
  each('milk', 1030, 6),
  each('yoghurt', 512, 4),
  each('butter', 262, 2.5),
  each('jam', 700, 5),
  each('pasta', 505, 4),
  each('soup', 430, 4),
  each('soap', 118, 1.5),
  each('rice', 1015, 8),
  loose('bananas', '4011', 800),
  loose('apples', '4129', 600),
];
// Goods in the background, so that a mass alone says little, as in a store.
export const crowd = Array.from({ length: 300 }, (_, i) => each(`filler${i}`, 40 + i * 6.7, 3 + (i % 5)));

/** A cart in a shop where a mass alone says little. */
export const bench = () => new Bench([...shop, ...crowd]);
