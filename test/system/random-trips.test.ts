import test from 'ava';
import { loadCatalogue } from '#catalogue/load.ts';
import { loadBoard } from '#config/load.ts';
import { tallyTrips } from '#test/support/random-trips.ts';

test('on forty trips by chance nothing is decided wrong, nothing is missed, and most is decided', async (t) => {
  const firstSeed = 4_000;
  const tally = tallyTrips(
    firstSeed,
    40,
    await loadBoard('demo-cart'),
    await loadCatalogue('config/catalogues/demo.json'),
  );
  t.log(
    `seeds from ${firstSeed}: ${tally.decided} of ${tally.truths} decided, ${tally.asked} asked, ${tally.wrong} wrong; ` +
      `${tally.unlistedAsked} of ${tally.unlisted} unlisted asked`,
  );
  t.deepEqual(tally.faults, []);
  t.is(tally.unlistedAsked, tally.unlisted, 'what no shop sells is asked about');
  t.true(tally.decided / tally.truths > 0.9, `${tally.decided} of ${tally.truths} decided`);
});
