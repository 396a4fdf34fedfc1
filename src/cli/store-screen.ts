import type { Heard, Store } from '#store/service.ts';
import { Screen } from './live-table.ts';
import { type DeviceRow, deviceRows, deviceTable, heardJson, heardLine } from './store-text.ts';
import { notice, printable, printJson, terminalColumns } from './terminal.ts';

/** More often nobody reads, ms. */
const drawEveryMs = 250;
const mostLines = 10;
/** Of a terminal that does not know its height. */
const usualRows = 24;

/** What people or programs see of a running store: a table that is kept up to date, lines, or JSON. */
export class StoreScreen {
  readonly #store: Pick<Store, 'floor' | 'step'>;
  readonly #kind: 'screen' | 'lines' | 'json';
  readonly #screen = new Screen();
  /** What was said last, the latest at the end. */
  #said: string[] = [];
  #shown = '';
  #rows = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #prompt: () => void = () => {};

  constructor(store: Pick<Store, 'floor' | 'step'>, kind: 'screen' | 'lines' | 'json') {
    this.#store = store;
    this.#kind = kind;
  }

  start(prompt: () => void): void {
    this.#prompt = prompt;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), drawEveryMs);
  }

  /** Shows what is new once more, and ends. */
  stop(): void {
    clearInterval(this.#timer);
    this.#prompt = () => {};
    this.#draw();
  }

  heard(heard: Heard): void {
    if (this.#kind === 'json') {
      // Before what came of it: a program that follows one device sees them in order.
      this.#tellRows();
      const value = heardJson(heard);
      if (value !== undefined) printJson(value);
      return;
    }
    const line = heardLine(heard);
    if (line !== undefined) this.say(line);
  }

  say(text: string): void {
    if (this.#kind === 'json') notice(printable(text));
    else if (this.#kind === 'lines') process.stdout.write(`${printable(text)}\n`);
    else this.#said = [...this.#said, text].slice(-mostLines);
  }

  /** A line was typed: the cursor is one line further down. */
  entered(): void {
    if (this.#kind !== 'screen') return;
    process.stdout.write('\u001b[1A');
    this.#shown = '';
  }

  #draw(): void {
    if (this.#kind === 'json') {
      this.#tellRows();
      return;
    }
    if (this.#kind === 'lines') return;
    const lines = [...deviceTable(deviceRows(this.#store)), '', ...this.#said, ''];
    const shown = lines.join('\n');
    if (shown === this.#shown) return;
    this.#shown = shown;
    process.stdout.write(this.#screen.draw(lines, terminalColumns(), process.stdout.rows || usualRows));
    this.#prompt();
  }

  /** Each device that changed, once. */
  #tellRows(): void {
    for (const row of deviceRows(this.#store)) {
      const text = JSON.stringify(row satisfies DeviceRow);
      if (this.#rows.get(row.device) === text) continue;
      this.#rows.set(row.device, text);
      printJson({ kind: 'device', ...row });
    }
  }
}
