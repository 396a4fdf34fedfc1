import { PipelineError } from '../errors.ts';
import type { Handlers } from './targets.ts';

/** Commands of staff who work on a device: restocking, cleaning, test weights. */
export const upkeepCommands: Pick<Handlers, `maintenance.${'begin' | 'end'}`> = {
  'maintenance.begin': ({ plates, minutes }, { basket, upkeep }, atUs) => {
    if (basket.session !== undefined) {
      throw new PipelineError(
        'CW-PIP-011',
        'a session is open; end it, or work on the cart when its shopper has left',
      );
    }
    upkeep.begin(plates, minutes, atUs);
    return { plates: [...upkeep.maintained] };
  },
  'maintenance.end': ({ plates }, { upkeep }, atUs) => ({ plates: [...upkeep.end(plates, atUs)] }),
};
