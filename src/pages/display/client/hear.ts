import { listen } from '../../client/stream.ts';
import type { DisplaySettings, DisplayState, DisplayUpdate } from '../source.ts';
import type { Acts } from './acts.ts';
import type { Shopper } from './shopper.ts';

interface Picture {
  readonly token: string;
  readonly settings: DisplaySettings;
  readonly state: DisplayState;
}

const mmPerInch = 25.4;
/** Nothing that is touched is smaller, mm. */
const targetMm = 15;

/** Shows what the gateway says, and that it says nothing. */
export function listenToGateway(acts: Acts, shopper: Shopper): void {
  listen<Picture, DisplayUpdate>('api/stream', ['state', 'weight', 'event'], {
    picture({ token, settings, state }) {
      acts.token = token;
      const pixels = Math.ceil((targetMm / mmPerInch) * settings.pixelsPerInch);
      document.documentElement.style.setProperty('--target', `${pixels}px`);
      shopper.begin(settings, state);
    },
    update: (update) => shopper.hear(update),
    lost: () => shopper.lost(),
  });
}
