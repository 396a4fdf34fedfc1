import type { CartEvent } from '#events/event.ts';
import type { Judged, JudgedPart, Judgement } from '#fusion/judgement.ts';
import { askWords, formatProbability } from './event-line.ts';
import {
  clockOf,
  fitWords,
  grams,
  percent,
  section,
  signedGrams,
  sureness,
  times,
  when,
} from './explain-words.ts';
import { printable } from './terminal.ts';

/** Explanations that are told in full; of the others only how likely they are together. */
const mostTold = 4;
/** Below this an explanation is only told as the next best one. */
const worthTelling = 0.001;

const kindWords: Readonly<Record<Judged['kind'], string>> = {
  items: '',
  unknown: 'something that nobody can name',
  mixed: 'several things, not all of which can be named',
  nothing: 'nothing: a hand, a bag that leans, a knock',
};

/** What the scales said. */
function movedLines(judgement: Judgement, event: CartEvent): string[] {
  const { massMg, sigmaMg, startedAtUs, settledAtUs, movements } = judgement;
  const more = massMg < 0 ? 'less' : 'more';
  const lines = [
    `${grams(Math.abs(massMg))} ${more} on ${printable(judgement.plate)} (± ${grams(sigmaMg)}), from ${clockOf(event, startedAtUs)} to ${clockOf(event, settledAtUs)}`,
  ];
  if (movements.length > 1) {
    const each = movements.map((one) => signedGrams(one.massMg));
    lines.push(`in ${movements.length} movements that are explained together: ${each.join(', ')}`);
  }
  return lines;
}

/** What was known beside the mass. */
function knownLines(judgement: Judgement): string[] {
  const scans = judgement.scans.map(({ name, source, atUs, placedPrior }) => {
    const sure = `${percent(placedPrior)} sure to be of this before it was weighed`;
    return `scan     ${printable(name ?? 'a code that the catalogue does not have')} at ${printable(source)}, ${when(atUs, judgement)}: ${sure}`;
  });
  const looks = judgement.looks.map(({ source, outcome, things, atUs }) => {
    const words = things.map(({ candidates: [best], unknownPpm, change }) => {
      const what =
        best === undefined ? '' : `${printable(best.look)} ${formatProbability(best.probabilityPpm)}, `;
      return `${change === undefined ? '' : `${change} `}${what}none that it knows ${formatProbability(unknownPpm)}`;
    });
    const seen = words.join('; ') || (outcome === 'nothing-changed' ? 'nothing changed' : 'a hand alone');
    return `picture  ${printable(source)}, ${when(atUs, judgement)}: ${seen}`;
  });
  return [
    ...(scans.length === 0 ? ['scan     none that waits'] : scans),
    ...(looks.length === 0 ? ['picture  no camera told anything'] : looks),
  ];
}

/** An explanation with what speaks for it, compared with the best one. */
function explanationLines(judgement: Judgement, place: number): string[] {
  const one = judgement.explanations[place];
  const best = judgement.explanations[0];
  if (one === undefined || best === undefined) return [];
  const [what = '', ...further] = one.kind === 'items' ? one.parts.map(partWords) : [kindWords[one.kind]];
  const decided = place === judgement.decided ? '   ← decided' : '';
  const evidence = [
    ...(one.kind === 'items' ? [`scan     ${scanWords(one)}`] : []),
    ...weightLines(one, best, judgement),
    ...(judgement.looks.length === 0 ? [] : [`picture  ${pictureWords(one.seen)}`]),
    ...(isOne(one.dipped) ? [] : [`dip      ${times(one.dipped)} as the plate was lighter for a moment`]),
    ...(isOne(one.late) ? [] : [`late     ${times(one.late)} because it was scanned only afterwards`]),
    ...habitLines(one, best),
  ];
  return [
    `${String(place + 1).padStart(2)}. ${percent(one.probability).padStart(8)}  ${what}${decided}`,
    ...further.map((line) => `${' '.repeat(14)}${line}`),
    ...evidence.map((line) => `${' '.repeat(16)}${line}`),
  ];
}

/** A factor that changes nothing, but for rounding. */
const isOne = (factor: number) => Math.abs(factor - 1) < 1e-9;

function partWords({ sign, name, count }: JudgedPart): string {
  const what = name === '' ? 'the thing that nobody could name' : `${count} × ${printable(name)}`;
  return `${sign > 0 ? 'in' : 'out'}: ${what}`;
}

function scanWords({ parts }: Judged): string {
  const put = parts.filter(({ sign }) => sign > 0);
  if (put.length === 0) return 'not needed to take something out';
  const units = put.reduce((sum, { count }) => sum + count, 0);
  const scans = put.reduce((sum, part) => sum + Math.min(part.scans, part.count), 0);
  if (scans === 0) return 'not scanned';
  if (scans >= units) return units === 1 ? 'scanned' : 'all scanned';
  return `${scans} of ${units} scanned`;
}

function weightLines(one: Judged, best: Judged, { massMg }: Judgement): string[] {
  if (one.kind === 'mixed') return [];
  if (one.kind === 'unknown') {
    return [`weight   ${one === best ? 'any weight fits' : `any: ${comparedWith(best, one)}`}`];
  }
  if (one.parts.some(({ mass }) => mass.from === 'any'))
    return ['weight   any: it is sold by weight, or was never weighed'];
  const expected = one.kind === 'nothing' ? 'no change' : signedGrams(one.expectedMg);
  const off = `${grams(Math.abs(massMg - one.expectedMg))} off, ${Math.abs(one.z).toFixed(1)} times the uncertainty`;
  return [
    `weight   ${fitWords(one.z)}: ${expected} expected, ${off}${one === best ? '' : `; ${comparedWith(best, one)}`}`,
    ...one.parts.map((part) => `         ${massWords(part)}`),
  ];
}

