import { createHash } from 'node:crypto';
import type { Catalogue, Product } from '#catalogue/products.ts';
import type { EventData } from '#events/catalog.ts';
import type { basketSnapshot, totals } from '#events/data/baskets.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import type { Infer } from '#events/fields.ts';
import { BasketError } from './errors.ts';
import { type Addition, type Line, newLine, recount, takeFrom, takesUp } from './lines.ts';

type BasketDraft = Extract<Draft, { type: `basket.${string}` }>;
export type Totals = Infer<typeof totals>;
export type BasketSnapshot = Infer<typeof basketSnapshot>;

export interface BasketState {
  readonly version: 1;
  /** Sessions opened on this ledger so far; part of the derived session id. */
  readonly sessions: number;
  readonly open?: {
    readonly session: string;
    readonly tokenHash: string;
    readonly revision: number;
    readonly nextLine: number;
    readonly lines: readonly Line[];
    readonly questions: readonly string[];
    /** Units that each item event put on lines (or took off), so that a correction can undo them. */
    readonly effects: Readonly<Record<string, readonly Effect[]>>;
  };
}

interface Effect {
  readonly line: number;
  readonly units: number;
}

export interface BasketOptions {
  readonly catalogue: Catalogue;
  /** Makes a draft an event and returns its id. */
  readonly emit: (draft: BasketDraft) => string;
  /** Keeps session ids of different ledgers apart; the ledger's id in the daemon. */
  readonly salt: string;
  readonly state?: BasketState | undefined;
}

const hash = (...parts: readonly string[]) =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);

/**
 * One shopper's trip and its lines. Lines are append-only: each change is a `basket.line` event with the line and the
 * totals as they stand after it, so that the last events alone give the basket.
 */
export class Basket {
  readonly #options: BasketOptions;
  #sessions: number;
  #session: string | undefined;
  #tokenHash = '';
  #revision = 0;
  #nextLine = 1;
  #lines: Line[] = [];
  #questions: string[] = [];
  #effects = new Map<string, Effect[]>();

