import type { ShownBasket } from '../source.ts';
import { button, byId, h, icon, show } from './dom.ts';
import type { Page, View } from './page.ts';
import { findView } from './views/find.ts';
import { lineView } from './views/line.ts';
import { notices, topLine } from './views/notices.ts';
import { offersView } from './views/offers.ts';
import { checkoutView, paidView, payOpenView, suspendedView } from './views/pay.ts';
import { settingsView } from './views/settings.ts';
import { startView } from './views/start.ts';
import { bar, callButton, tripView } from './views/trip.ts';

/** What fits beside a keyboard: the line on top says the rest in short. */
const noticesTyping = 1;
const noticesShown = 3;

/** Makes the page show what it knows. Called with every change; changes no more of the document than differs. */
export function draw(page: Page): void {
  const { language, state, lost } = page;
  document.documentElement.lang = language.code;
  document.title = language.say('cart', { device: state.device });
  document.body.classList.toggle('lost', lost);
  const typing = isTyping(page);
  show(byId('top'), ...topLine(page));
  show(byId('notices'), ...notices(page).slice(0, typing ? noticesTyping : noticesShown));
  show(byId('main'), mainView(page));
  show(byId('bar'), typing ? callButton(page) : bar(page));
  document.body.classList.toggle('typing-now', typing);
}

function isTyping({ view, finding, state }: Page): boolean {
  return view === 'find' && finding.typing && finding.picked === undefined && state.basket?.state === 'open';
}

type BasketView = (page: Page, basket: ShownBasket) => HTMLElement;

/** What the basket's state demands comes before what was opened. */
const byState: Readonly<Record<ShownBasket['state'], BasketView>> = {
  open: (page, basket) => byView[page.view](page, basket),
  checkout: checkoutView,
  paid: paidView,
  suspended: suspendedView,
  closed: startView,
};

const byView: Readonly<Record<View, BasketView>> = {
  trip: tripView,
  find: findView,
  offers: offersView,
  settings: settingsView,
  line: (page, basket) => lineView(page, basket) ?? tripView(page, basket),
  pay: payOpenView,
  end: endView,
};

function mainView(page: Page): HTMLElement {
  const { basket } = page.state;
  return basket === undefined ? startView(page) : byState[basket.state](page, basket);
}

function endView({ language }: Page): HTMLElement {
  return h(
    'section',
    { class: 'pay', 'aria-labelledby': 'end-title' },
    h('h2', { id: 'end-title' }, icon('asked'), language.say('endTripSure')),
    h(
      'div',
      { class: 'ways' },
      button('back', [icon('back'), h('span', {}, language.say('no'))], { class: 'main' }),
      button('end-sure', [icon('done'), h('span', {}, language.say('yes'))]),
    ),
  );
}
