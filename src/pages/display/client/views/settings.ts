import { button, h, icon, qrCode } from '../dom.ts';
import type { Page } from '../page.ts';
import { languageButtons } from './start.ts';

/** Language, tones, the shopper's phone, and the way out without buying. */
export function settingsView(page: Page): HTMLElement {
  const { language, state, sound } = page;
  const { phone } = state;
  const empty = state.basket !== undefined && state.basket.totals.items === 0;
  return h(
    'section',
    { class: 'settings', 'aria-labelledby': 'settings-title' },
    h(
      'div',
      { class: 'head' },
      button('back', [icon('back'), h('span', {}, language.say('back'))]),
      h('h2', { id: 'settings-title' }, language.say('settingsTitle')),
    ),
    h(
      'div',
      { class: 'columns' },
      h(
        'div',
        {},
        languageButtons(page),
        button(
          'sound',
          [
            icon('sound'),
            h('span', {}, `${language.say('sound')}: ${language.say(sound ? 'soundOn' : 'soundOff')}`),
          ],
          { 'aria-pressed': String(sound) },
        ),
        state.basket !== undefined &&
          button('end', [icon('none'), h('span', {}, language.say('endTrip'))], { disabled: !empty }),
        state.basket !== undefined && !empty && h('p', {}, language.say('endTripHow')),
      ),
      h(
        'div',
        { class: 'phone' },
        h('h3', {}, icon('phone'), language.say('phone')),
        phone === undefined
          ? h('p', {}, language.say('phoneNone'))
          : [
              phone.joined
                ? h('p', {}, icon('done'), language.say('phoneJoined'))
                : [
                    qrCode(phone.path, phone.side, language.say('phone')),
                    h('p', {}, language.say('phoneHow')),
                  ],
              phone.joined && button('phone-stop', [icon('none'), h('span', {}, language.say('phoneStop'))]),
            ],
      ),
    ),
  );
}
