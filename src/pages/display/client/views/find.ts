import type { ShownProduct } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Page } from '../page.ts';
import { picture } from './product.ts';
import { callButton } from './trip.ts';

/** Rows of letters in the alphabet's order, which everybody knows; digits are for the numbers on produce stickers. */
const letters: Readonly<Record<string, readonly string[]>> = {
  en: ['ABCDEFGHI', 'JKLMNOPQR', 'STUVWXYZ'],
  de: ['ABCDEFGHIJ', 'KLMNOPQRST', 'UVWXYZÄÖÜß'],
  it: ['ABCDEFGHI', 'JKLMNOPQR', 'STUVWXYZ'],
  tr: ['ABCÇDEFGĞH', 'Iİ JKLMNOÖ'.replace(' ', ''), 'PRSŞTUÜVYZ'],
};
const digits = '1234567890';
/** The long name of a chosen thing has a price by mass, mg a kilogram. */
const mgPerKg = 1_000_000;

/** What is called as typed: by the beginning of a word of its name first, by its number, then anywhere in the name. */
export function findProduce(page: Page): readonly ShownProduct[] {
  const { language, produce, finding } = page;
  const wanted = language.plain(finding.text.trim());
  const sorted = language.sort(produce, ({ name }) => name);
  if (wanted === '') return sorted;
  const begins = ({ name, plu }: ShownProduct) =>
    plu?.startsWith(wanted) === true ||
    language
      .plain(name)
      .split(/[^\p{L}\p{N}]+/u)
      .some((word) => word.startsWith(wanted));
  const first = sorted.filter(begins);
  const rest = sorted.filter(
    (product) => !first.includes(product) && language.plain(product.name).includes(wanted),
  );
  return [...first, ...rest];
}

/** The look-up of what has no bar code: pictures, or names by a keyboard on the screen; then what to do with the pick. */
export function findView(page: Page): HTMLElement {
  const { language, finding } = page;
  if (finding.picked !== undefined) return pickedView(page, finding.picked);
  const found = findProduce(page);
  return h(
    'section',
    { class: finding.typing ? 'find typing' : 'find', 'aria-labelledby': 'find-title' },
    h(
      'div',
      { class: 'head' },
      button('back', [icon('back'), h('span', {}, language.say('back'))]),
      h(
        'h2',
        { id: 'find-title' },
        language.say('findTitle'),
        h(
          'small',
          {},
          finding.text === '' ? language.say('findHow') : language.count('findResults', found.length),
        ),
      ),
      button(finding.typing ? 'type-end' : 'type', [
        icon(finding.typing ? 'fruit' : 'search'),
        h('span', {}, language.say(finding.typing ? 'findLess' : 'findByName')),
      ]),
      finding.typing && callButton(page),
    ),
    found.length === 0
      ? h('p', { class: 'empty' }, language.say('findNone'))
      : h(
          'ul',
          { class: 'tiles', tabindex: -1 },
          found.map((product) => tile(product, page)),
        ),
    finding.typing && keyboard(page),
  );
}

function tile(product: ShownProduct, page: Page): HTMLElement {
  const { gtin, plu, name } = product;
  const price = priceOf(product, page);
  return h(
    'li',
    { 'data-key': gtin ?? plu },
    button(
      'pick',
      [
        picture(product),
        h('span', { class: 'name' }, name),
        price !== undefined && h('span', { class: 'price' }, price),
      ],
      { 'data-gtin': gtin, 'data-plu': plu },
    ),
  );
}

function priceOf({ priceMinor, sale }: ShownProduct, { language, state }: Page): string | undefined {
  if (priceMinor === undefined) return undefined;
  const price = language.money(priceMinor, state.currency);
  return sale === 'weight' ? language.say('perKg', { price }) : price;
}

function keyboard({ language, finding }: Page): HTMLElement {
  const key = (value: string, content: string, label?: string, name?: string) =>
    button('key', [name !== undefined && icon(name), h('span', {}, content)], {
      'data-value': value,
      'aria-label': label,
      class: 'key',
    });
  const rows = [digits, ...(letters[language.code] ?? [])].map((row) =>
    h(
      'div',
      { class: 'row' },
      [...row].map((letter) => key(letter, letter)),
    ),
  );
  const typed = h(
    'output',
    { class: 'typed', 'aria-label': language.say('typed', { text: finding.text }) },
    finding.text === '' ? '\u00a0' : finding.text,
  );
  const last = h(
    'div',
    { class: 'row' },
    typed,
    key(' ', language.say('space')),
    key('erase', language.say('erase'), undefined, 'erase'),
  );
  return h('div', { class: 'keyboard' }, last, rows);
}

function pickedView(page: Page, picked: NonNullable<Page['finding']['picked']>): HTMLElement {
  const { language, state } = page;
  const { product, fromMg } = picked;
  const { weight } = state;
  const massMg =
    weight?.netMg === undefined || fromMg === undefined ? undefined : Math.max(0, weight.netMg - fromMg);
  const lies = massMg !== undefined && weight !== undefined && massMg >= 2 * weight.divisionMg;
  const shown = lies ? language.mass(massMg, weight.divisionMg) : language.say('weightNone');
  const aboutMinor =
    lies && product.sale === 'weight' && product.priceMinor !== undefined
      ? Math.round((massMg * product.priceMinor) / mgPerKg)
      : undefined;
  const price = priceOf(product, page);
  return h(
    'section',
    { class: 'picked', 'aria-labelledby': 'picked-title' },
    h('h2', { id: 'picked-title' }, icon('place'), language.say('placeNow')),
    picture(product),
    h('p', { class: 'name' }, product.name, price !== undefined && h('small', {}, price)),
    h(
      'p',
      { class: 'scale' },
      h('small', {}, language.say('weightNow')),
      h('strong', {}, shown),
      h(
        'span',
        { class: 'settling' },
        lies && weight?.stable === false ? language.say('weightSettling') : '\u00a0',
      ),
      aboutMinor !== undefined &&
        h('span', {}, language.say('aboutPrice', { amount: language.money(aboutMinor, state.currency) })),
    ),
    h(
      'div',
      { class: 'ways' },
      lies
        ? button('back', [icon('done'), h('span', {}, language.say('done'))], { class: 'main' })
        : button('back', [icon('back'), h('span', {}, language.say('back'))]),
      button('find', [icon('fruit'), h('span', {}, language.say('fruit'))]),
    ),
  );
}
