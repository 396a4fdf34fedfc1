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

/** What was told of a plate's stock, in order: counts of one product. */
const stockOf = ({ of }: Played, plate: string) =>
  of('shelf.stock').flatMap(({ data }) => (data.plate === plate ? [data.count] : []));

test("while staff restock, what they move is nobody's purchase, and shoppers beside them are served as ever", async (t) => {
  for (const played of await says(t, 'restocking', [`taken 1 ${water}`, `taken 1 ${linguine}`])) {
    t.deepEqual(played.outcomes, [
      { status: 'done', data: { plates: ['s1-p1', 's1-p2'] } },
      { status: 'done', data: { plates: ['s1-p1', 's1-p2'] } },
    ]);
    t.is(played.score.missed, 0);
    t.deepEqual(
      stockOf(played, 's1-p1').slice(-2),
      [12, 11],
      'counted when they are done, and after what is taken',
    );
    t.is(stockOf(played, 's1-p2').at(-1), 8);
  }
});

test('a plate tells how many are left, and that nothing is', async (t) => {
  const said = ['taken 1', 'taken 2', 'taken 2', 'returned 2'].map((what) => `${what} ${water}`);
  for (const played of await says(t, 'sold-out', said)) {
    t.deepEqual(stockOf(played, 's1-p4').slice(-4), [4, 2, 0, 2], `seed ${played.seed}`);
  }
});

test('what is misplaced is no stock of the plate where it lies', async (t) => {
  const misplaced = `misplaced 1 ${honey} on s1-p1, belongs on s1-p5`;
  const said = [`taken 1 ${honey}`, misplaced, `taken 1 ${linguine}`];
  for (const played of await says(t, 'misplaced-counted', said)) {
    t.deepEqual(stockOf(played, 's1-p1').slice(-2), [8, 7], `seed ${played.seed}`);
    t.is(stockOf(played, 's1-p5').at(-1), 5);
  }
});

test('drift over hours takes nothing, and what is taken then is still told apart', async (t) => {
  t.timeout(180_000);
  const said = ['taken 1 Melinda Barretta 100% Frutta Mela e Mirtillo', `taken 1 ${nutella}`];
  for (const played of await says(t, 'drift-for-hours', said, [1, 2])) {
    t.deepEqual(stockOf(played, 's1-p8'), [20, 19]);
    t.is(played.of('movement.settled').length, 2);
  }
});

test('what a jammed divider carries over to the next plate is neither taken there nor asked about', async (t) => {
  const said = [`taken 1 ${nutella}`, `taken 1 ${linguine}`, `returned 1 ${nutella}`, `taken 2 ${linguine}`];
  await says(t, 'coupled-plates', said);
  await says(t, 'coupled-plates-hard', said);
});