  constructor(options: BasketOptions) {
    this.#options = options;
    const state = options.state;
    if (state !== undefined && state.version !== 1) {
      throw new BasketError(
        'CW-BSK-003',
        `the saved basket is of version ${state.version}, this software reads version 1; install the software that wrote it`,
      );
    }
    this.#sessions = state?.sessions ?? 0;
    if (state?.open !== undefined) {
      this.#session = state.open.session;
      this.#tokenHash = state.open.tokenHash;
      this.#revision = state.open.revision;
      this.#nextLine = state.open.nextLine;
      this.#lines = [...state.open.lines];
      this.#questions = [...state.open.questions];
      this.#effects = new Map(
        Object.entries(state.open.effects).map(([event, effects]) => [event, [...effects]]),
      );
    }
  }

  /** Derived id of the open session. */
  get session(): string | undefined {
    return this.#session;
  }

  /** True where `token` is the one that opened the session that is open now. */
  isOpenedBy(token: string): boolean {
    return this.#session !== undefined && this.#tokenHash === hash('token', this.#options.salt, token);
  }

  /** Opens a session. The token itself is never kept. Throws CW-BSK-001 while one is open. */
  open(
    by: EventData<'basket.opened'>['by'],
    token: string | undefined,
    causes: readonly string[] = [],
  ): string {
    if (this.#session !== undefined) {
      throw new BasketError(
        'CW-BSK-001',
        'a session is already open on this cart; end it first (session.end)',
      );
    }
    this.#sessions += 1;
    // Not of the token: a short one could be found again by trying them all.
    this.#session = hash('session', this.#options.salt, String(this.#sessions));
    this.#tokenHash = token === undefined ? '' : hash('token', this.#options.salt, token);
    this.#revision = 1;
    this.#nextLine = 1;
    this.#forget();
    this.#options.emit({
      type: 'basket.opened',
      data: { session: this.#session, currency: this.#options.catalogue.currency, by },
      session: this.#session,
      causes,
    });
    return this.#session;
  }

  /** Ends the session; the event carries the final lines and what is still unsettled. Throws CW-BSK-002 without one. */
  close(): BasketSnapshot {
    const last = this.snapshot('', 0);
    if (this.#session === undefined || last === undefined) {
      throw new BasketError('CW-BSK-002', 'no session is open on this cart; begin one first (session.begin)');
    }
    this.#revision += 1;
    this.#options.emit({
      type: 'basket.closed',
      data: {
        session: this.#session,
        revision: this.#revision,
        totals: last.totals,
        lines: last.lines,
        unsettled: [...this.#questions],
      },
      session: this.#session,
    });
    this.#session = undefined;
    this.#tokenHash = '';
    this.#forget();
    return last;
  }

  #forget(): void {
    this.#lines = [];
    this.#questions = [];
    this.#effects.clear();
  }

  /** Takes an item event into the ledger of lines. Goods put in without a session are said once per event, as `basket.alert`. */
  apply(event: CartEvent): void {
    const before = this.#revision;
    switch (event.type) {
      case 'item.added':
        this.#add(event, event.data);
        break;
      case 'item.removed':
        this.#remove(event, event.data);
        break;
      case 'item.unresolved':
        if (this.#session === undefined) return;
        this.#questions.push(event.id);
        this.#revision += 1;
        break;
      case 'item.resolved': {
        const asked = this.#questions.length;
        this.#questions = this.#questions.filter((id) => id !== event.data.settles);
        this.#decide(event, event.data);
        // Lines count themselves; an answer that touched none changed the basket all the same.
        if (this.#revision === before && this.#questions.length < asked) this.#revision += 1;
        break;
      }
      case 'item.corrected':
        this.#undo(event, event.data.corrects);
        this.#decide(event, event.data);
        break;
      default:
        break;
    }
  }

  /** The basket as it stands, for the retained topic; undefined without a session. */
  snapshot(ledger: string, sequence: number): BasketSnapshot | undefined {
    if (this.#session === undefined) return undefined;
    return {
      session: this.#session,
      revision: this.#revision,
      state: 'open',
      lines: this.#lines.filter((line) => line.count > 0).map(lineRecord),
      totals: this.totals(),
      questions: [...this.#questions],
      ledger,
      sequence,
    };
  }

  /** Sums of the lines, apart by how final their prices are. */
  totals(): Totals {
    const sum = { final: 0, estimate: 0, atTill: 0, items: 0 };
    for (const line of this.#lines) {
      sum.items += line.count;
      if (line.count === 0) continue;
      if (line.priceStatus === 'final') sum.final += line.priceMinor;
      else if (line.priceStatus === 'estimate') sum.estimate += line.priceMinor;
      else sum.atTill += 1;
    }
    return {
      currency: this.#options.catalogue.currency,
      finalMinor: sum.final,
      estimateMinor: sum.estimate,
      atTill: sum.atTill,
      items: sum.items,
      open: this.#questions.length,
    };
  }

  saveState(): BasketState {
    return {
      version: 1,
      sessions: this.#sessions,
      ...(this.#session === undefined
        ? {}
        : {
            open: {
              session: this.#session,
              tokenHash: this.#tokenHash,
              revision: this.#revision,
              nextLine: this.#nextLine,
              lines: this.#lines,
              questions: this.#questions,
              effects: Object.fromEntries(this.#effects),
            },
          }),
    };
  }

  #product(data: { gtin?: string | undefined; plu?: string | undefined }): Product | undefined {
    const { byGtin, byPlu } = this.#options.catalogue;
    if (data.gtin !== undefined) return byGtin.get(data.gtin);
    return data.plu === undefined ? undefined : byPlu.get(data.plu);
  }

  #decide(event: CartEvent, data: EventData<'item.added'> & { readonly outcome: string }): void {
    if (data.outcome === 'added') this.#add(event, data);
    else if (data.outcome === 'removed') this.#remove(event, data);
  }

  #add(event: CartEvent, data: EventData<'item.added'>): void {
    if (this.#session === undefined) {
      this.#alert(event, data);
      return;
    }
    const product = this.#product(data);
    if (product === undefined || data.count === 0) return;
    const addition: Addition = {
      product,
      count: data.count,
      massMg: Math.abs(data.massMg),
      entry: data.entry,
      priceMinor: data.priceMinor,
      certificateId: data.certificateId,
    };
    const existing = this.#lines.find((line) => takesUp(line, addition));
    if (existing !== undefined) {
      this.#change(event, existing, data.count);
      return;
    }
    const line = newLine(this.#nextLine++, addition);
    this.#lines.push(line);
    this.#emitLine(event, line, data.count);
  }

  #remove(event: CartEvent, data: EventData<'item.removed'>): void {
    const product = this.#product(data);
    if (product === undefined || this.#session === undefined) return;
    for (const { line, units } of takeFrom(this.#lines, product.key, data.count, data.massMg)) {
      this.#change(event, line, -units);
    }
  }

  /** Takes back what an earlier item event did to the lines, as far as it still stands. */
  #undo(event: CartEvent, corrected: string): void {
    const effects = this.#effects.get(corrected) ?? [];
    this.#effects.delete(corrected);
    for (const { line: number, units } of effects.toReversed()) {
      const line = this.#lines.find((one) => one.line === number);
      if (line !== undefined) this.#change(event, line, -Math.min(units, line.count));
    }
    // Only what the correction itself says can be corrected again.
    this.#effects.delete(event.id);
  }

  #change(cause: CartEvent, line: Line, units: number): void {
    if (units === 0) return;
    const after = recount(line, units);
    this.#lines = this.#lines.map((other) => (other.line === line.line ? after : other));
    this.#emitLine(cause, after, units);
  }

  #emitLine(cause: CartEvent, line: Line, change: number): void {
    this.#effects.set(cause.id, [...(this.#effects.get(cause.id) ?? []), { line: line.line, units: change }]);
    this.#revision += 1;
    this.#options.emit({
      type: 'basket.line',
      data: { ...lineRecord(line), change, totals: this.totals(), revision: this.#revision },
      session: this.#session,
      causes: [cause.id],
    });
  }

  #alert(cause: CartEvent, { massMg, probabilityPpm, plate }: EventData<'item.added'>): void {
    this.#options.emit({
      type: 'basket.alert',
      data: { kind: 'no-session', massMg, probabilityPpm, plate, blocking: false },
      causes: [cause.id],
    });
  }
}

/** A line as events carry it: without what only the basket needs. */
function lineRecord(line: Line): BasketSnapshot['lines'][number] {
  const { product: _product, sale: _sale, made: _made, ...rest } = line;
  return rest;
}
