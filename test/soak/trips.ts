import { loadCatalogue } from '#catalogue/load.ts';
import { loadBoard } from '#config/load.ts';
import { tallyTrips } from '#test/support/random-trips.ts';
import type { Stage } from './stage.ts';

/** Random trips in the physical world: nothing decided wrong, and a question for everything unlisted. */
export const tripsStage: Stage = {
  name: 'trips',
  about: 'random shopping trips, every decision compared with what happened',
  async run({ trips, seed }) {
    const board = await loadBoard('demo-cart');
    const catalogue = await loadCatalogue('config/catalogues/demo.json');
    const { faults, ...figures } = tallyTrips(seed, trips, board, catalogue);
    const unasked = figures.unlisted - figures.unlistedAsked;
    const counted = figures.wrong + unasked;
    // Each wrong decision is told; the count stands for those that are not.
    const untold = counted > 0 && faults.length === 0 ? [`${counted} wrong decisions`] : [];
    return {
      summary: `trips by chance: ${JSON.stringify(figures)}`,
      faults: counted > 0 ? [...faults, ...untold] : [],
    };
  },
};
