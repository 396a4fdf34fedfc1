import type { EventData } from '#events/catalog.ts';
import type { CartEvent } from '#events/event.ts';

/** Something that was said to have happened: one item event. */
export interface Claim {
  readonly id: string;
  /** `gtin:…` or `plu:…`, as the catalogue's keys. */
  readonly product: string;
  readonly sign: 1 | -1;
  readonly count: number;
  readonly plate: string;
  readonly massMg: number;
  readonly probabilityPpm: number;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  readonly atUs: number;
  /** When the last scan came that it rests on; left out where there is none. */
  readonly evidenceUs?: number | undefined;
  /** Price that the code carried, for all units together. */
  readonly priceMinor?: number | undefined;
  /** The question that it settles. */
  readonly settles?: string | undefined;
  /** The claim that it corrects. */
  readonly corrects?: string | undefined;
}

/** A question to the shopper. */
export interface Asked {
  readonly id: string;
  readonly plate: string;
  readonly kind: string;
  readonly ask: string;
  readonly massMg: number;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  readonly atUs: number;
  readonly candidates: readonly { readonly product: string; readonly count: number }[];
  /** When it was settled, and as what. */
  settled?: { readonly atUs: number; readonly outcome: string; readonly untilUs: number };
}

/** Everything that was said of a trip. */
export class Ledger {
  readonly claims: Claim[] = [];
  readonly questions = new Map<string, Asked>();
  /** Claims that a later correction replaced. */
  readonly corrected = new Set<string>();

  /** Takes one event, in the order of their sequence. */
  take(event: CartEvent): void {
    switch (event.type) {
      case 'item.added':
      case 'shelf.returned':
      case 'shelf.misplaced':
        this.claims.push({ ...claimOf(event, event.data, 1), settles: this.#answered(event) });
        break;
      case 'item.removed':
      case 'shelf.taken':
        this.claims.push({ ...claimOf(event, event.data, -1), settles: this.#answered(event) });
        break;
      case 'item.unresolved':
        this.#ask(event, event.data);
        break;
      case 'item.resolved': {
        const { settles, outcome, settledAtUs } = event.data;
        const question = this.questions.get(settles);
        if (question !== undefined) {
          question.settled ??= { atUs: event.atUs, outcome, untilUs: Math.max(settledAtUs, event.atUs) };
        }
        if (outcome === 'added') this.claims.push({ ...claimOf(event, event.data, 1), settles });
        if (outcome === 'removed') this.claims.push({ ...claimOf(event, event.data, -1), settles });
        break;
      }
      case 'item.corrected': {
        const { corrects, outcome } = event.data;
        this.corrected.add(corrects);
        if (outcome === 'added') this.claims.push({ ...claimOf(event, event.data, 1), corrects });
        if (outcome === 'removed') this.claims.push({ ...claimOf(event, event.data, -1), corrects });
        break;
      }
      default:
        break;
    }
  }

  /** Questions that nothing settled yet, the oldest first. */
  get open(): Asked[] {
    return [...this.questions.values()].filter(({ settled }) => settled === undefined);
  }

  /** What holds in the end: corrected claims left out. */
  get final(): Claim[] {
    return this.claims.filter(({ id }) => !this.corrected.has(id));
  }

  /** What was said unasked: neither an answer nor a correction. */
  get first(): Claim[] {
    return this.claims.filter(({ settles, corrects }) => settles === undefined && corrects === undefined);
  }

  /** The question about a change whose answer named this thing among others: one of them settles it, the others name it as a cause. */
  #answered({ causes }: CartEvent): string | undefined {
    return causes?.find((id) => {
      const question = this.questions.get(id);
      return question !== undefined && question.kind !== 'scanned-not-placed';
    });
  }

  #ask(event: CartEvent, data: EventData<'item.unresolved'>): void {
    const { plate, kind, ask, massMg, startedAtUs, settledAtUs, candidates } = data;
    this.questions.set(event.id, {
      id: event.id,
      plate,
      kind,
      ask,
      massMg,
      startedAtUs,
      settledAtUs,
      atUs: event.atUs,
      candidates: candidates.map((one) => ({ product: keyOf(one), count: one.count })),
    });
  }
}

function claimOf(event: CartEvent, data: EventData<'item.added'>, sign: 1 | -1): Claim {
  const { count, plate, massMg, probabilityPpm, startedAtUs, settledAtUs, priceMinor, evidence } = data;
  // A camera's word is the device's own work: whoever waits for it, waits.
  const heard = (evidence.scans ?? []).map(({ atUs }) => atUs);
  return {
    id: event.id,
    product: keyOf(data),
    sign,
    count,
    plate,
    massMg,
    probabilityPpm,
    startedAtUs,
    settledAtUs,
    atUs: event.atUs,
    ...(heard.length === 0 ? {} : { evidenceUs: Math.max(...heard) }),
    priceMinor,
  };
}

function keyOf({
  gtin,
  plu,
}: {
  readonly gtin?: string | undefined;
  readonly plu?: string | undefined;
}): string {
  return gtin === undefined ? `plu:${plu ?? ''}` : `gtin:${gtin}`;
}
