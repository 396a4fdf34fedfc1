import { styleText } from 'node:util';
import { formatMass, formatMoney } from '#base/units.ts';
import type { EventData } from '#events/catalog.ts';
import { isKnown } from '#events/codec.ts';
import type { AnyEvent, CartEvent } from '#events/event.ts';
import { fitLayout, formatCells, type Layout } from './event-columns.ts';
import { printable, terminalColumns } from './terminal.ts';

/** Cells of one printed line, before they are padded. */
interface Row {
  readonly what: string;
  readonly name: string;
  readonly count: string;
  readonly mass: string;
  readonly probability: string;
  readonly tone: 'good' | 'ask' | 'bad' | 'plain' | 'dim';
}

/** `plain` has none: only the terminal's own foreground is readable on light and dark ones. */
const colours = { good: 'green', ask: 'yellow', bad: 'red', dim: 'gray' } as const;
/** What to ask, in a shopper's words. */
export const askWords: Readonly<Record<string, string>> = {
  'scan-it': 'please scan it',
  choose: 'which one is it?',
  'take-it-out': 'please take it out',
  'put-it-back': 'please put it back',
  'place-it': 'please put it in',
  'call-staff': 'someone is coming to help',
};

/**
 * Prints events one readable line each: time, what, product, count, mass, probability, running total, as far as the
 * terminal has room for them. It remembers the total of each device, so one printer serves a whole stream.
 */
export class EventPrinter {
  readonly #colour: boolean;
  readonly #several: boolean;
  readonly #columns: () => number;
  readonly #stores = new Set<string>();
  readonly #totals = new Map<string, string>();

  /**
   * `several`: the stream holds events of several devices, so each line names its own. `columns`: width of the
   * terminal, asked at each line, as it may change.
   */
  constructor(options: { colour: boolean; several?: boolean; columns?: () => number }) {
    this.#colour = options.colour;
    this.#several = options.several ?? false;
    this.#columns = options.columns ?? (() => terminalColumns());
  }

  header(): string {
    return this.#paint(
      'dim',
      this.#line(() => 'time', 'device', blank('what'), 'total'),
    );
  }

  line(event: AnyEvent): string {
    if (!isKnown(event)) {
      return this.#paint(
        'dim',
        this.#line((layout) => clockTime(event, layout), this.#device(event), blank(event.type), ''),
      );
    }
    this.#remember(event);
    const row = describe(event);
    const total = this.#totals.get(event.source) ?? '';
    return this.#paint(
      row.tone,
      this.#line((layout) => clockTime(event, layout), this.#device(event), row, total),
    );
  }

  #remember(event: CartEvent): void {
    if (event.type === 'basket.line' || event.type === 'basket.closed') {
      const { currency, finalMinor, estimateMinor } = event.data.totals;
      const sum = formatMoney(finalMinor + estimateMinor, currency);
      this.#totals.set(event.source, estimateMinor === 0 ? sum : `~${sum}`);
    } else if (event.type === 'basket.opened') {
      this.#totals.set(event.source, formatMoney(0, event.data.currency));
    }
  }

  /** A device is named with its store only once there are several stores. */
  #device({ source }: AnyEvent): string {
    const [store = '', device] = source.split('/');
    this.#stores.add(store);
    return this.#stores.size > 1 ? source : (device ?? source);
  }

  #line(time: (layout: Layout) => string, device: string, row: Row, total: string): string {
    const layout = fitLayout(this.#columns(), this.#several);
    const { count, mass, probability } = row;
    const [what, name] = [printable(row.what), printable(row.name)];
    const cells = {
      time: time(layout),
      device: printable(device),
      what,
      name,
      count,
      mass,
      probability,
      total,
    };
    return formatCells(cells, layout);
  }

  #paint(tone: Row['tone'], text: string): string {
    if (!this.#colour || tone === 'plain') return text;
    return styleText(colours[tone], text, { validateStream: false });
  }
}

/** Milliseconds only where there is room for them. */
function clockTime(event: AnyEvent, layout: Layout): string {
  const brief = layout.time < '00:00:00.000'.length;
  if (event.timeQuality === 'unset') return `+${(event.atUs / 1_000_000).toFixed(brief ? 0 : 2)} s`;
  return new Date(event.time).toISOString().slice(11, brief ? 19 : 23);
}

const blank = (what: string): Row => ({ what, name: '', count: '', mass: '', probability: '', tone: 'dim' });

/** 99.97 %: a probability in millionths, never rounded up to certainty. */
export function formatProbability(probabilityPpm: number): string {
  return `${(Math.floor(probabilityPpm / 100) / 100).toFixed(2)} %`;
}

