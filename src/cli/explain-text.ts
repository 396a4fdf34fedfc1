import { formatMass } from '#base/units.ts';
import type { CartEvent } from '#events/event.ts';
import type { Judged, JudgedPart, Judgement } from '#fusion/judgement.ts';
import { formatProbability } from './event-line.ts';
import { printable } from './terminal.ts';

/** `+412.3 g ± 1.5 g`. */
function measured(massMg: number, sigmaMg: number): string {
  return `${massMg < 0 ? '' : '+'}${grams(massMg)} ± ${grams(sigmaMg)}`;
}

/** Masses are compared here, so tenths of a gram count. */
function grams(massMg: number): string {
  return Math.abs(massMg) >= 1e6 ? formatMass(massMg) : `${(massMg / 1_000).toFixed(1)} g`;
}

const seconds = (us: number) => `${(us / 1e6).toFixed(1)} s`;
const percent = (probability: number) =>
  probability > 0 && probability < 1e-4 ? '< 0.01 %' : formatProbability(Math.round(probability * 1e6));

/** When something was, against the movement: `0.9 s before it began`. */
function when(
  atUs: number,
  { startedAtUs, settledAtUs }: { startedAtUs: number; settledAtUs: number },
): string {
  if (atUs < startedAtUs) return `${seconds(startedAtUs - atUs)} before it began`;
  if (atUs <= settledAtUs) return 'while it settled';
  return `${seconds(atUs - settledAtUs)} after it had settled`;
}

function massWords({ mass, meanMg, sdMg }: JudgedPart): string {
  if (mass.from === 'any') return 'any mass';
  const figure = `${grams(meanMg)} ± ${grams(sdMg)}`;
  if (mass.from === 'learned') {
    const since =
      mass.sinceMs === undefined ? '' : ` since ${new Date(mass.sinceMs).toISOString().slice(0, 10)}`;
    return `${figure}, learned from ${mass.weighings} weighings${since}`;
  }
  return `${figure}, ${mass.from === 'measured' ? 'as it was weighed' : `by the ${mass.from}`}`;
}

const kindWords: Readonly<Record<Judged['kind'], string>> = {
  items: '',
  unknown: 'a thing that nobody can name',
  mixed: 'several things, not all of which can be named',
  nothing: 'nothing: a hand, a knock, a shift',
};

function explanationWords({ kind, parts }: Judged): string {
  if (kind !== 'items') return kindWords[kind];
  return parts
    .map((part) => {
      const what = part.name === '' ? 'the unnamed thing' : `${part.count} × ${printable(part.name)}`;
      return `${part.sign > 0 ? 'in' : 'out'}: ${what} (${massWords(part)})`;
    })
    .join(', ');
}

