import { usPerMinute } from '#base/units.ts';
import { differenceText, loadText } from '../mass-text.ts';
import type { JudgedObservation, TestName, TestVerdict, Verdict } from '../tests/types.ts';
import { weightsText } from '../weights.ts';
import { html, type Markup } from './html.ts';
import type { ReportedLoad, ReportedPlate } from './model.ts';

/** What a test is called, and what it asks. */
const testTitles: Readonly<Record<TestName, readonly [name: string, question: string]>> = {
  linearity: ['Linearity', 'Is every load shown right, on the way up and down?'],
  eccentricity: ['Eccentricity', 'Does the same load weigh the same over each corner?'],
  repeatability: ['Repeatability', 'Does the same load weigh the same again?'],
  discrimination: ['Discrimination', 'Does a little more show as a little more?'],
  creep: ['Creep', 'Does a load that stays keep its reading?'],
  'zero-return': ['Zero return', 'Does the empty plate read zero after half an hour under load?'],
  'warm-up': ['Warm-up', 'Is it right from the moment it is switched on?'],
  tilt: ['Tilt', 'Is it right on a slope of 50/1000?'],
};

const verdictWords: Readonly<Record<Verdict, readonly [sign: string, word: string]>> = {
  passed: ['✓', 'passed'],
  failed: ['✗', 'failed'],
  incomplete: ['○', 'not complete'],
};

/** A verdict by sign, word and colour. */
export function badge(verdict: Verdict, word = verdictWords[verdict][1]): Markup {
  return html`<span class="badge ${verdict}"><span aria-hidden="true">${verdictWords[verdict][0]}</span> ${word}</span>`;
}

/** A table that scrolls sideways where there is no room for it. */
function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly (Markup | string)[])[],
): Markup {
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption>
<thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, index) => (index === 0 ? html`<th scope="row">${cell}</th>` : html`<td>${cell}</td>`))}</tr>`)}</tbody></table></div>`;
}

/** ± limit, g. */
function limitText(limitMg: number, intervalMg: number): string {
  return differenceText(limitMg, intervalMg).replace(/^\+/, '±');
}

function mark(passed: boolean): Markup {
  return passed
    ? html`<span class="yes"><span aria-hidden="true">✓</span> yes</span>`
    : html`<span class="no"><span aria-hidden="true">✗</span> no</span>`;
}

/** One line a test: verdict, worst error, and the figure that the test is about. */
export function summaryTable(plate: ReportedPlate): Markup | undefined {
  if (plate.tests.length === 0) return undefined;
  const rows = plate.tests.map((test) => [
    testTitles[test.test][0],
    badge(test.verdict),
    closest(test, plate),
    figuresText(test, plate),
  ]);
  const heads = ['test', 'verdict', 'closest to its limit', 'figures'];
  return html`<div class="summary">${table(`Tests of plate ${plate.id}`, heads, rows)}</div>`;
}

function closest(test: TestVerdict, plate: ReportedPlate): string {
  const worst = test.observations.reduce<JudgedObservation | undefined>(
    (found, one) => (found === undefined || part(one) > part(found) ? one : found),
    undefined,
  );
  if (worst === undefined) return '—';
  return `${differenceText(worst.errorMg, plate.intervalMg)} of ${limitText(worst.limitMg, plate.intervalMg)}`;
}

function part({ errorMg, limitMg }: JudgedObservation): number {
  return Math.abs(errorMg) / Math.max(limitMg, 1e-9);
}