const comparedWith = (best: Judged, one: Judged): string =>
  best === one || best.densityPerG === undefined || one.densityPerG === undefined
    ? 'nothing to compare with'
    : `this weight is ${times(one.densityPerG / best.densityPerG)} than with 1`;

/** Where the mass that a part is held against comes from. */
function massWords({ mass, meanMg, sdMg, name, count }: JudgedPart): string {
  const what = `${count > 1 ? `${count} × ` : ''}${printable(name) || 'it'} ${grams(meanMg)} ± ${grams(sdMg)}`;
  switch (mass.from) {
    case 'learned': {
      const since =
        mass.sinceMs === undefined ? '' : ` since ${new Date(mass.sinceMs).toISOString().slice(0, 10)}`;
      return `${what}, learned from ${mass.weighings} of them${since}`;
    }
    case 'measured':
      return `${what}, as weighed when it came`;
    case 'any':
      return `${what}, any mass`;
    default:
      return `${what} by the ${mass.from}`;
  }
}

function pictureWords(seen: number): string {
  if (seen > 1.05) return `speaks for it: ${times(seen)}`;
  return seen < 0.95 ? `speaks against it: ${times(seen)}` : 'says nothing about it';
}

function habitLines(one: Judged, best: Judged): string[] {
  if (one.prior === undefined) return ['habit    rare, and summed up over all that it may be'];
  if (one === best || best.prior === undefined) {
    return [`habit    ${sureness(one.prior)} before it was weighed`];
  }
  return [`habit    ${times(one.prior / best.prior)} than 1 before it was weighed`];
}

/** Why it was decided or asked, in a sentence. */
function reasonLines(judgement: Judgement, event: CartEvent): string[] {
  const { thresholds, decided, picked, explanations } = judgement;
  const needed = `${percent(thresholds.probability)} is needed${thresholds.strict ? ' where nothing but the weight vouches for some of it' : ''}`;
  if (decided !== undefined && picked) return ['A person picked it, and the weight allows that.'];
  if (decided !== undefined) {
    const [best, next] = explanations;
    const second =
      next === undefined ? 'there is no other explanation' : `the next best has ${percent(next.probability)}`;
    const z = best?.z ?? 0;
    return [
      `It was decided without asking: it is ${percent(best?.probability ?? 0)} sure (${needed}), ${second},`,
      `and its weight ${fitWords(z)} (${Math.abs(z).toFixed(1)} times the uncertainty, up to ${thresholds.maximumZ} is allowed).`,
    ];
  }
  const lines = obstacleLines(judgement, needed);
  const ask = event.type === 'item.unresolved' ? (askWords[event.data.ask] ?? event.data.ask) : undefined;
  return [...lines, ...(ask === undefined ? [] : [`So the shopper is asked: “${ask}”`])];
}

function obstacleLines(
  { obstacles, explanations, thresholds, whileAway }: Judgement,
  needed: string,
): string[] {
  if (whileAway) return ['It changed while nobody was looking: that is never charged without asking.'];
  const [best, next] = explanations;
  const lines = obstacles.map((obstacle): string => {
    switch (obstacle) {
      case 'no-item':
        return `The likeliest is no product: ${kindWords[best?.kind ?? 'unknown'] || 'nothing fits'}.`;
      case 'probability':
        return `The likeliest is only ${percent(best?.probability ?? 0)} sure; ${needed}.`;
      case 'lead':
        return `The next best is too close: ${percent(next?.probability ?? 0)} against ${percent(best?.probability ?? 0)}.`;
      default:
        return `Its weight ${fitWords(best?.z ?? 0)}: ${Math.abs(best?.z ?? 0).toFixed(1)} times the uncertainty off, up to ${thresholds.maximumZ} is allowed.`;
    }
  });
  return lines.length === 0
    ? ['Only the weight names it, and no scan or picture came in the time to decide.']
    : lines;
}

/** Places of the explanations that are told: the likely ones, what was decided, and the next best that names a product. */
function toldOf({ explanations, decided }: Judgement): number[] {
  const named = explanations.findIndex(({ kind }, place) => place > 0 && kind === 'items');
  const told = explanations
    .map((_, place) => place)
    .filter((place) => place < 2 || (explanations[place]?.probability ?? 0) >= worthTelling)
    .slice(0, mostTold);
  return [...new Set([...told, ...[named, decided ?? 0].filter((place) => place >= 0)])].sort(
    (a, b) => a - b,
  );
}

/** Everything that was weighed for a decision or question, for somebody who knows the shop and not the mathematics. */
export function judgementText(judgement: Judgement, event: CartEvent): string[] {
  const { explanations, further, rest } = judgement;
  const told = toldOf(judgement);
  const left = explanations.filter((_, place) => !told.includes(place));
  const others = left.reduce((sum, { probability }) => sum + probability, 0);
  const count = left.length + further;
  return [
    ...section('What moved', movedLines(judgement, event)),
    ...section('What was known', knownLines(judgement)),
    ...section('What it may have been', [
      ...told.flatMap((place) => explanationLines(judgement, place)),
      ...(count === 0 ? [] : [`    and ${count} others, ${percent(others)} together`]),
      ...(rest > 1e-6 ? [`    all that was not looked at one by one has at most ${percent(rest)}`] : []),
    ]),
    ...section('Why', reasonLines(judgement, event)),
  ];
}