/** Two figures that matter, also of very small numbers. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value !== 0 && (value < 0.001 || value >= 1_000) ? value.toExponential(1) : value.toPrecision(2);
}

/** The table of explanations: what was multiplied, and what came of it. */
function table(judgement: Judgement): string[] {
  const rows = judgement.explanations.map((one, i) => [
    i === judgement.decided ? '→' : ' ',
    percent(one.probability),
    figure(one.prior),
    one.kind === 'items' && one.parts.every(({ mass }) => mass.from !== 'any')
      ? `${one.z < 0 ? '-' : '+'}${Math.abs(one.z).toFixed(1)}`
      : '',
    one.densityPerG === undefined ? '' : figure(one.densityPerG),
    one.factor === 1 ? '' : `× ${figure(one.factor)}`,
    explanationWords(one),
  ]);
  const head = ['', 'probability', 'prior', 'z', 'per gram', 'seen', 'explanation'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) =>
        i === 0 || i === cells.length - 1 ? cell.padEnd(i === 0 ? 1 : 0) : cell.padStart(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}

/** Why it was decided or asked, in a sentence. */
function reason(judgement: Judgement): string {
  const { thresholds, obstacles, decided, picked, whileAway } = judgement;
  const [best, next] = judgement.explanations;
  const strict = thresholds.strict ? ', because only the mass vouches for some of it' : '';
  if (decided !== undefined && picked) return 'Decided: a person picked it, and the mass allows that.';
  if (decided !== undefined) {
    const lead = (best?.probability ?? 0) - (next?.probability ?? 0);
    return `Decided: ${percent(best?.probability ?? 0)} is enough (${percent(thresholds.probability)} is needed${strict}), it leads by ${percent(lead)} (${percent(thresholds.lead)} is needed), and its mass is ${Math.abs(best?.z ?? 0).toFixed(1)} σ off (${thresholds.maximumZ} σ is allowed).`;
  }
  if (whileAway) return 'Asked: it changed while nobody was looking, which is never charged.';
  const why = obstacles.map((obstacle): string => {
    if (obstacle === 'no-item')
      return `the best explanation is ${kindWords[best?.kind ?? 'unknown'] || 'none'}`;
    if (obstacle === 'probability') {
      return `the best explanation has ${percent(best?.probability ?? 0)}, and ${percent(thresholds.probability)} is needed${strict}`;
    }
    if (obstacle === 'z') {
      return `its mass is ${Math.abs(best?.z ?? 0).toFixed(1)} σ off, and ${thresholds.maximumZ} σ is allowed`;
    }
    return `it leads the next one by ${percent((best?.probability ?? 0) - (next?.probability ?? 0))}, and ${percent(thresholds.lead)} is needed`;
  });
  if (why.length === 0) return 'Asked: a scan or a sighting that was waited for did not come.';
  return `Asked: ${why.join('; ')}.`;
}

/** Everything that was weighed, one line each. */
export function judgementText(judgement: Judgement): string[] {
  const lines = [
    `Measured on ${printable(judgement.plate)}: ${measured(judgement.massMg, judgement.sigmaMg)} in ${seconds(judgement.settledAtUs - judgement.startedAtUs)}`,
  ];
  if (judgement.movements.length > 1) {
    const each = judgement.movements.map(({ massMg, sigmaMg }) => measured(massMg, sigmaMg));
    lines.push(`  ${judgement.movements.length} movements together: ${each.join('; ')}`);
  }
  for (const scan of judgement.scans) {
    const placed = `${percent(scan.placedPrior)} that it is of this, before the mass`;
    lines.push(
      `Scanned: ${printable(scan.name)} by ${printable(scan.source)}, ${when(scan.atUs, judgement)}; ${placed}`,
    );
  }
  if (judgement.scans.length === 0) lines.push('Scanned: nothing that waits');
  for (const { source, outcome, things, atUs } of judgement.looks) {
    const words = things.map(({ candidates: [best], unknownPpm, change }) => {
      const what = best === undefined ? 'a thing' : `${best.look} ${formatProbability(best.probabilityPpm)}`;
      return `${change === undefined ? '' : `${change} `}${printable(what)}, unknown ${formatProbability(unknownPpm)}`;
    });
    lines.push(`Seen by ${printable(source)}, ${when(atUs, judgement)}: ${words.join('; ') || outcome}`);
  }
  lines.push('', ...table(judgement));
  if (judgement.further > 0 || judgement.rest > 0) {
    const rest =
      judgement.rest > 0 ? `; all that was only summed up has at most ${figure(judgement.rest * 100)} %` : '';
    lines.push(`   and ${judgement.further} further ones${rest}`);
  }
  return [...lines, '', reason(judgement)];
}

/** What an event's own evidence tells, where there is no trace to weigh it again. */
export function evidenceText(event: CartEvent): string[] {
  const { data } = event;
  if (!('evidence' in data))
    return [`${event.type} is no decision about goods: its fields say all that there is.`];
  const { movements = [], scans = [], sightings = [] } = data.evidence;
  const varMg2 = movements.reduce((sum, { sigmaMg }) => sum + sigmaMg * sigmaMg, 0);
  const massMg = movements.reduce((sum, one) => sum + one.massMg, 0);
  const lines = movements.map(
    (one) =>
      `Measured on ${printable(data.plate)}: ${measured(one.massMg, one.sigmaMg)} in ${seconds(one.settledAtUs - one.startedAtUs)}`,
  );
  for (const { source, atUs, gtin, plu } of scans) {
    lines.push(`Scanned: ${printable(gtin ?? plu ?? 'a code')} by ${printable(source)}, ${when(atUs, data)}`);
  }
  for (const { source, atUs, look, probabilityPpm } of sightings) {
    const what = look === undefined ? 'nothing known' : `${look} ${formatProbability(probabilityPpm ?? 0)}`;
    lines.push(`Seen by ${printable(source)}, ${when(atUs, data)}: ${printable(what)}`);
  }
  if ('probabilityPpm' in data) {
    const what = data.name === undefined ? 'no product' : `${data.count} × ${printable(data.name)}`;
    lines.push(
      '',
      `Decided: ${what}, ${formatProbability(data.probabilityPpm)}, identified by ${data.entry}.`,
    );
  } else {
    const unknown = formatProbability(data.unknownPpm);
    lines.push(
      '',
      `Asked (${data.kind}, ${data.ask}): ${unknown} that no product of the catalogue explains it.`,
    );
  }
  const others = 'alternatives' in data ? data.alternatives : data.candidates;
  for (const { name, gtin, plu, count, probabilityPpm, expectedMg } of others) {
    const off =
      expectedMg === undefined || varMg2 === 0 ? undefined : (massMg - expectedMg) / Math.sqrt(varMg2);
    const mass =
      expectedMg === undefined
        ? 'any mass'
        : `expects ${grams(expectedMg)}${off === undefined ? '' : `, ${Math.abs(off).toFixed(1)} σ of the weighing off`}`;
    const what = `${count < 0 ? 'out' : 'in'}: ${Math.abs(count)} × ${printable(name ?? gtin ?? plu ?? '')}`;
    lines.push(`  ${formatProbability(probabilityPpm)}  ${what} (${mass})`);
  }
  return lines;
}
