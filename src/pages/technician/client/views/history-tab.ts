import { type Child, h } from '../../../client/dom.ts';
import { moment } from '../format.ts';
import { saveFile, showReport } from '../reports.ts';
import type { Desk, View } from '../view.ts';
import { badge, button, card, field } from './parts.ts';

type Loose = Readonly<Record<string, unknown>>;
const isLoose = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** So many are listed; devices keep 50 at most unless told otherwise. */
const page = 50;

/** Revisions of the calibration, their reports, and the way back to one of them. */
export class HistoryTab implements View {
  readonly title = 'History';
  readonly #desk: Desk;
  readonly #device: string;
  #revisions: readonly Loose[] = [];
  #current = 0;
  #state: 'loading' | 'shown' | 'refused' = 'loading';
  #back: number | undefined;

  constructor(desk: Desk, device: string) {
    this.#desk = desk;
    this.#device = device;
    void this.#load();
  }

  async #load(): Promise<void> {
    const answer = await this.#desk.ask(this.#device, 'calibration.list', { count: page });
    const status = await this.#desk.ask(this.#device, 'calibration.status');
    if (answer.status === 'done' && status.status === 'done') {
      const { revisions } = answer.data;
      this.#revisions = Array.isArray(revisions) ? revisions.filter(isLoose) : [];
      this.#current = Number(status.data.revision ?? 0);
      this.#state = 'shown';
    } else this.#state = 'refused';
    this.#desk.draw();
  }

  async act(name: string, target: HTMLElement): Promise<void> {
    const revision = Number(target.dataset.revision);
    if (name === 'again') await this.#load();
    if (name === 'back' || name === 'back-not') this.#back = name === 'back' ? revision : undefined;
    if (name === 'report') await showReport(this.#desk, this.#device, { revision }, 'window');
    if (name === 'report-file') await showReport(this.#desk, this.#device, { revision }, 'file');
    if (name === 'file') {
      const answer = await this.#desk.ask(this.#device, 'calibration.show', { revision });
      if (answer.status === 'done')
        saveFile(
          `${this.#device}-calibration-${revision}.json`,
          'application/json',
          JSON.stringify(answer.data, null, 2),
        );
    }
    this.#desk.draw();
  }

  async submit(_name: string, form: FormData): Promise<void> {
    const revision = this.#back;
    if (revision === undefined) return;
    const why = String(form.get('why'));
    const answer = await this.#desk.ask(this.#device, 'calibration.rollback', {
      revision,
      expected: this.#current,
      why,
    });
    if (answer.status !== 'done') return;
    this.#back = undefined;
    this.#desk.tell(
      `The calibration of revision ${revision} is in force again, as a revision of its own.`,
      'good',
    );
    await this.#load();
  }

  draw(): Child {
    if (this.#state === 'loading') return h('p', { class: 'empty', role: 'status' }, 'Asking the device …');
    if (this.#state === 'refused')
      return h(
        'p',
        { class: 'empty' },
        'The device does not show its revisions; the line below says why. ',
        button('Ask again', 'again'),
      );
    return card(
      'Revisions',
      this.#revisions.length === 0
        ? h('p', { class: 'empty' }, 'This device has never been calibrated here.')
        : h(
            'ol',
            { class: 'revisions' },
            this.#revisions.map((one) => this.#row(one)),
          ),
    );
  }

  #row(one: Loose): HTMLElement {
    const revision = Number(one.revision);
    const by = isLoose(one.by) ? one.by : {};
    const plates = Array.isArray(one.plates) ? one.plates.map(String) : [];
    const mine = { 'data-revision': revision };
    return h(
      'li',
      { 'data-key': `rev${revision}` },
      h(
        'p',
        { class: 'row' },
        h('strong', {}, `Revision ${revision}`),
        revision === this.#current && badge('good', 'in force'),
        h(
          'span',
          {},
          [
            one.cause,
            plates.join(', '),
            typeof one.atMs === 'number' ? moment(one.atMs) : undefined,
            [by.role, by.who].filter((part) => part !== undefined).join(' '),
          ]
            .filter((part) => part !== undefined && part !== '')
            .join(' · '),
        ),
      ),
      h(
        'p',
        { class: 'row' },
        one.hasReport === true &&
          button('Report', 'report', { ...mine, 'aria-label': `Report of revision ${revision}` }),
        one.hasReport === true &&
          button('Save report', 'report-file', {
            ...mine,
            'aria-label': `Save report of revision ${revision}`,
          }),
        button('Save figures', 'file', { ...mine, 'aria-label': `Save figures of revision ${revision}` }),
        revision !== this.#current && button(`Go back to revision ${revision} …`, 'back', mine),
      ),
      this.#back === revision &&
        h(
          'form',
          { 'data-form': 'back', class: 'confirm' },
          field(
            'Why',
            'why',
            { required: true, maxlength: 200 },
            'The old calibration becomes the newest revision; the reason goes on record.',
          ),
          h('button', { type: 'submit', class: 'danger' }, `Put revision ${revision} in force again`),
          button('Leave it', 'back-not'),
        ),
    );
  }
}
