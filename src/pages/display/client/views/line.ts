import type { ShownBasket } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Page } from '../page.ts';
import { linePrice, lineText } from './receipt.ts';

/** "Not mine": what can be done about a line, the simplest first. */
export function lineView(page: Page, basket: ShownBasket): HTMLElement | undefined {
  const { language } = page;
  const line = basket.lines.find((one) => one.line === page.line);
  if (line === undefined) return undefined;
  const { currency } = basket.totals;
  return h(
    'section',
    { class: 'pay', 'aria-labelledby': 'line-title' },
    h('h2', { id: 'line-title' }, icon('asked'), language.say('lineTitle')),
    h(
      'div',
      { class: 'line lines' },
      lineText(language, currency, line),
      linePrice(language, currency, line),
    ),
    line.disputed !== true && h('p', {}, language.say('lineTakeOut')),
    h(
      'div',
      { class: 'ways' },
      button('back', [icon('back'), h('span', {}, language.say('back'))]),
      line.disputed === true
        ? button('line-mine', [icon('done'), h('span', {}, language.say('lineMine'))], {
            'data-line': line.line,
          })
        : button('line-dispute', [icon('none'), h('span', {}, language.say('lineRemove'))], {
            'data-line': line.line,
            class: 'main',
          }),
    ),
  );
}
