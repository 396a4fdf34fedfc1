import { type Child, h } from '../../../client/dom.ts';
import { saveFile } from '../reports.ts';
import type { Desk, View } from '../view.ts';
import { anything, badge, button, card, choice, facts, spoken } from './parts.ts';

type Loose = Readonly<Record<string, unknown>>;
const isLoose = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const lengths = [
  ['10', '10 seconds'],
  ['30', '30 seconds'],
  ['60', 'a minute'],
] as const;
const verdicts: Readonly<Record<string, readonly ['good' | 'warn' | 'bad' | 'plain', string]>> = {
  good: ['good', 'all cells are well'],
  doubt: ['warn', 'something is not as it should be'],
  fault: ['bad', 'it can not weigh like this'],
};

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

  #result({ verdict, seconds, cells, couplings }: Loose): Child {
    const [kind, word] = verdicts[String(verdict)] ?? ['plain', String(verdict)];
    return [
      card(
        'Verdict',
        h('p', {}, badge(kind, word), ` Listened to for ${String(seconds)} s.`),
        Array.isArray(couplings) &&
          couplings.length > 0 &&
          h('details', {}, h('summary', {}, 'Cells whose noise goes together'), anything(couplings)),
        button('Save as a file', 'save'),
      ),
      Array.isArray(cells) && cells.filter(isLoose).map(cellCard),
    ];
  }

  act(name: string): void {
    if (name !== 'save' || this.#data === undefined) return;
    saveFile(`diagnosis-${this.#device}.json`, 'application/json', JSON.stringify(this.#data, null, 2));
  }
}

function cellCard(cell: Loose): HTMLElement {
  const { cell: id, findings, hum, ...figures } = cell;
  const found = Array.isArray(findings) ? findings.filter(isLoose) : [];
  return card(
    `Cell ${String(id)}`,
    found.length === 0
      ? h('p', {}, badge('good', 'well'))
      : found.map(({ code, weight, message, advice }) =>
          h(
            'div',
            { class: 'notice' },
            badge(weight === 'fault' ? 'bad' : 'warn', String(code)),
            h('p', {}, String(message)),
            h('p', {}, h('strong', {}, 'What to do: '), String(advice)),
          ),
        ),
    facts(
      Object.entries(figures).map(([name, value]) => [words[name] ?? spoken(name), withUnit(name, value)]),
    ),
    Array.isArray(hum) && h('details', {}, h('summary', {}, 'Hum of the mains'), anything(hum)),
  );
}

const words: Readonly<Record<string, string>> = {
  ratePerS: 'Rate',
  noiseCounts: 'Noise',
  noiseMg: 'Noise',
  spanCounts: 'Largest less smallest',
  driftCountsPerS: 'Drift',
  driftMgPerS: 'Drift',
  meanCounts: 'Mean',
  loadMg: 'Load',
};

/** A figure with the unit that its name bears. */
function withUnit(name: string, value: unknown): Child {
  const number = Number(value);
  if (Number.isNaN(number) || typeof value === 'object') return anything(value);
  const shown = number.toLocaleString('en-GB', { maximumFractionDigits: 3 });
  if (name.endsWith('MgPerS')) return `${(number / 1_000).toFixed(3)} g/s`;
  if (name.endsWith('Mg')) return `${(number / 1_000).toFixed(2)} g`;
  if (name.endsWith('CountsPerS')) return `${shown} counts/s`;
  if (name.endsWith('PerS')) return `${shown} /s`;
  return name.endsWith('Counts') ? `${shown} counts` : shown;
}
