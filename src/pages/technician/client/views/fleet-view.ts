import { type Child, h } from '../../../client/dom.ts';
import { type Condition, conditionOf, type FleetDevice, faultsOf } from '../fleet.ts';
import { duration } from '../format.ts';
import type { Desk, View } from '../view.ts';
import { badge, field } from './parts.ts';

const words: Readonly<Record<Condition, readonly ['good' | 'warn' | 'bad' | 'plain', string]>> = {
  offline: ['bad', 'offline'],
  fault: ['bad', 'fault'],
  due: ['warn', 'calibration due'],
  ok: ['good', 'well'],
  unknown: ['plain', 'nothing heard yet'],
};

/** The state of a device, by word and shape. */
export function conditionBadge(device: FleetDevice): HTMLElement {
  const [kind, word] = words[conditionOf(device)];
  return badge(kind, word);
}

/** `Revision 7, 12 days old` */
export function calibrationText({ calibration, state }: FleetDevice): string {
  const revision = calibration?.revision ?? state?.versions?.calibration;
  if (revision === undefined) return 'not calibrated';
  const days = calibration?.ageDays;
  if (days === undefined) return `revision ${revision}`;
  return `revision ${revision}, ${days === 0 ? 'made today' : days === 1 ? '1 day old' : `${days} days old`}`;
}

/** All devices of the store: what needs somebody first. */
export class FleetView implements View {
  readonly title = 'Devices';
  readonly #desk: Desk;
  #search = '';

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  changed(name: string, value: string): void {
    if (name !== 'search') return;
    this.#search = value.trim().toLowerCase();
    this.#desk.draw();
  }

  draw(): Child {
    const all = this.#desk.fleet.list();
    const shown = all.filter(({ id }) => id.includes(this.#search));
    const count = (condition: Condition) => all.filter((device) => conditionOf(device) === condition).length;
    const summary = [
      `${all.length} ${all.length === 1 ? 'device' : 'devices'}`,
      ...(['fault', 'offline', 'due'] as const).flatMap((one) =>
        count(one) === 0 ? [] : [`${count(one)} ${words[one][1]}`],
      ),
    ];
    return [
      h(
        'div',
        { class: 'headline' },
        h('h1', { tabindex: -1 }, 'Devices'),
        h('p', { class: 'summary' }, summary.join(' · ')),
      ),
      all.length > 6 && field('Find', 'search', { type: 'search', 'data-change': 'search' }),
      all.length === 0
        ? h('p', { class: 'empty' }, 'No device of this store has said anything to the broker yet.')
        : h('ul', { class: 'fleet' }, shown.map(deviceCard)),
    ];
  }
}

function deviceCard(device: FleetDevice): HTMLElement {
  const { id, state, health, calibration } = device;
  const faults = health === undefined ? [] : faultsOf(health);
  return h(
    'li',
    { 'data-key': id },
    h(
      'a',
      { class: 'device', href: `#/${id}/live` },
      h('span', { class: 'name' }, id),
      conditionBadge(device),
      h('span', { class: 'line' }, `Calibration: ${calibrationText(device)}`),
      calibration?.due === true &&
        h('span', { class: 'line strong' }, `Due: ${calibration.reasons.join('; ') || 'yes'}`),
      faults.length > 0 &&
        h(
          'span',
          { class: 'line strong' },
          `Faults: ${faults.map((fault) => `${fault.id} ${fault.code}`).join(', ')}`,
        ),
      h(
        'span',
        { class: 'line' },
        [
          state?.software ?? 'software unknown',
          ...(health === undefined
            ? []
            : [`up ${duration(health.uptimeS)}`, `${health.outboxEvents} events waiting`]),
        ].join(' · '),
      ),
    ),
  );
}
