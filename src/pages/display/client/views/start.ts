import { button, h, icon } from '../dom.ts';
import { languageName } from '../language.ts';
import type { Page } from '../page.ts';

/** Buttons to choose a language by its own name. */
export function languageButtons(page: Page): HTMLElement {
  return h(
    'div',
    { class: 'languages' },
    page.settings.languages.map((code) =>
      button('language', [h('span', { lang: code }, languageName(code))], {
        'data-code': code,
        'aria-pressed': String(code === page.language.code),
      }),
    ),
  );
}

/** Before a trip: how it works in three pictures, and where to touch. */
export function startView(page: Page): HTMLElement {
  const { language } = page;
  const full = page.state.troubles.includes('full');
  const step = (name: string, sentence: 'howScan' | 'howPlace' | 'howPay') =>
    h('li', {}, icon(name), h('span', {}, language.say(sentence)));
  return h(
    'section',
    { class: 'start', 'aria-labelledby': 'start-title' },
    h('h2', { id: 'start-title' }, language.say('welcome')),
    h('ol', { class: 'steps' }, step('scan', 'howScan'), step('place', 'howPlace'), step('pay', 'howPay')),
    button('begin', [h('span', {}, language.say('touchToBegin'))], { class: 'main begin', disabled: full }),
    !full && h('p', {}, language.say('orShowCode')),
    languageButtons(page),
  );
}
