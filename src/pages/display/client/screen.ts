import type { ShownBasket } from '../source.ts';
import { button, byId, h, icon, show } from './dom.ts';
import type { Page, View } from './page.ts';
import { findView } from './views/find.ts';
import { lineView } from './views/line.ts';
import { cartName, notices, topLine } from './views/notices.ts';
import { offersView } from './views/offers.ts';
import { checkoutView, paidView, payOpenView, suspendedView } from './views/pay.ts';
import { settingsView } from './views/settings.ts';
import { startView } from './views/start.ts';
import { bar, tripView } from './views/trip.ts';

/** What fits beside a keyboard: the line on top says the rest in short. */
const noticesTyping = 1;
const noticesShown = 3;

const scrolling = '.lines, .side, .tiles, .scroll';

/** Makes the page show what it knows. Called with every change; changes no more of the document than differs. */
export function draw(page: Page): void {
  const { language, state, lost } = page;
  document.documentElement.lang = language.code;
  document.title = cartName(language, state.device);
  document.body.classList.toggle('lost', lost);
  const typing = isTyping(page);
  const focused = document.activeElement;
  show(byId('top'), ...topLine(page));
  show(byId('notices'), ...notices(page).slice(0, typing ? noticesTyping : noticesShown));
  show(byId('main'), mainView(page));
  // The keyboard takes its place; the way to help stands above it then.
  show(byId('bar'), typing ? [] : bar(page));
  byId('bar').hidden = typing;
  // What had the focus is gone with its screen: a keyboard goes on in the new one, not at the top of the page.
  if (focused !== document.body && !focused?.isConnected) byId('main').focus({ preventScroll: true });
  for (const list of document.querySelectorAll<HTMLElement>(scrolling)) tellMore(list);
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

const watched = new WeakSet<HTMLElement>();

/** Lets a list that is longer than its place say that there is more below. */
function tellMore(list: HTMLElement): void {
  const tell = () => {
    const below = list.scrollHeight - list.clientHeight - list.scrollTop;
    list.classList.toggle('more-below', below > 8);
  };
  if (!watched.has(list)) {
    watched.add(list);
    list.addEventListener('scroll', tell, { passive: true });
    new ResizeObserver(tell).observe(list);
  }
  tell();
}
