import { type Child, h } from '../../../client/dom.ts';
import type { Desk, View } from '../view.ts';
import { anything, badge, button, card, choice, spoken } from './parts.ts';

type Loose = Readonly<Record<string, unknown>>;
const isLoose = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const lengths = [
  ['10', '10 seconds'],
  ['30', '30 seconds'],
  ['60', 'a minute'],
] as const;
const good: ReadonlySet<unknown> = new Set(['ok', 'good', 'well', 'passed', 'none', true]);

/** Noise, drift and wiring of every cell, with what to do. */
export class DiagnoseTab implements View {
  readonly title = 'Diagnose';
  readonly #desk: Desk;
  readonly #device: string;
  #data: Loose | undefined;
  #running = false;

  constructor(desk: Desk, device: string) {
    this.#desk = desk;
    this.#device = device;
  }

  async submit(_name: string, form: FormData): Promise<void> {
    const seconds = Number(form.get('seconds'));
    this.#running = true;
    this.#desk.draw();
    const answer = await this.#desk.ask(
      this.#device,
      'calibration.diagnose',
      { seconds },
      (seconds + 30) * 1_000,
    );
    this.#running = false;
    if (answer.status === 'done') this.#data = answer.data;
    this.#desk.draw();
  }

  draw(): Child {
    return [
      card(
        'Diagnosis',
        h(
          'p',
          {},
          'Leave the plates alone while it runs: every cell is listened to for noise, drift, hum of the mains, saturation and broken or swapped wires.',
        ),
        this.#running
          ? h('p', { class: 'busy', role: 'status' }, 'Listening to every cell …')
          : h(
              'form',
              { 'data-form': 'diagnose', class: 'inline' },
              choice('For how long', 'seconds', lengths),
              h(
                'button',
                { type: 'submit', class: 'main' },
                this.#data === undefined ? 'Begin' : 'Once more',
              ),
            ),
      ),
      this.#data !== undefined && this.#result(this.#data),
    ];
  }

  #result(data: Loose): Child {
    const inner = isLoose(data.diagnosis) ? data.diagnosis : data;
    const cells = cellsIn(inner.cells);
    const rest = Object.entries(inner).filter(([name]) => name !== 'cells');
    return [
      cells.map(([id, cell]) => cellCard(id, cell)),
      rest.length > 0 && card('Whole device', anything(Object.fromEntries(rest))),
      card('Keep it', button('Save as a file', 'save')),
    ];
  }

  act(name: string): void {
    if (name !== 'save' || this.#data === undefined) return;
    saveFile(`diagnosis-${this.#device}.json`, 'application/json', JSON.stringify(this.#data, null, 2));
  }
}

/** Hands a file to the browser's downloads. */
export function saveFile(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function cellsIn(value: unknown): readonly (readonly [string, Loose])[] {
  if (Array.isArray(value))
    return value.filter(isLoose).map((cell) => [String(cell.cell ?? cell.id ?? ''), cell]);
  return isLoose(value)
    ? Object.entries(value).flatMap(([id, cell]) => (isLoose(cell) ? [[id, cell] as const] : []))
    : [];
}

function cellCard(id: string, cell: Loose): HTMLElement {
  const { verdict, verdicts, findings, ...figures } = cell;
  const said = [verdicts, findings, verdict].find((one) => one !== undefined);
  const list = Array.isArray(said) ? said : said === undefined ? [] : [said];
  const bad = list.filter((one) => !good.has(isLoose(one) ? (one.code ?? one.kind) : one));
  const { cell: _cell, id: _id, ...shown } = figures;
  return card(
    `Cell ${id}`,
    bad.length === 0
      ? h('p', {}, badge('good', 'well'))
      : bad.map((one) =>
          isLoose(one)
            ? h(
                'p',
                { class: 'notice' },
                badge('bad', String(one.code ?? one.kind ?? 'finding')),
                ` ${String(one.message ?? one.advice ?? '')}`,
              )
            : h('p', { class: 'notice' }, badge('bad', spoken(String(one)))),
        ),
    anything(shown),
  );
}
