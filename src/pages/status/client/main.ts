import { listen } from '../../client/stream.ts';
import type { StatusPicture, StatusUpdate } from '../source.ts';
import { showBasket, showQuestions } from './basket.ts';
import { byId, fill, h, setText } from './dom.ts';
import { EventList } from './events.ts';
import { duration, timeOfDay } from './format.ts';
import { showBroker, showCells, showChips, showDevices } from './health.ts';
import { PlateTiles } from './plates.ts';
import { WeightPlot } from './plot.ts';

const tiles = new PlateTiles(byId('plates'));
const plot = new WeightPlot(byId('plot'));
const events = new EventList(byId('event-list'), byId('event-empty'));

type Shown = Omit<StatusPicture, 'history' | 'events'>;
let shown: Shown | undefined;
let live = false;

function showHealth(): void {
  if (shown === undefined) return;
  showBroker(byId('broker'), shown.broker, shown.clock);
  showDevices(byId('devices'), shown.devices);
  showCells(shown.plates);
  showChips(byId('chips'), live, shown.broker, shown.devices, shown.clock, shown.questions.length);
  const up = duration(shown.clock.utcMs - shown.startedAt);
  fill(
    byId('footer'),
    `${shown.software} · up ${up} · clock ${shown.clock.quality} · `,
    h('a', { href: 'api/snapshot' }, 'all of this as JSON'),
  );
}

function showBasketPart(): void {
  if (shown === undefined) return;
  showBasket(byId('basket'), shown.basket);
  showQuestions(byId('questions'), shown.questions);
}

function showPicture(picture: StatusPicture): void {
  shown = picture;
  live = true;
  byId('lost').hidden = true;
  document.body.classList.remove('stale');
  document.title = `${picture.device} · Cartwright`;
  const part = (name: string) => h('span', { class: 'part' }, name);
  fill(byId('where'), part(picture.store), ' / ', part(picture.device));
  tiles.show(picture.plates);
  const weighed = picture.plates.filter((plate) => plate.kind !== 'unweighed').map((plate) => plate.id);
  plot.show(weighed, picture.history, picture.atUs);
  fill(
    byId('plot-key'),
    h('span', { class: 'key settling' }, 'settling'),
    h('span', { class: 'key moving' }, 'rolling'),
  );
  const { clock, atUs } = picture;
  events.show(picture.events, clock.quality === 'unset' ? undefined : clock.utcMs - atUs / 1_000);
  showBasketPart();
  showHealth();
}

function showUpdate(update: StatusUpdate): void {
  if (shown === undefined) return;
  switch (update.kind) {
    case 'weights':
      tiles.weigh(update.plates);
      plot.add(update.atUs, update.plates);
      break;
    case 'event':
      events.add(update.event);
      break;
    case 'health': {
      const { kind: _, ...health } = update;
      shown = { ...shown, ...health };
      tiles.show(update.plates);
      showHealth();
      break;
    }
    case 'basket': {
      const { basket: _, ...rest } = shown;
      shown = { ...rest, questions: update.questions, ...(update.basket ? { basket: update.basket } : {}) };
      showBasketPart();
      showHealth();
      break;
    }
  }
}

function showLost(): void {
  if (live) {
    setText(
      byId('lost'),
      `Connection to the gateway lost at ${timeOfDay(Date.now())}. What you see is from then; trying to reach it again.`,
    );
  } else if (shown === undefined) {
    setText(byId('lost'), 'The gateway does not answer; trying again.');
  }
  live = false;
  byId('lost').hidden = false;
  document.body.classList.add('stale');
  plot.freeze();
  showHealth();
}

for (const choice of document.querySelectorAll<HTMLInputElement>('input[name=events]')) {
  choice.addEventListener('change', () => events.filter(choice.value === 'all' && choice.checked));
}
const kinds = ['weights', 'event', 'health', 'basket'];
listen<StatusPicture, StatusUpdate>('api/stream', kinds, {
  picture: showPicture,
  update: showUpdate,
  lost: showLost,
});
