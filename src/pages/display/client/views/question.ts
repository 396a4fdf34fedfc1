import type { ShownQuestion } from '../../source.ts';
import { button, h, icon } from '../dom.ts';
import type { Language } from '../language.ts';
import type { Page } from '../page.ts';
import type { Sentence } from '../words/words.ts';
import { picture } from './product.ts';

/** More than these are not looked at by anybody; the look-up has all. */
const mostCandidates = 3;

interface Wording {
  readonly title: Sentence;
  readonly how?: Sentence;
}

const wordings: Readonly<Record<string, Wording>> = {
  'scan-it': { title: 'askScan', how: 'askScanHow' },
  'take-it-out': { title: 'askTakeOut', how: 'askTakeOutHow' },
  'put-it-back': { title: 'askPutBack', how: 'askPutBackHow' },
  'place-it': { title: 'askPlace', how: 'askPlaceHow' },
  'call-staff': { title: 'askStaff', how: 'askStaffHow' },
};

function wordingOf({ ask, kind, massMg }: ShownQuestion, rack: boolean): Wording {
  if (ask === 'choose' && kind === 'mixed') return { title: 'askMixed', how: 'askScanHow' };
  if (ask === 'choose') return { title: massMg < 0 ? 'askChooseOut' : 'askChooseIn' };
  if (ask === 'place-it' && rack) return { title: 'askPlace', how: 'askPlaceRackHow' };
  return wordings[ask] ?? { title: 'askStaff', how: 'askStaffHow' };
}

/** The question in one breath, for those who hear it; of a cart with a `rack` that weighs nothing, that too. */
export function questionAloud(question: ShownQuestion, language: Language, rack: boolean): string {
  const { title, how } = wordingOf(question, rack);
  return [language.say(title), how === undefined ? '' : language.say(how)].join(' ').trim();
}

/** The latest question: what is asked, what it may be, and the ways out of it. */
export function questionPanel(page: Page): HTMLElement | undefined {
  const question = page.state.questions.at(-1);
  if (question === undefined) return undefined;
  const { language } = page;
  const { title, how } = wordingOf(question, page.state.rack !== undefined);
  const more = page.state.questions.length - 1;
  const scanned = question.ask === 'place-it';
  return h(
    'section',
    { class: 'panel question', 'aria-labelledby': 'question-title', 'data-key': question.event },
    h('h2', { id: 'question-title' }, icon('asked'), language.say(title)),
    h(
      'p',
      {},
      how !== undefined && language.say(how),
      ' ',
      question.massMg !== 0 && language.say('weighs', { mass: language.mass(Math.abs(question.massMg)) }),
    ),
    scanned ? scannedThing(question) : candidates(question, page),
    h('div', { class: 'ways' }, ways(question, page)),
    h('p', { class: 'calm' }, language.say('canGoOn')),
    more > 0 && h('p', {}, language.count('questionsWaiting', more)),
  );
}

function scannedThing(question: ShownQuestion): HTMLElement {
  const thing = question.candidates[0];
  return h('p', { class: 'thing' }, thing && picture(thing), thing?.name);
}

function candidates(question: ShownQuestion, page: Page): HTMLElement | undefined {
  if (question.ask === 'take-it-out' || question.ask === 'call-staff') return undefined;
  const { language } = page;
  const shown = question.candidates.filter(({ count }) => count !== 0).slice(0, mostCandidates);
  if (shown.length === 0) return undefined;
  return h(
    'ul',
    { class: 'candidates' },
    shown.map((one) => {
      const count = Math.abs(one.count);
      const name = count > 1 ? language.say('candidate', { count: String(count), name: one.name }) : one.name;
      return h(
        'li',
        {},
        button(
          'choose',
          [
            picture(one),
            h('span', { class: 'name' }, name),
            one.massMg !== undefined && h('span', { class: 'mass' }, language.mass(one.massMg)),
          ],
          { 'data-event': question.event, 'data-gtin': one.gtin, 'data-plu': one.plu, 'data-count': count },
        ),
      );
    }),
  );
}

function ways(question: ShownQuestion, page: Page): readonly HTMLElement[] {
  const { language } = page;
  const way = (act: string, name: string, sentence: Sentence) =>
    button(act, [icon(name), h('span', {}, language.say(sentence))], { 'data-event': question.event });
  if (question.ask === 'place-it')
    return [...rackWay(question, page), way('dont-want', 'none', 'dontWantIt')];
  const looking = question.massMg === 0 ? [] : [way('find-answer', 'search', 'search')];
  const own = question.massMg > 0 ? [way('not-goods', 'bag', 'notGoods')] : [];
  const staff = question.ask === 'call-staff' ? [way('call', 'call', 'callSomeone')] : [];
  return [...staff, ...looking, ...own];
}

/** Of a cart with a lower rack: the way to say that what was scanned lies there. */
function rackWay({ event }: ShownQuestion, { language, state }: Page): readonly HTMLElement[] {
  if (state.rack === undefined) return [];
  const content = [icon('rack'), h('span', {}, language.say('onRack'))];
  return [button('on-rack', content, { 'data-event': event, 'data-plate': state.rack, class: 'main' })];
}
