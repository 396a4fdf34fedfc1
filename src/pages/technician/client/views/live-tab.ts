import { type Child, h } from '../../../client/dom.ts';
import type { Heard } from '../broker.ts';
import { counts, kilograms } from '../format.ts';
import { Live } from '../live.ts';
import { livePlot } from '../plots.ts';
import type { Desk, View } from '../view.ts';
import { badge, card, table } from './parts.ts';

/** A range of so many counts at least: a gram or so of a usual cell. */
const leastCounts = 400;
/** 20 g. */
const leastMg = 20_000;

/** What every plate weighs, and what every cell gives, as it happens. */
export class LiveTab implements View {
  readonly title = 'Live';
  readonly #live: Live;

  constructor(desk: Desk, device: string) {
    this.#live = new Live(desk.broker, device);
  }

  heard(heard: Heard): void {
    this.#live.take(heard);
  }

  link(): void {
    this.#live.renew();
  }

  close(): void {
    this.#live.close();
  }

  draw(): Child {
    const { weights, counts: cells, fresh } = this.#live;
    if (weights === undefined && cells === undefined) {
      return h('p', { class: 'empty', role: 'status' }, 'Waiting for values …');
    }
    return [
      !fresh &&
        h('p', { class: 'notice' }, badge('warn', 'No values for two seconds: what is shown is old.')),
      weights !== undefined && this.#plates(weights),
      cells !== undefined && this.#cells(cells),
    ];
  }

  #plates(weights: NonNullable<Live['weights']>): HTMLElement {
    const lines = weights.plates.map(({ plate }) => ({
      name: plate,
      samples: this.#live.series(`plate:${plate}`),
    }));
    return card(
      'Plates',
      h(
        'ul',
        { class: 'readings' },
        weights.plates.map(({ plate, grossMg, tareMg, stable, moving }, index) =>
          h(
            'li',
            { 'data-key': plate },
            h('span', { class: `swatch s${index % 8}`, 'aria-hidden': 'true' }),
            h('span', { class: 'label' }, plate),
            h('strong', { class: 'big' }, grossMg === undefined ? 'no mass' : kilograms(grossMg - tareMg)),
            moving ? badge('warn', 'moving') : stable ? badge('good', 'at rest') : badge('plain', 'settling'),
          ),
        ),
      ),
      livePlot('Mass of each plate over the last minute', lines, leastMg, kilograms),
    );
  }

  #cells({ cells, silent = [] }: NonNullable<Live['counts']>): HTMLElement {
    const rows = cells.map((cell, index) => [
      h(
        'span',
        { class: 'row' },
        h('span', { class: `swatch s${index % 8}`, 'aria-hidden': 'true' }),
        cell.cell,
      ),
      counts(cell.counts),
      kilograms(cell.massMg),
      cell.ratePerMinute === undefined ? '–' : `${(cell.ratePerMinute / 60).toFixed(1)} /s`,
      cell.fault === undefined ? badge('good', 'well') : badge('bad', cell.fault),
    ]);
    const missing = silent.map(({ cell, fault }) => [cell, '–', '–', '–', badge('bad', fault ?? 'silent')]);
    const lines = cells.map(({ cell }) => ({
      name: cell,
      samples: centred(this.#live.series(`cell:${cell}`)),
    }));
    return card(
      'Cells',
      table('Cells', ['Cell', 'Counts', 'Load', 'Rate', 'State'], [...rows, ...missing]),
      h(
        'p',
        { class: 'hint' },
        'Change of counts over the last minute, each cell from where it was at its beginning:',
      ),
      livePlot('Change of counts of each cell over the last minute', lines, leastCounts, counts),
    );
  }
}

type Samples = ReturnType<Live['series']>;

function centred(samples: Samples): Samples {
  const first = samples[0]?.value ?? 0;
  return samples.map(({ atS, value }) => ({ atS, value: value - first }));
}
