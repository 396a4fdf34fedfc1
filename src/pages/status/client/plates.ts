import type { PlateStatus, PlateWeight } from '../source.ts';
import { h, setText } from './dom.ts';
import { noBreak, plateMass } from './format.ts';

interface Tile {
  readonly root: HTMLElement;
  readonly number: HTMLElement;
  readonly unit: HTMLElement;
  readonly state: HTMLElement;
  readonly fill: HTMLElement;
  readonly note: HTMLElement;
  status: PlateStatus;
}

/** How many colours style.css has for plates (`--series-0` …). */
export const seriesColours = 8;

/** A tile a plate: its mass, as large as there is room for, and whether it is at rest. */
export class PlateTiles {
  readonly #root: HTMLElement;
  #tiles = new Map<string, Tile>();

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** Shows plates in full; tiles are made anew only when there are other plates than before. */
  show(plates: readonly PlateStatus[]): void {
    const same = plates.length === this.#tiles.size && plates.every((plate) => this.#tiles.has(plate.id));
    if (!same) {
      this.#tiles = new Map(plates.map((plate, index) => [plate.id, makeTile(plate, index)]));
      this.#root.replaceChildren(...[...this.#tiles.values()].map((tile) => tile.root));
      this.#root.classList.toggle('many', plates.length > 2);
    }
    for (const plate of plates) {
      const tile = this.#tiles.get(plate.id);
      if (tile === undefined) continue;
      tile.status = plate;
      setText(tile.note, noteOf(plate));
    }
    this.weigh(plates);
  }

  weigh(weights: readonly PlateWeight[]): void {
    for (const weight of weights) {
      const tile = this.#tiles.get(weight.id);
      if (tile === undefined) continue;
      const { number, unit } = plateMass(weight.netMg, tile.status.divisionMg ?? tile.status.intervalMg);
      setText(tile.number, tile.status.kind === 'unweighed' ? 'by scan' : number);
      setText(tile.unit, unit);
      const state = stateOf(weight, tile.status);
      if (tile.root.dataset.state !== state.name) {
        tile.root.dataset.state = state.name;
        setText(tile.state, state.text);
      }
      const share = (weight.grossMg ?? weight.netMg ?? 0) / (tile.status.maxMg ?? Number.POSITIVE_INFINITY);
      tile.fill.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
    }
  }
}

function stateOf(weight: PlateWeight, plate: PlateStatus): { name: string; text: string } {
  if (plate.kind === 'unweighed') return { name: 'none', text: 'not weighed' };
  if (weight.moving) return { name: 'moving', text: 'rolling' };
  if (weight.netMg === undefined) return { name: 'unknown', text: 'no reading' };
  return weight.stable ? { name: 'stable', text: 'at rest' } : { name: 'settling', text: 'settling' };
}

function noteOf(plate: PlateStatus): string {
  const parts: string[] = [];
  if (plate.maxMg !== undefined) parts.push(`Max ${plate.maxMg / 1e6} kg`);
  const { intervalMg, divisionMg } = plate;
  if (intervalMg !== undefined) parts.push(`e = ${grams(intervalMg)}`);
  if (divisionMg !== undefined && divisionMg !== intervalMg) parts.push(`d = ${grams(divisionMg)}`);
  if (plate.tareMg !== 0) parts.push(`tare ${(plate.tareMg / 1e6).toFixed(3)} kg`);
  return parts.map((part) => part.replaceAll(' ', noBreak)).join(' · ');
}

function grams(massMg: number): string {
  return `${massMg / 1e3} g`;
}

function makeTile(plate: PlateStatus, index: number): Tile {
  const number = h('span', { class: 'number' });
  const unit = h('span', { class: 'unit' });
  const state = h('span', { class: 'state' });
  const fill = h('i', {});
  const note = h('p', {
    class: 'note',
    title: 'Max: the most it weighs · e: verification interval · d: what the shown mass is rounded to',
  });
  const root = h(
    'article',
    { class: `plate series-${index % seriesColours}`, 'aria-label': `Plate ${plate.id}` },
    h('h3', {}, h('span', { class: 'swatch', 'aria-hidden': 'true' }), plate.id),
    h('p', { class: 'mass' }, number, ' ', unit),
    h('p', { class: 'state-line' }, h('span', { class: 'mark', 'aria-hidden': 'true' }), state),
    h('div', { class: 'meter', 'aria-hidden': 'true' }, fill),
    note,
  );
  return { root, number, unit, state, fill, note, status: plate };
}
