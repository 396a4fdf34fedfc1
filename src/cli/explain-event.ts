import type { EventData } from '#events/catalog.ts';
import type { CartEvent } from '#events/event.ts';
import { askWords, formatProbability } from './event-line.ts';
import { clockOf, grams, section, signedGrams, when } from './explain-words.ts';
import { printable } from './terminal.ts';

type Item = EventData<'item.added'>;
type Question = EventData<'item.unresolved'>;
type Decision = Extract<CartEvent, { data: Item | Question }>;

/** Whether an event says or asks something about goods, so that there is evidence to tell. */
export function isAboutGoods(event: CartEvent): event is Decision {
  return 'evidence' in event.data;
}

/** What an event's own evidence tells, where it wasn't weighed or there is no trace to weigh it again. */
export function evidenceText(event: Decision): string[] {
  const { data } = event;
  return [
    ...section('What moved', movedLines(event)),
    ...section('What was known', knownLines(data)),
    ...section('What it may have been', candidateLines(data)),
    ...section('Why', reasonLines(event)),
  ];
}

function movedLines(event: Decision): string[] {
  const { movements = [] } = event.data.evidence;
  if (movements.length === 0) return [`nothing was weighed on ${printable(event.data.plate)}`];
  return movements.map(({ massMg, sigmaMg, startedAtUs, settledAtUs, certificateId }) => {
    const more = massMg < 0 ? 'less' : 'more';
    const by = certificateId === undefined ? '' : `, by the certified scale ${printable(certificateId)}`;
    return `${grams(Math.abs(massMg))} ${more} on ${printable(event.data.plate)} (± ${grams(sigmaMg)}), from ${clockOf(event, startedAtUs)} to ${clockOf(event, settledAtUs)}${by}`;
  });
}

function knownLines(data: Item | Question): string[] {
  const { scans = [], sightings = [] } = data.evidence;
  const lines = [
    ...scans.map(
      ({ source, atUs, gtin, plu }) =>
        `scan     ${printable(gtin ?? plu ?? 'a code')} at ${printable(source)}, ${when(atUs, data)}`,
    ),
    ...sightings.map(({ source, atUs, look, probabilityPpm }) => {
      const what =
        look === undefined ? 'nothing it knows' : `${look} ${formatProbability(probabilityPpm ?? 0)}`;
      return `picture  ${printable(source)}, ${when(atUs, data)}: ${printable(what)}`;
    }),
  ];
  return lines.length === 0 ? ['no scan and no picture is named with it'] : lines;
}

function candidateLines(data: Item | Question): string[] {
  const { movements = [] } = data.evidence;
  const massMg = movements.reduce((sum, one) => sum + one.massMg, 0);
  const sigmaMg = Math.sqrt(movements.reduce((sum, { sigmaMg: one }) => sum + one * one, 0));
  const others = 'alternatives' in data ? data.alternatives : data.candidates;
  const lines = others.map(({ name, gtin, plu, count, probabilityPpm, expectedMg }) => {
    const what = `${count < 0 ? 'out' : 'in'}: ${Math.abs(count)} × ${printable(name ?? gtin ?? plu ?? '')}`;
    const off = expectedMg === undefined ? undefined : Math.abs(massMg - expectedMg);
    const mass =
      off === undefined || movements.length === 0
        ? ''
        : `, ${signedGrams(expectedMg ?? 0)} expected, ${grams(off)} off (weighed to ± ${grams(sigmaMg)})`;
    return `${formatProbability(probabilityPpm).padStart(8)}  ${what}${mass}`;
  });
  if ('probabilityPpm' in data) {
    const what = data.name === undefined ? 'no product' : `${data.count} × ${printable(data.name)}`;
    return [`${formatProbability(data.probabilityPpm).padStart(8)}  ${what}   ← decided`, ...lines];
  }
  return [...lines, `${formatProbability(data.unknownPpm).padStart(8)}  nothing that the catalogue has`];
}

const entryWords: Readonly<Record<Item['entry'], string>> = {
  scan: 'its scan',
  weight: 'its weight',
  look: 'a camera',
  manual: 'a person',
  planogram: 'its place on the shelf',
};

const outcomeWords: Readonly<Record<EventData<'item.resolved'>['outcome'], string>> = {
  added: 'The question about it was answered: it was put in.',
  removed: 'The question about it was answered: it was taken out.',
  'put-back': 'What was asked about has gone back to where it came from, so nothing is charged.',
  withdrawn: 'The scan was given up: nothing was put in for it, so nothing is charged.',
  'not-an-item': 'It turned out to be no product of its own, so nothing is charged.',
};

const kindWords: Readonly<Record<Question['kind'], string>> = {
  'unknown-added': 'Nothing of the catalogue explains what was put in well enough.',
  'unknown-removed': 'Nothing that is known to lie there explains what was taken out well enough.',
  ambiguous: 'Several products explain it, and none of them surely enough.',
  mixed: 'Several things may have moved at once, and not all of them are known surely enough.',
  'scanned-not-placed': 'It was scanned, and nothing that may be it was put in while the scan waited.',
  'changed-while-away': 'It changed while nobody was looking: that is never charged without asking.',
};

function reasonLines(event: Decision): string[] {
  if (event.type === 'item.unresolved') {
    const { kind, ask } = event.data;
    return [kindWords[kind], `So the shopper is asked: “${askWords[ask] ?? ask}”`];
  }
  const lines = [`It was identified by ${entryWords[event.data.entry]}.`];
  if (event.type === 'item.resolved') lines.unshift(outcomeWords[event.data.outcome]);
  if (event.type === 'item.corrected')
    lines.unshift(`It corrects what was decided before: ${event.data.corrects}.`);
  if (event.data.count === 0) lines.pop();
  if (event.data.evidence.movements === undefined && event.data.count > 0) {
    lines.push('Nothing is weighed there: the scan, or a person’s word, is all there is to know.');
  } else if (event.data.probabilityPpm > 0 && event.data.count > 0) {
    lines.push('With the trace (--trace) everything is shown that was weighed for it.');
  }
  return lines;
}
