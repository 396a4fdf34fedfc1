import type { ShownBasket } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Page } from '../page.ts';
import type { Sentence } from '../words/words.ts';
import { linePrice, lineText, type ShownLine } from './receipt.ts';

/** "Not mine", and "I took it off" of what no scale sees going: what can be done about a line, the simplest first. */
export function lineView(page: Page, basket: ShownBasket): HTMLElement | undefined {
  const { language } = page;
  const line = basket.lines.find((one) => one.line === page.line);
  if (line === undefined) return undefined;
  const { currency } = basket.totals;
  const unweighed = line.unweighed !== undefined;
  const how = unweighed ? 'tookOffHow' : 'lineTakeOut';
  return h(
    'section',
    { class: 'pay', 'aria-labelledby': 'line-title' },
    h('h2', { id: 'line-title' }, icon('asked'), language.say(unweighed ? 'tookOffTitle' : 'lineTitle')),
    h(
      'div',
      { class: 'line lines' },
      lineText(language, currency, line),
      linePrice(language, currency, line),
    ),
    (unweighed || line.disputed !== true) && h('p', {}, language.say(how)),
    h(
      'div',
      { class: 'ways' },
      button('back', [icon('back'), h('span', {}, language.say('back'))]),
      ways(page, line),
    ),
  );
}

function ways({ language }: Page, line: ShownLine): readonly HTMLElement[] {
  const way = (act: string, name: string, sentence: Sentence, main: boolean) =>
    button(act, [icon(name), h('span', {}, language.say(sentence))], {
      'data-line': line.line,
      'data-gtin': line.gtin,
      'data-plu': line.plu,
      ...(main ? { class: 'main' } : {}),
    });
  const { disputed, unweighed = 0 } = line;
  if (unweighed === 0) {
    return [
      disputed
        ? way('line-mine', 'done', 'lineMine', false)
        : way('line-dispute', 'none', 'lineRemove', true),
    ];
  }
  return [
    disputed ? way('line-mine', 'done', 'lineMine', false) : way('line-dispute', 'call', 'notMine', false),
    // One with each touch: scans made them one by one.
    way('line-off', 'up', unweighed === 1 ? 'tookOff' : 'tookOneOff', true),
  ];
}
