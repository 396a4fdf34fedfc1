import type { ShownBasket } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Page } from '../page.ts';
import { cartName } from './notices.ts';
import { linePrice, lineText, totalMinor } from './receipt.ts';

/** Before payment where something is open: questions can be answered now, or are looked at by somebody. */
export function payOpenView(page: Page, basket: ShownBasket): HTMLElement {
  const { language } = page;
  return h(
    'section',
    { class: 'pay', 'aria-labelledby': 'pay-title' },
    h('h2', { id: 'pay-title' }, icon('asked'), language.count('payOpen', basket.totals.open)),
    h('p', {}, language.say('payOpenHow')),
    h(
      'div',
      { class: 'ways' },
      button('back', [icon('asked'), h('span', {}, language.say('payAnswer'))], { class: 'main' }),
      button('pay-anyway', [icon('pay'), h('span', {}, language.say('payAnyway'))]),
    ),
  );
}

/** While the till has the basket. */
export function checkoutView(page: Page, basket: ShownBasket): HTMLElement {
  const { language, state } = page;
  const { totals, checkout } = basket;
  const parts = [
    totals.estimateMinor > 0 &&
      language.say('estimates', { amount: language.money(totals.estimateMinor, totals.currency) }),
    totals.atTill > 0 && language.count('atTillLines', totals.atTill),
    totals.open > 0 && language.count('payOpen', totals.open),
  ];
  return h(
    'section',
    { class: 'pay', 'aria-labelledby': 'pay-title' },
    h('h2', { id: 'pay-title' }, icon('pay'), language.say(state.connected ? 'payWaiting' : 'payOffline')),
    h('p', { class: 'amount' }, language.money(totalMinor(basket), totals.currency)),
    h('p', {}, cartName(language, state.device)),
    parts.map((part) => part !== false && h('p', {}, part)),
    h('p', {}, language.say('payWaitingHow')),
    checkout?.moving === true &&
      h('p', { class: 'notice bad' }, icon('trouble'), language.say('movedPaying')),
    h('div', { class: 'ways' }, button('pay-back', [icon('back'), h('span', {}, language.say('payBack'))])),
  );
}

/** After payment: the receipt. */
export function paidView(page: Page, basket: ShownBasket): HTMLElement {
  const { language } = page;
  const { totals, paid } = basket;
  const money = (minor: number) => language.money(minor, totals.currency);
  const taxes = totals.taxes ?? [];
  return h(
    'section',
    { class: 'pay', 'aria-labelledby': 'pay-title' },
    h('h2', { id: 'pay-title' }, icon('done'), language.say('paid')),
    h(
      'p',
      {},
      paid !== undefined && language.say('paidAmount', { amount: money(paid.totalMinor) }),
      ' ',
      paid !== undefined && language.say('paidReference', { reference: paid.reference }),
    ),
    h(
      'ul',
      { class: 'lines', tabindex: 0, 'aria-labelledby': 'pay-title' },
      basket.lines.map((line) =>
        h(
          'li',
          { class: 'line', 'data-key': `line-${line.line}` },
          lineText(language, totals.currency, line),
          linePrice(language, totals.currency, line),
        ),
      ),
      taxes.map((tax) =>
        h(
          'li',
          { class: 'line', 'data-key': `tax-${tax.code}-${tax.ratePpm}` },
          h('span', { class: 'name' }, language.say('tax', { percent: language.percent(tax.ratePpm) })),
          h('span', { class: 'price' }, money(tax.taxMinor)),
        ),
      ),
    ),
    h(
      'div',
      { class: 'ways' },
      button('close', [icon('done'), h('span', {}, language.say('paidDone'))], { class: 'main' }),
    ),
  );
}

/** A trip that is put aside. */
export function suspendedView({ language }: Page, basket: ShownBasket): HTMLElement {
  return h(
    'section',
    { class: 'pay', 'aria-labelledby': 'pay-title' },
    h('h2', { id: 'pay-title' }, icon('bag'), language.say('suspended')),
    h('p', {}, language.say('suspendedHow')),
    basket.anonymous === true &&
      h(
        'div',
        { class: 'ways' },
        button('resume', [h('span', {}, language.say('resume'))], { class: 'main' }),
      ),
  );
}
