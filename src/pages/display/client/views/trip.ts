import type { ShownBasket } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Page } from '../page.ts';
import { dealCard } from './offers.ts';
import { questionPanel } from './question.ts';
import { receiptPanel, totalMinor } from './receipt.ts';

/** As many deals as fit beside the receipt. */
const dealsBeside = 3;

/** The shopping itself: the receipt, and beside it the question, or else deals that fit. */
export function tripView(page: Page, basket: ShownBasket): HTMLElement {
  return h(
    'div',
    { class: 'trip' },
    receiptPanel(page, basket),
    h('div', { class: 'side' }, questionPanel(page) ?? dealsPanel(page) ?? howPanel(page)),
  );
}

function dealsPanel(page: Page): HTMLElement | undefined {
  const { language, state } = page;
  const deals = state.deals.filter((deal) => deal.why !== 'store').slice(0, dealsBeside);
  if (deals.length === 0) return undefined;
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'deals-title', 'data-key': 'deals' },
    h('h2', { id: 'deals-title' }, icon('offer'), language.say('offersTitle')),
    h(
      'ul',
      { class: 'deals' },
      deals.map((deal) => dealCard(deal, page)),
    ),
  );
}

function howPanel({ language, state }: Page): HTMLElement {
  const step = (name: string, sentence: 'howScan' | 'howPlace' | 'howPay') =>
    h('li', {}, icon(name), h('span', {}, language.say(sentence)));
  return h(
    'section',
    { class: 'panel how', 'data-key': 'how' },
    h('ol', {}, step('scan', 'howScan'), step('place', 'howPlace'), step('pay', 'howPay')),
    state.phone?.joined === false &&
      button('settings', [icon('phone'), h('span', {}, language.say('phone'))]),
  );
}

/** The row of buttons at the bottom: the same on every screen, so that nobody has to look for help or the way to pay. */
export function bar(page: Page): readonly HTMLElement[] {
  const { language, state } = page;
  const { basket } = state;
  const call = callButton(page);
  if (basket?.state !== 'open') return [call];
  const amount = language.money(totalMinor(basket), basket.totals.currency);
  return [
    call,
    button('find', [icon('fruit'), h('span', {}, language.say('fruit'))]),
    button('offers', [icon('offer'), h('span', {}, language.say('offers'))]),
    button('settings', [icon('settings'), h('span', {}, language.say('settings'))]),
    button('pay', [icon('pay'), h('span', {}, language.say('payAmount', { amount }))], {
      class: 'main',
      disabled: basket.lines.length === 0,
    }),
  ];
}

export function callButton({ language }: Page): HTMLElement {
  return button('call', [icon('call'), h('span', {}, language.say('callSomeone'))], { 'data-key': 'call' });
}
