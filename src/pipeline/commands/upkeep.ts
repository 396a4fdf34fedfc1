import { PipelineError } from '../errors.ts';
import type { Handlers } from './targets.ts';

/** Commands of staff who work on a device: restocking, cleaning, test weights. */
export const upkeepCommands: Pick<Handlers, `maintenance.${'begin' | 'end'}`> = {
  'maintenance.begin': (args, { basket, upkeep }, atUs) => {
    if (basket.session !== undefined) {
      throw new PipelineError(
        'CW-PIP-011',
        'a session is open; end it, or work on the cart when its shopper has left',
      );
    }
    upkeep.begin(args, atUs);
    return { plates: [...upkeep.maintained] };
  },
  'maintenance.end': (args, { upkeep }, atUs) => {
    const { ended, clearing } = upkeep.end(args, atUs);
    return { plates: [...ended], ...(args.cleared === true ? { clearing: [...clearing] } : {}) };
  },
};
