import { type Child, h } from '../../../client/dom.ts';
import { type ChainedRecord, readChain } from '../chain.ts';
import { moment } from '../format.ts';
import type { Desk, View } from '../view.ts';
import { anything, badge, button, card } from './parts.ts';

const page = 25;
/** Shown in the line of a record, and not once more below it. */
const headFacts: ReadonlySet<string> = new Set([
  'number',
  'previous',
  'hash',
  'what',
  'atMs',
  'who',
  'role',
  'key',
]);

/** What was done on the device, by whom: its hash-chained log, checked here. */
export class AuditTab implements View {
  readonly title = 'Audit log';
  readonly #desk: Desk;
  readonly #device: string;
  /** The newest first. */
  #records: readonly ChainedRecord[] = [];
  #lines: readonly string[] = [];
  #damaged = 0;
  #state: 'loading' | 'shown' | 'refused' = 'loading';

  constructor(desk: Desk, device: string) {
    this.#desk = desk;
    this.#device = device;
    void this.#load();
  }

  async #load(from?: number): Promise<void> {
    const answer = await this.#desk.ask(this.#device, 'audit.list', {
      count: page,
      ...(from === undefined ? {} : { from }),
    });
    if (answer.status === 'done') {
      const lines = Array.isArray(answer.data.records) ? answer.data.records.map(String) : [];
      this.#lines = [...lines, ...(from === undefined ? [] : this.#lines)];
      this.#damaged = Math.max(this.#damaged, Number(answer.data.damaged) || 0);
      this.#records = [...(await readChain(this.#lines))].reverse();
    }
    this.#state = answer.status === 'done' ? 'shown' : 'refused';
    this.#desk.draw();
  }

  async act(name: string): Promise<void> {
    const oldest = this.#records.at(-1)?.number ?? 1;
    if (name === 'older') await this.#load(Math.max(1, oldest - page));
    if (name === 'again') {
      this.#lines = [];
      await this.#load();
    }
  }

  draw(): Child {
    if (this.#state === 'loading') return h('p', { class: 'empty', role: 'status' }, 'Asking the device …');
    if (this.#state === 'refused')
      return h(
        'p',
        { class: 'empty' },
        'The device does not show its log; the line below says why.',
        ' ',
        button('Ask again', 'again'),
      );
    const broken = this.#records.filter(({ holds }) => !holds).length + this.#damaged;
    return card(
      'Audit log',
      h(
        'p',
        {},
        broken === 0
          ? badge('good', 'These records are whole and follow from each other.')
          : badge('bad', `${broken} of these records are damaged, or do not follow from the one before.`),
      ),
      this.#records.length === 0
        ? h('p', { class: 'empty' }, 'Nothing is on record yet.')
        : h('ol', { class: 'records' }, this.#records.map(record)),
      h(
        'div',
        { class: 'row' },
        (this.#records.at(-1)?.number ?? 1) > 1 && button('Older records', 'older'),
        button('Newest records', 'again'),
      ),
    );
  }
}

function record({ number, holds, facts }: ChainedRecord): HTMLElement {
  const { what, atMs, who, role } = facts;
  const more = Object.entries(facts).filter(([name]) => !headFacts.has(name));
  return h(
    'li',
    { 'data-key': `r${number}` },
    h(
      'details',
      {},
      h(
        'summary',
        {},
        h('span', { class: 'number' }, `${number}`),
        h('strong', {}, String(what ?? 'record')),
        h('span', {}, [role, who].filter((one) => one !== undefined).join(' ')),
        h('span', { class: 'time' }, typeof atMs === 'number' ? moment(atMs) : ''),
        !holds && badge('bad', 'damaged'),
      ),
      anything({ ...Object.fromEntries(more), key: facts.key, hash: facts.hash }),
    ),
  );
}