function figuresText({ figures }: TestVerdict, { intervalMg }: ReportedPlate): string {
  const parts: string[] = [];
  if (figures.hysteresisMg !== undefined) {
    const at = loadText(figures.hysteresisAtMg ?? 0);
    parts.push(
      `hysteresis ${differenceText(figures.hysteresisMg, intervalMg)} at ${at} (${percentText(figures.hysteresisPpmOfMax ?? 0)} of Max)`,
    );
  }
  if (figures.creepMg !== undefined) {
    parts.push(
      `creep ${differenceText(figures.creepMg, intervalMg)} (${percentText(figures.creepPpmOfLoad ?? 0)} of the load)`,
    );
  }
  if (figures.lateCreepMg !== undefined) {
    parts.push(`from 15 to 30 min ${differenceText(figures.lateCreepMg, intervalMg)}`);
  }
  if (figures.spreadMg !== undefined)
    parts.push(`spread ${differenceText(figures.spreadMg, intervalMg).slice(1)}`);
  if (figures.zeroReturnMg !== undefined) {
    parts.push(`zero came back to ${differenceText(figures.zeroReturnMg, intervalMg)}`);
  }
  return parts.join(' · ') || '—';
}

/** Millionths as a percentage with three digits after the point: `0.042 %`. */
export function percentText(ppmValue: number): string {
  const sign = ppmValue < 0 ? '−' : '';
  return `${sign}${(Math.abs(ppmValue) / 10_000).toFixed(3)} %`;
}

/** Every reading of a test, with error, limit and margin. */
export function testDetails(test: TestVerdict, plate: ReportedPlate): Markup {
  const [name, question] = testTitles[test.test];
  const [first] = test.observations;
  const start =
    (test.test === 'warm-up' ? first?.observation.poweredSinceUs : undefined) ??
    Math.min(...test.observations.map(({ observation }) => observation.atUs));
  const timed = ['creep', 'warm-up', 'zero-return'].includes(test.test);
  const heads = [
    'load',
    'where',
    timed ? 'minute' : 'direction',
    'reading',
    'error',
    'limit',
    'margin',
    'within',
    'weights',
  ];
  const rows = test.observations.map((one) => {
    const { observation } = one;
    const tilted =
      observation.tilt === undefined || observation.tilt === 'level' ? '' : `, tilted ${observation.tilt}`;
    const about = one.about === undefined ? '' : `, ${one.about}`;
    return [
      loadText(observation.massMg),
      `${observation.at}${tilted}${about}`,
      timed ? ((observation.atUs - start) / usPerMinute).toFixed(1) : observation.direction,
      readingText(observation.indicatedMg, plate.intervalMg),
      differenceText(one.errorMg, plate.intervalMg),
      limitText(one.limitMg, plate.intervalMg),
      differenceText(one.marginMg, plate.intervalMg),
      mark(one.passed),
      weightsText(observation.weights),
    ];
  });
  return html`<section class="test"><h4>${name} ${badge(test.verdict)}</h4><p class="question">${question}</p>
${test.missing.length > 0 ? html`<p class="missing">Still needed: ${test.missing.join('; ')}.</p>` : undefined}
${test.notes.map((note) => html`<p class="note">${note}</p>`)}
${rows.length > 0 ? table(`${name}: readings of plate ${plate.id}`, heads, rows) : undefined}</section>`;
}

/** A reading in g with a hundredth of e, as means are finer than what is shown. */
function readingText(massMg: number, intervalMg: number): string {
  return differenceText(massMg, intervalMg).replace(/^[+±]/, '');
}

/** Loads of a fit, or of checks with other weights. */
export function loadsTable(caption: string, loads: readonly ReportedLoad[], plate: ReportedPlate): Markup {
  const rows = loads.map((load) => [
    loadText(load.massMg),
    load.at,
    load.direction,
    readingText(load.indicatedMg, plate.intervalMg),
    differenceText(load.errorMg, plate.intervalMg),
    limitText(load.mpeMg, plate.intervalMg),
    mark(Math.abs(load.errorMg) <= load.mpeMg),
    weightsText(load.weights ?? []),
  ]);
  return table(
    caption,
    ['load', 'where', 'direction', 'reading', 'error', 'limit', 'within', 'weights'],
    rows,
  );
}

/** Weights with their class and how wrong it lets them be. */
export function weightsTable(
  rows: readonly { id: string; mass: string; class: string; error: string; certificate: string }[],
): Markup {
  return table(
    'Weights',
    ['weight', 'mass', 'class', 'its limit', 'certificate'],
    rows.map((row) => [row.id, row.mass, row.class, row.error, row.certificate]),
  );
}
