import type { BasketStatus, QuestionStatus } from '../source.ts';
import { question, somethingOf, undecided } from './describe.ts';
import { fadeBelow, fill, h, icon } from './dom.ts';
import { money, plural, probability, unbroken } from './format.ts';

type BasketLine = BasketStatus['lines'][number];

const states: Readonly<Record<string, string>> = {
  open: 'shopping',
  checkout: 'at checkout',
  paid: 'paid',
  suspended: 'suspended',
  closed: 'closed',
};

export function showBasket(root: HTMLElement, basket: BasketStatus | undefined): void {
  if (basket === undefined) {
    fill(
      root,
      h('p', { class: 'empty' }, 'Nobody is shopping.'),
      h('p', { class: 'note' }, 'A trip begins with a scanned token or the command session.begin.'),
    );
    return;
  }
  const { totals } = basket;
  fill(
    root,
    h('p', { class: 'sum' }, money(totals.finalMinor + totals.estimateMinor, totals.currency)),
    h(
      'p',
      { class: 'note' },
      [
        plural(totals.items, 'item'),
        states[basket.state] ?? basket.state,
        totals.estimateMinor > 0 ? `${money(totals.estimateMinor, totals.currency)} of it estimated` : '',
        totals.atTill > 0 ? `${plural(totals.atTill, 'line')} priced at the till` : '',
      ]
        .filter((part) => part !== '')
        .join(' · '),
    ),
    basket.lines.length === 0
      ? h('p', { class: 'empty' }, 'Still empty.')
      : h(
          'ul',
          { class: 'lines' },
          ...[...basket.lines].reverse().map((line) => lineOf(line, totals.currency)),
        ),
    h('p', { class: 'note' }, `Session ${basket.session.slice(0, 12)} · revision ${basket.revision}`),
  );
  const lines = root.querySelector<HTMLElement>('.lines');
  if (lines !== null) fadeBelow(lines);
}

function lineOf(line: BasketLine, currency: string): HTMLElement {
  const weighed = line.massMg === undefined ? '' : `${(line.massMg / 1e6).toFixed(3)} kg`;
  const unit = line.unitPriceMinor === undefined ? '' : money(line.unitPriceMinor, currency);
  const each = weighed !== '' ? `${weighed} at ${unit}/kg` : line.count > 1 ? `${line.count} at ${unit}` : '';
  const price = line.priceStatus === 'at-till' ? 'at the till' : money(line.priceMinor, currency);
  return h(
    'li',
    {},
    h('span', { class: 'count' }, `${line.count} ×`),
    h('span', { class: 'name' }, unbroken(line.name), each !== '' && h('span', { class: 'detail' }, each)),
    h(
      'span',
      { class: 'price' },
      line.priceStatus === 'estimate' && h('abbr', { title: 'estimated' }, '≈ '),
      price,
    ),
  );
}

/** What the shopper is asked, most recent first: it stands above the lines, for checkout waits for it. */
export function showQuestions(root: HTMLElement, questions: readonly QuestionStatus[]): void {
  fill(root, ...[...questions].reverse().map(questionOf));
}

function questionOf(one: QuestionStatus): HTMLElement {
  const about = one.massMg === 0 ? '' : ` (${somethingOf(one.massMg)} on ${one.plate})`;
  return h(
    'div',
    { class: 'question' },
    icon('asked'),
    h(
      'div',
      {},
      h('strong', {}, question(one.ask)),
      h('p', {}, `${undecided(one.kind)}${about}.`),
      one.candidates.length > 0 &&
        h(
          'ul',
          {},
          ...one.candidates
            .slice(0, 3)
            .map((candidate) =>
              h(
                'li',
                {},
                unbroken(candidate.name),
                ' ',
                h('span', {}, probability(candidate.probabilityPpm)),
              ),
            ),
        ),
    ),
  );
}
