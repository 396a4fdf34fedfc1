import { loadText } from '../mass-text.ts';
import { finding } from './judge-cell.ts';
import { median } from './statistics.ts';
import type { DiagnosedCell, Finding } from './types.ts';

/** Samples before a press that are its baseline, and that are joined by a median so that a glitch is no answer. */
const baselineSamples = 41;
const medianSamples = 5;
/** A press is an answer from this part of the capacity on: half a kilogram on 10 kg, without calibration about as much. */
const answerPart = 0.02;
/** 2 % of what a 2 mV/V cell gives at capacity on an HX711 at gain 128 (4.295 million counts). */
const answerCounts = 85_000;
/** The strongest answer has to be this many times the next one. */
const clearFactor = 1.4;

/** What came of pressing over one cell. */
interface PressAnswer {
  /** Where the technician was to press. */
  readonly expected: string;
  /** The cell that answered most; undefined where none did. */
  readonly answered?: string;
  /** It stood out. */
  readonly clear: boolean;
  /** Its load went up; down where its signal wires are the other way round. Only where it is calibrated. */
  readonly upward?: boolean;
  /** Largest change of each cell: mg where calibrated (signed), else counts. */
  readonly changes: Readonly<Record<string, number>>;
}

export interface PressResult {
  readonly answers: readonly PressAnswer[];
  /** Which input each cell's own place leads to: `expected` → `answered`, where clear. */
  readonly mapping: Readonly<Record<string, string>>;
  readonly findings: Readonly<Record<string, readonly Finding[]>>;
}

interface Pressed {
  readonly cell: DiagnosedCell;
  readonly recent: number[];
  baseline: number;
  /** Change of the largest size since the press began, counts, with its sign. */
  change: number;
}

/**
 * A technician presses over each cell in turn; which one answers tells swapped plugs, dead wires and turned signals.
 * Samples come all the time; `expect` begins a press, and the next one, or `result`, ends it.
 */
export class PressTest {
  readonly #cells: ReadonlyMap<string, Pressed>;
  readonly #answers = new Map<string, PressAnswer>();
  #expected: string | undefined;

  constructor(cells: readonly DiagnosedCell[]) {
    this.#cells = new Map(cells.map((cell) => [cell.cell, { cell, recent: [], baseline: 0, change: 0 }]));
  }

  sample(cell: string, counts: number): void {
    const pressed = this.#cells.get(cell);
    if (pressed === undefined) return;
    pressed.recent.push(counts);
    if (pressed.recent.length > baselineSamples) pressed.recent.shift();
    if (this.#expected === undefined || pressed.recent.length < medianSamples) return;
    const change = median(pressed.recent.slice(-medianSamples)) - pressed.baseline;
    if (Math.abs(change) > Math.abs(pressed.change)) pressed.change = change;
  }

  /** From now on the technician presses over this cell; what was before is the baseline. False for a cell that isn't tested. */
  expect(cell: string): boolean {
    this.#finish();
    if (!this.#cells.has(cell)) return false;
    this.#expected = cell;
    for (const pressed of this.#cells.values()) {
      pressed.baseline = median(pressed.recent);
      pressed.change = 0;
    }
    return true;
  }

  /** What came of the press that is under way, so far. */
  answer(): PressAnswer | undefined {
    const expected = this.#expected;
    if (expected === undefined) return undefined;
    const all = [...this.#cells.values()].map((pressed) => ({ pressed, size: strength(pressed) }));
    all.sort((a, b) => b.size - a.size);
    const [first, second] = all;
    const changes = Object.fromEntries(all.map(({ pressed }) => [pressed.cell.cell, changeOf(pressed)]));
    if (first === undefined || first.size < 1) return { expected, clear: false, changes };
    const { cell } = first.pressed;
    return {
      expected,
      answered: cell.cell,
      clear: first.size >= clearFactor * (second?.size ?? 0),
      ...(cell.milligramsPerCount === undefined ? {} : { upward: changeOf(first.pressed) > 0 }),
      changes,
    };
  }

  result(): PressResult {
    this.#finish();
    const answers = [...this.#answers.values()];
    const mapping: Record<string, string> = {};
    for (const { expected, answered, clear } of answers) {
      if (clear && answered !== undefined) mapping[expected] = answered;
    }
    const findings: Record<string, readonly Finding[]> = {};
    for (const answer of answers) {
      const found = judge(answer, mapping);
      if (found !== undefined) findings[answer.expected] = [found];
    }
    return { answers, mapping, findings };
  }

  #finish(): void {
    const answer = this.answer();
    if (answer !== undefined) this.#answers.set(answer.expected, answer);
    this.#expected = undefined;
  }
}

function changeOf({ cell, change }: Pressed): number {
  return change * (cell.milligramsPerCount ?? 1);
}

/** Size of a change, 1 where it begins to be an answer. Cells of different capacity bend alike for the same part of it. */
function strength({ cell, change }: Pressed): number {
  const { milligramsPerCount: slope, capacityMg } = cell;
  return slope === undefined
    ? Math.abs(change) / answerCounts
    : Math.abs(change * slope) / (answerPart * capacityMg);
}

function judge(answer: PressAnswer, mapping: Readonly<Record<string, string>>): Finding | undefined {
  const { expected, answered, clear } = answer;
  if (answered === undefined) {
    return finding('CW-CAL-162', 'fault', `Cell ${expected} did not answer when pressed, nor did any other.`);
  }
  if (!clear) {
    const elsewhere = Object.values(mapping).includes(expected);
    const message = `Pressing over cell ${expected} moved several cells about alike${elsewhere ? '' : `; it changed by ${Math.round(answer.changes[expected] ?? 0)}`}.`;
    return finding('CW-CAL-166', 'doubt', message);
  }
  if (answered !== expected) {
    const mutual = mapping[answered] === expected;
    const message = mutual
      ? `Cells ${expected} and ${answered} are swapped: each answers in the place of the other.`
      : `Pressing over cell ${expected} moved cell ${answered}.`;
    return finding('CW-CAL-163', 'fault', message);
  }
  if (answer.upward === false) {
    const change = loadText(answer.changes[expected] ?? 0);
    return finding('CW-CAL-164', 'fault', `Cell ${expected} went down by ${change} when it was pressed.`);
  }
  return undefined;
}
