import type { EventView } from '../source.ts';
import { describe, type Line, totalOf } from './describe.ts';
import { fadeBelow, h, icon } from './dom.ts';
import { change, probability, timeOfDay } from './format.ts';

const shown = 200;

/** The event stream, newest first. A basket line is told on the line of the item it follows from: its running total. */
export class EventList {
  readonly #list: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #rows = new Map<string, HTMLElement>();
  #originMs: number | undefined;

  constructor(list: HTMLElement, empty: HTMLElement) {
    this.#list = list;
    this.#empty = empty;
  }

  /**
   * Starts anew; `events` are oldest first. `originMs` is the time of day at which `atUs` was 0, where the gateway knows
   * it by now: for events from before its clock was set.
   */
  show(events: readonly EventView[], originMs?: number): void {
    this.#originMs = originMs;
    this.#rows.clear();
    this.#list.replaceChildren();
    // Told in one go, a screen reader would read out two hundred old events.
    this.#list.setAttribute('aria-live', 'off');
    for (const event of events) if (!this.#rows.has(event.id)) this.#insert(event);
    this.#list.setAttribute('aria-live', 'polite');
    this.#empty.hidden = this.#rows.size > 0;
    fadeBelow(this.#list);
  }

  add(event: EventView): void {
    if (this.#rows.has(event.id)) return;
    this.#insert(event);
    fadeBelow(this.#list);
  }

  #insert(event: EventView): void {
    this.#answer(event);
    if (event.type === 'basket.line' && this.#addTotal(event)) return;
    const row = makeRow(event, describe(event), this.#timeOf(event));
    this.#rows.set(event.id, row);
    this.#list.prepend(row);
    this.#empty.hidden = true;
    while (this.#rows.size > shown) {
      const [oldest] = this.#rows;
      if (oldest === undefined) break;
      oldest[1].remove();
      this.#rows.delete(oldest[0]);
    }
  }

  /** Shows evidence (scans, movements, health) beside decisions, or decisions alone. */
  filter(all: boolean): void {
    this.#list.classList.toggle('all', all);
    fadeBelow(this.#list);
  }

  #timeOf({ time, atUs }: EventView): string {
    const utcMs = time > 0 || this.#originMs === undefined ? time : this.#originMs + atUs / 1_000;
    return timeOfDay(utcMs, atUs);
  }

  #addTotal(event: EventView): boolean {
    const row = event.causes?.map((id) => this.#rows.get(id)).find((one) => one !== undefined);
    const total = totalOf(event.data.totals);
    const cell = row?.querySelector('.total');
    if (cell === null || cell === undefined || total === undefined) return false;
    cell.textContent = total;
    return true;
  }

  #answer(event: EventView): void {
    const settles = event.data.settles;
    if (typeof settles === 'string') this.#rows.get(settles)?.classList.add('answered');
  }
}

function makeRow(event: EventView, line: Line, time: string): HTMLElement {
  const count = line.count !== undefined && line.count > 1 ? `${line.count} × ` : '';
  const sure = line.probabilityPpm === undefined ? '' : probability(line.probabilityPpm);
  return h(
    'li',
    { class: `event ${line.tone} ${line.decision ? 'decision' : 'evidence'}`, 'data-id': event.id },
    h('time', { title: `sequence ${event.sequence}, ${event.type}` }, time),
    h(
      'span',
      { class: 'what' },
      h('span', { class: 'badge' }, icon(line.icon), line.what),
      ' ',
      line.subject !== undefined && h('strong', {}, count + line.subject),
      line.subject === undefined && count !== '' && h('strong', {}, String(line.count)),
      line.detail !== undefined && h('span', { class: 'detail' }, line.detail),
    ),
    h('span', { class: 'change' }, line.massMg === undefined ? '' : change(line.massMg)),
    h('span', { class: 'sure' }, sure !== '' && h('span', { class: 'quiet' }, 'probability '), sure),
    h('span', { class: 'total' }, line.total ?? ''),
  );
}
