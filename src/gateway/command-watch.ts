import type { BasketSnapshot } from '#basket/basket.ts';
import { ruleOf } from '#commands/rules.ts';
import type { CartEvent } from '#events/event.ts';
import type { PlainMap } from '#events/fields.ts';
import { toJson } from '#events/json.ts';
import type { AuditFacts } from '#identity/audit-chain.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';

/** Events of one command that a record names; none makes more that matter. */
const mostEvents = 16;
/** Events that say what a command changed, so that a record holds them whole. */
const tellingEvents: ReadonlySet<string> = new Set([
  'basket.overridden',
  'basket.voided',
  'basket.approved',
  'basket.line',
  'item.corrected',
  'item.resolved',
]);

/** Watches what a command that goes on record does to the basket, while the pipeline carries it out. */
export class CommandWatch {
  readonly #basket: () => BasketSnapshot | undefined;
  #watched: { readonly before: PlainMap | null; readonly events: CartEvent[] } | undefined;

  constructor(basket: () => BasketSnapshot | undefined) {
    this.#basket = basket;
  }

  /** HOT PATH: sees each input just before it is decided on. */
  input(input: PipelineInput): void {
    this.#watched = undefined;
    if (input.kind !== 'command' || ruleOf(input.command).audited !== true) return;
    this.#watched = { before: this.#now(), events: [] };
  }

  /** Sees each event that comes of it. */
  event(event: CartEvent): void {
    if (this.#watched !== undefined && this.#watched.events.length < mostEvents)
      this.#watched.events.push(event);
  }

  /** What the command that was carried out last has done, for its record; undefined where that is not kept. */
  take(): AuditFacts | undefined {
    const watched = this.#watched;
    this.#watched = undefined;
    if (watched === undefined) return undefined;
    return { before: watched.before, after: this.#now(), events: watched.events.map(facts) };
  }

  #now(): PlainMap | null {
    const snapshot = this.#basket();
    if (snapshot === undefined) return null;
    const { session, revision, totals } = snapshot;
    return { session, revision, toPayMinor: totals.toPayMinor ?? null };
  }
}

function facts(event: CartEvent): AuditFacts {
  const { id, sequence, type } = event;
  return { sequence, id, type, ...(tellingEvents.has(type) ? { data: toJson(event).data } : {}) };
}
