import { unbroken } from '../../../client/names.ts';
import type { ShownDeal } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Page } from '../page.ts';
import type { Sentence } from '../words/words.ts';
import { picture } from './product.ts';

const groups: readonly { readonly why: ShownDeal['why']; readonly title: Sentence }[] = [
  { why: 'basket', title: 'offersBasket' },
  { why: 'near', title: 'offersNear' },
  { why: 'store', title: 'offersAll' },
];

/** One deal, as a card. */
export function dealCard(deal: ShownDeal, page: Page): HTMLElement {
  const { language, state } = page;
  const money = (minor: number) => language.money(minor, state.currency);
  const title = deal.titles[language.code] ?? deal.title;
  return h(
    'li',
    { class: 'deal', 'data-key': deal.id },
    picture({ name: title, ...(deal.picture === undefined ? {} : { picture: deal.picture }) }),
    h('span', { class: 'name' }, unbroken(title), deal.place !== undefined && h('small', {}, deal.place)),
    h(
      'span',
      { class: 'price' },
      deal.priceMinor !== undefined && h('strong', {}, money(deal.priceMinor)),
      deal.beforeMinor !== undefined &&
        h('small', {}, language.say('before', { amount: money(deal.beforeMinor) })),
    ),
  );
}

/** Deals that fit the basket, that are near, and the rest of the store's. */
export function offersView(page: Page): HTMLElement {
  const { language, state } = page;
  return h(
    'section',
    { class: 'offers', 'aria-labelledby': 'offers-title' },
    h(
      'div',
      { class: 'head' },
      button('back', [icon('back'), h('span', {}, language.say('back'))]),
      h('h2', { id: 'offers-title' }, language.say('offersTitle')),
    ),
    state.deals.length === 0 && h('p', { class: 'empty' }, language.say('offersNone')),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'group', 'aria-labelledby': 'offers-title' },
      groups.map(({ why, title }) => {
        const deals = state.deals.filter((deal) => deal.why === why);
        return (
          deals.length > 0 && [
            h('h3', { 'data-key': why }, language.say(title)),
            h(
              'ul',
              { class: 'deals', 'data-key': `${why}-deals` },
              deals.map((deal) => dealCard(deal, page)),
            ),
          ]
        );
      }),
    ),
  );
}