/** `1 item`, `2 items`. */
export function counted(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

/** What became of a question or of an earlier decision, as a person would say it. */
function outcomeWords(outcome: string, massMg: number): string {
  if (outcome === 'put-back') return massMg < 0 ? 'taken out again' : 'put back in';
  return outcomes[outcome] ?? outcome;
}

const outcomes: Readonly<Record<string, string>> = {
  withdrawn: 'no longer asked',
  'not-an-item': 'no product',
  nothing: 'nothing after all',
};

function describe(event: CartEvent): Row {
  const base = blank(event.type);
  switch (event.type) {
    case 'item.added':
    case 'item.removed':
    case 'item.resolved':
    case 'item.corrected':
    case 'shelf.taken':
    case 'shelf.returned':
    case 'shelf.misplaced': {
      const { name, gtin, plu, count, massMg, probabilityPpm } = event.data;
      const product = name ?? gtin ?? plu;
      const outcome = 'outcome' in event.data ? outcomeWords(event.data.outcome, massMg) : undefined;
      return {
        what: event.type,
        name: [product, product !== undefined && outcome !== undefined ? `(${outcome})` : outcome]
          .filter(Boolean)
          .join(' '),
        count: String(count),
        mass: formatMass(massMg),
        probability: formatProbability(probabilityPpm),
        tone: 'good',
      };
    }
    case 'item.unresolved': {
      const { kind, ask, massMg, candidates } = event.data;
      const best = candidates[0]?.name;
      const hint = best === undefined || kind === 'unknown-added' ? '' : ` (${best}?)`;
      return { ...base, name: `${askWords[ask] ?? ask}${hint}`, mass: formatMass(massMg), tone: 'ask' };
    }
    case 'scan.read': {
      const { meaning, name, gtin, plu, code } = event.data;
      const what = name ?? gtin ?? plu ?? (meaning === 'session' ? "the shopper's token" : meaning);
      return { ...base, name: code === undefined ? what : `${what} [${code}]` };
    }
    case 'movement.settled':
      return { ...base, mass: formatMass(event.data.massMg) };
    case 'basket.opened':
      return { ...base, name: `trip ${event.data.session.slice(0, 8)} begins`, tone: 'plain' };
    case 'basket.line':
      return {
        ...base,
        name: event.data.name,
        count: String(event.data.count),
        mass: event.data.massMg === undefined ? '' : formatMass(event.data.massMg),
        tone: 'plain',
      };
    case 'basket.closed':
      return { ...base, name: `trip ends with ${counted(event.data.totals.items, 'item')}`, tone: 'plain' };
    case 'basket.checkout':
    case 'basket.paid':
      return { ...base, tone: 'good' };
    case 'basket.reopened':
      return { ...base, name: event.data.reason, tone: 'plain' };
    case 'basket.coupon':
      return {
        ...base,
        name: `${event.data.name ?? event.data.code} (${event.data.outcome})`,
        tone: 'plain',
      };
    case 'basket.alert':
      return { ...base, name: event.data.kind, tone: 'bad' };
    case 'device.fault':
      return { ...base, name: `${event.data.source}: ${event.data.code} ${event.data.message}`, tone: 'bad' };
    case 'device.recovered':
      return { ...base, name: `${event.data.source}: ${event.data.fault} ended`, tone: 'good' };
    case 'command.refused':
      return {
        ...base,
        name: `${event.data.command}: ${event.data.code} ${event.data.message}`,
        tone: 'bad',
      };
    case 'gateway.born':
      return { ...base, name: `${event.data.software}, boot ${event.data.boot}` };
    case 'outbox.dropped':
      return { ...base, name: counted(event.data.count, `${event.data.class} event`), tone: 'bad' };
    case 'look.seen':
    case 'shelf.stock':
    case 'basket.voided':
    case 'basket.suspended':
    case 'basket.transferred':
    case 'basket.overridden':
    case 'basket.approved':
    case 'basket.loyalty':
    case 'basket.resumed':
    case 'basket.abandoned':
    case 'gateway.health':
      return base;
    case 'command.done':
      return { ...base, name: event.data.command };
    case 'audit.recorded':
      return { ...base, name: event.data.what };
    case 'calibration.begun':
      return { ...base, name: `${event.data.purpose} ${event.data.plates.join(', ')}` };
    case 'calibration.ended':
      return {
        ...base,
        name: event.data.outcome,
        tone: event.data.outcome === 'committed' ? 'good' : 'plain',
      };
    case 'update.staged':
    case 'update.began':
      return { ...base, name: event.data.version };
    case 'update.good':
      return { ...base, name: event.data.version, tone: 'good' };
    case 'update.rolled-back':
    case 'update.refused':
      return {
        ...base,
        name: `${event.data.version ?? ''} ${event.data.code} ${event.data.why}`.trim(),
        tone: 'bad',
      };
    case 'update.root': {
      const { what, version, slot, why } = event.data;
      const tone = what === 'written' ? 'plain' : what === 'good' ? 'good' : 'bad';
      return { ...base, name: `${version} ${what} in slot ${slot} ${why ?? ''}`.trim(), tone };
    }
    case 'calibration.committed':
      return { ...base, name: committedWords(event.data), tone: 'good' };
  }
}

/** `revision 8 (rollback to 5): basket` */
function committedWords({ revision, cause, from, plates }: EventData<'calibration.committed'>): string {
  const how = from === undefined ? cause : `${cause} to ${from}`;
  return `revision ${revision} (${how})${plates.length === 0 ? '' : `: ${plates.join(', ')}`}`;
}
