import { styleText } from 'node:util';
import { formatMass, formatMoney } from '#base/units.ts';
import { isKnown } from '#events/codec.ts';
import type { AnyEvent, CartEvent } from '#events/event.ts';

/** Cells of one printed line, before they are padded. */
interface Row {
  readonly what: string;
  readonly name: string;
  readonly count: string;
  readonly mass: string;
  readonly probability: string;
  readonly tone: 'good' | 'ask' | 'bad' | 'plain' | 'dim';
}

const colours = { good: 'green', ask: 'yellow', bad: 'red', plain: 'white', dim: 'gray' } as const;
/** What to ask, in a shopper's words. */
const askWords: Readonly<Record<string, string>> = {
  'scan-it': 'please scan it',
  choose: 'which one is it?',
  'take-it-out': 'please take it out',
  'put-it-back': 'please put it back',
  'place-it': 'please put it in',
  'call-staff': 'someone is coming to help',
};

/**
 * Prints events one readable line each: time, what, product, count, mass, probability, running total. It remembers the
 * total of each device, so one printer serves a whole stream.
 */
export class EventPrinter {
  readonly #colour: boolean;
  readonly #several: boolean;
  readonly #totals = new Map<string, string>();

  /** @param several the stream holds events of several devices, so each line names its own */
  constructor(options: { colour: boolean; several?: boolean }) {
    this.#colour = options.colour;
    this.#several = options.several ?? false;
  }

  header(): string {
    return this.#paint('dim', this.#line('time', 'device', blank('what'), 'total'));
  }

  line(event: AnyEvent): string {
    if (!isKnown(event)) {
      return this.#paint('dim', this.#line(clockTime(event), event.source, blank(event.type), ''));
    }
    this.#remember(event);
    const row = describe(event);
    const total = this.#totals.get(event.source) ?? '';
    return this.#paint(row.tone, this.#line(clockTime(event), event.source, row, total));
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

  #line(time: string, device: string, row: Row, total: string): string {
    const cells = [
      time.padEnd(12),
      ...(this.#several ? [printable(device).padEnd(22)] : []),
      printable(row.what).padEnd(17),
      shorten(row.name, 42),
      row.count.padStart(3),
      row.mass.padStart(10),
      row.probability.padStart(8),
      total.padStart(11),
    ];
    return cells.join(' ').trimEnd();
  }

  #paint(tone: Row['tone'], text: string): string {
    return this.#colour ? styleText(colours[tone], text, { validateStream: false }) : text;
  }
}

/** Names come from catalogues, codes and topics: control characters must not reach the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}');
}

function shorten(text: string, width: number): string {
  const clean = printable(text);
  return clean.length > width ? `${clean.slice(0, width - 1)}…` : clean.padEnd(width);
}

function clockTime(event: AnyEvent): string {
  if (event.timeQuality === 'unset') return `+${(event.atUs / 1_000_000).toFixed(2)} s`;
  return new Date(event.time).toISOString().slice(11, 23);
}

const blank = (what: string): Row => ({ what, name: '', count: '', mass: '', probability: '', tone: 'dim' });

/** 99.97 %: a probability in millionths, never rounded up to certainty. */
export function formatProbability(probabilityPpm: number): string {
  return `${(Math.floor(probabilityPpm / 100) / 100).toFixed(2)} %`;
}

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
      const outcome = 'outcome' in event.data ? ` (${event.data.outcome})` : '';
      return {
        what: event.type,
        name: `${name ?? gtin ?? plu ?? ''}${outcome}`.trim(),
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
      return { ...base, name: `trip ends with ${event.data.totals.items} items`, tone: 'plain' };
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
      return { ...base, name: `${event.data.count} ${event.data.class} events`, tone: 'bad' };
    case 'look.seen':
    case 'shelf.stock':
    case 'basket.voided':
    case 'basket.suspended':
    case 'basket.transferred':
    case 'basket.checkout':
    case 'basket.paid':
    case 'basket.abandoned':
    case 'gateway.health':
    case 'command.done':
      return base;
  }
}
