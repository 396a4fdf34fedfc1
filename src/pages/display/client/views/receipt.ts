import { unbroken } from '../../../client/names.ts';
import type { ShownBasket } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Language } from '../language.ts';
import type { Page } from '../page.ts';

export type ShownLine = ShownBasket['lines'][number];

/** What the basket comes to as far as it is known: with the estimates, without what the till prices. */
export function totalMinor({ totals }: ShownBasket): number {
  return totals.probableMinor ?? totals.finalMinor + totals.estimateMinor;
}

function savedMinor({ totals }: ShownBasket): number {
  return (totals.savedMinor ?? 0) + (totals.estimateSavedMinor ?? 0);
}

/** The running receipt, what was put in last on top. */
export function receiptPanel(page: Page, basket: ShownBasket): HTMLElement {
  const { language } = page;
  const lines = [...basket.lines].reverse();
  return h(
    'section',
    { class: 'receipt', 'aria-labelledby': 'receipt-title' },
    h(
      'h2',
      { id: 'receipt-title' },
      language.say('receipt'),
      h('small', {}, language.count('items', basket.totals.items)),
    ),
    lines.length === 0
      ? h(
          'div',
          { class: 'empty' },
          icon('place'),
          h('p', {}, language.say('empty')),
          h('p', {}, language.say('emptyHow')),
        )
      : h(
          'ul',
          { class: 'lines', tabindex: 0, 'aria-labelledby': 'receipt-title' },
          lines.map((line) => lineRow(page, basket, line)),
        ),
    sumPanel(page, basket),
  );
}

function lineRow(page: Page, basket: ShownBasket, line: ShownLine): HTMLElement {
  const { language } = page;
  // No scale sees it going, from a rack or while out of order: the shopper says so.
  const unweighed = line.unweighed !== undefined;
  return h(
    'li',
    { class: 'line', 'data-key': `line-${line.line}` },
    lineText(language, basket.totals.currency, line),
    linePrice(language, basket.totals.currency, line),
    button('line', [h('span', {}, language.say(unweighed ? 'tookOff' : 'notMine'))], {
      'data-line': line.line,
      'aria-label': language.say(unweighed ? 'tookOffOf' : 'notMineOf', { name: line.name }),
    }),
  );
}

/** What a line is of: name, how many or how much, and what is special about it. */
export function lineText(language: Language, currency: string, line: ShownLine): HTMLElement {
  const { unitPriceMinor, massMg, count } = line;
  const money = (minor: number) => language.money(minor, currency);
  const each =
    massMg !== undefined && unitPriceMinor !== undefined
      ? `${language.mass(massMg)} · ${language.say('perKg', { price: money(unitPriceMinor) })}`
      : count > 1 && unitPriceMinor !== undefined
        ? language.say('each', { count: String(count), price: money(unitPriceMinor) })
        : '';
  const notes = [
    line.depositMinor !== undefined && language.say('deposit', { amount: money(line.depositMinor) }),
    line.minimumAge !== undefined && language.say('fromAge', { age: String(line.minimumAge) }),
    line.unplaced !== undefined && line.unplaced > 0 && language.say('placeNow').replace(/:$/, ''),
    line.unweighed !== undefined && language.say('notWeighed'),
    line.disputed === true && language.say('lineAsked'),
  ].filter((note) => note !== false);
  return h(
    'span',
    { class: 'name' },
    unbroken(count > 1 && massMg !== undefined ? `${count} × ${line.name}` : line.name),
    each !== '' && h('small', {}, each),
    line.savings?.map((saving) =>
      h(
        'small',
        { class: 'saving' },
        language.say('lineSaved', { name: saving.name, amount: money(saving.savedMinor) }),
      ),
    ),
    notes.map((note) => h('small', {}, note)),
  );
}

/** What a line costs after savings; a price that isn't final says so in words. */
export function linePrice(language: Language, currency: string, line: ShownLine): HTMLElement {
  if (line.priceStatus === 'at-till')
    return h('span', { class: 'price' }, h('small', {}, language.say('atTill')));
  const price = language.money(line.priceMinor - (line.savedMinor ?? 0), currency);
  return h(
    'span',
    { class: 'price' },
    price,
    line.priceStatus === 'estimate' && h('small', {}, language.say('estimated')),
  );
}

/** The total, what was saved, and how much of it is not final. */
function sumPanel({ language }: Page, basket: ShownBasket): HTMLElement {
  const { totals } = basket;
  const money = (minor: number) => language.money(minor, totals.currency);
  const saved = savedMinor(basket);
  const { depositMinor = 0, estimateMinor, atTill } = totals;
  return h(
    'div',
    { class: 'sum' },
    h(
      'div',
      { class: 'notes' },
      saved > 0 && h('small', { class: 'saving' }, language.say('saved', { amount: money(saved) })),
      depositMinor > 0 && h('small', {}, language.say('depositTotal', { amount: money(depositMinor) })),
      estimateMinor > 0 && h('small', {}, language.say('estimates', { amount: money(estimateMinor) })),
      atTill > 0 && h('small', {}, language.count('atTillLines', atTill)),
    ),
    h(
      'p',
      { class: 'total' },
      language.say('total'),
      h('strong', { id: 'total' }, money(totalMinor(basket))),
    ),
  );
}
