import { loadBoard } from '#config/load.ts';
import { enlarge, Goods, loadBenchCatalogue } from './catalogue.ts';
import { loadLooks } from './looks.ts';
import type { Setting } from './trip.ts';

/** Boards, catalogue and looks of the bench; `products`: enlarged to so many, for timing. */
export async function loadSetting(products?: number): Promise<Setting> {
  const real = await loadBenchCatalogue();
  const catalogue = products === undefined ? real : enlarge(real, products);
  const looks = await loadLooks(catalogue);
  return {
    cart: await loadBoard('demo-cart'),
    shelf: await loadBoard('shelf-pi5'),
    goods: new Goods(catalogue, looks.known),
    looks,
  };
}
