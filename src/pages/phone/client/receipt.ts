import { h } from '../../client/dom.ts';
import { unbroken } from '../../client/names.ts';
import type { PhoneBasket } from '../source.ts';
import type { Speech } from './speech.ts';
import type { Sentence } from './words/words.ts';

type Line = PhoneBasket['lines'][number];

const states: Readonly<Partial<Record<PhoneBasket['state'], Sentence>>> = {
  checkout: 'paying',
  suspended: 'suspended',
  paid: 'paid',
};

/** The list of what is in the cart, its total, and what has to be done at the cart. */
export function receipt(speech: Speech, basket: PhoneBasket): readonly HTMLElement[] {
  const { totals, lines, paid } = basket;
  const money = (minor: number) => speech.money(minor, totals.currency);
  const saved = (totals.savedMinor ?? 0) + (totals.estimateSavedMinor ?? 0);
  const state = states[basket.state];
  const sum = paid?.totalMinor ?? totals.probableMinor ?? totals.finalMinor + totals.estimateMinor;
  return [
    ...(state === undefined ? [] : [h('p', { class: 'state', 'data-key': 'state' }, speech.say(state))]),
    ...(totals.open > 0 && basket.state === 'open'
      ? [h('p', { class: 'state', 'data-key': 'asked' }, speech.say('asked'))]
      : []),
    ...(lines.length === 0
      ? [h('p', { class: 'empty' }, speech.say('empty'))]
      : [
          h(
            'ul',
            { class: 'lines' },
            [...lines].reverse().map((line) => lineItem(speech, money, line)),
          ),
        ]),
    h(
      'p',
      { class: 'total' },
      h('span', {}, speech.say('total')),
      h('strong', { id: 'total' }, money(sum)),
      saved > 0 && h('small', { class: 'saving' }, speech.say('saved', { amount: money(saved) })),
      paid !== undefined && h('small', {}, speech.say('reference', { reference: paid.reference ?? '' })),
    ),
  ];
}

function lineItem(speech: Speech, money: (minor: number) => string, line: Line): HTMLElement {
  const { unitPriceMinor, massMg, count, savings = [], depositMinor, priceStatus } = line;
  const price = unitPriceMinor === undefined ? undefined : money(unitPriceMinor);
  const each =
    price === undefined
      ? undefined
      : massMg !== undefined
        ? speech.say('perKg', { mass: speech.mass(massMg), price })
        : count > 1 && speech.say('each', { count: String(count), price });
  return h(
    'li',
    { 'data-key': `line-${line.line}` },
    h(
      'span',
      { class: 'name' },
      unbroken(line.name),
      each !== undefined && each !== false && h('small', {}, each),
      savings.map(({ name, savedMinor }) =>
        h('small', { class: 'saving' }, speech.say('lineSaved', { name, amount: money(savedMinor) })),
      ),
      depositMinor !== undefined && h('small', {}, speech.say('deposit', { amount: money(depositMinor) })),
    ),
    h(
      'span',
      { class: 'price' },
      priceStatus === 'at-till' ? speech.say('atTill') : money(line.priceMinor - (line.savedMinor ?? 0)),
      priceStatus === 'estimate' && h('small', {}, speech.say('estimated')),
    ),
  );
}
