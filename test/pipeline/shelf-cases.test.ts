import test, { type ExecutionContext } from 'ava';
import { type Played, playCase, seeds } from './cases.ts';

/** Plays a case with every seed of noise and asserts that the same is said each time, stock aside. */
async function says(
  t: ExecutionContext,
  name: string,
  said: readonly string[],
  withSeeds: readonly number[] = seeds,
): Promise<readonly Played[]> {
  const all = await playCase(name, {}, withSeeds);
  for (const played of all) {
    const decided = played.said.filter((line) => !line.startsWith('stock of'));
    t.deepEqual(decided.toSorted(), said.toSorted(), `${name}, seed ${played.seed}`);
    t.is(played.score.wrong, 0);
  }
  return all;
}

const linguine = 'De Cecco Linguine n° 7';
const nutella = 'Ferrero Nutella';
const honey = 'Miele Ambrosoli Miele';
const water = 'Uliveto Acqua Minerale Naturale';

test('what is taken from a shelf is what the planogram says, one or two at a time', async (t) => {
  await says(t, 'shelf-take-one', [`taken 1 ${linguine}`]);
  await says(t, 'shelf-take-two', [
    'taken 2 Rio Mare Tonno O. oliva',
    'taken 1 Melinda Barretta 100% Frutta Mela e Mirtillo',
  ]);
});

test('a jar that is read and put back is returned', async (t) => {
  await says(t, 'shelf-return', [`taken 1 ${nutella}`, `returned 1 ${nutella}`]);
});

test('a jar on the wrong plate is misplaced, and it is said where it belongs', async (t) => {
  const misplaced = `misplaced 1 ${honey} on s1-p7, belongs on s1-p5`;
  await says(t, 'shelf-wrong-plate', [`taken 1 ${honey}`, misplaced]);
});

test('one person who takes from two plates with both hands takes both', async (t) => {
  await says(t, 'two-plates-one-person', [`taken 1 ${nutella}`, `taken 1 ${water}`]);
});

test('two people at one plate take two, and a third beside them takes his own', async (t) => {
  await says(t, 'two-people-one-plate', [
    `taken 1 ${nutella}`,
    `taken 2 ${linguine}`,
    `returned 1 ${linguine}`,
  ]);
});

test('two people at two plates at the same moment are told apart', async (t) => {
  await says(t, 'shelf-two-plates', [
    `taken 1 ${water}`,
    `taken 1 ${honey}`,
    'taken 1 Coop Aceto di Vino Bianco',
  ]);
});
