import { Acts } from './acts.ts';
import { listenToGateway } from './hear.ts';
import { Shopper } from './shopper.ts';

const acts = new Acts();
const shopper = new Shopper(acts);

document.addEventListener('click', (event) => {
  const touched = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-act]') : null;
  if (touched === null || touched.hasAttribute('disabled')) return;
  shopper.touched(touched.dataset.act ?? '', touched.dataset);
});
// What was opened is closed when nobody touches: the next look is at the receipt.
document.addEventListener('pointerdown', () => shopper.awake());
document.addEventListener('keydown', (event) => {
  shopper.awake();
  shopper.typed(event);
});
listenToGateway(acts, shopper);
