import type { Product } from '#catalogue/products.ts';
import { causesOf, closingData, evidenceOf, naming } from './drafts.ts';
import type { Memory } from './memory.ts';
import type { Change, ItemDraft, Question } from './types.ts';

/** What staff says a question was about: `count` units of a product. */
export interface Override {
  readonly question: Question;
  readonly product: Product;
  readonly count: number;
}

/**
 * Settles a question with what staff says, whatever its mass says: staff has the thing in the hand. What was put in is
 * known by that name from now on, so that taking it out is understood; what was taken out is no longer expected inside.
 */
export function overrideQuestion(
  memory: Memory,
  { question, product, count }: Override,
  emit: (draft: ItemDraft, atUs: number) => string,
): void {
  const plate = memory.plate(question.plate);
  const change: Change = question.change ?? {
    plate: question.plate,
    massMg: 0,
    varMg2: 0,
    startedAtUs: question.askedAtUs,
    settledAtUs: memory.nowUs,
    whileAway: false,
    movements: [],
  };
  const outcome = change.massMg >= 0 ? 'added' : 'removed';
  const waiting = memory.scans.filter((pending) => pending.question === question.event);
  const evidence = evidenceOf(question.change === undefined ? [] : [change], waiting, []);
  const data = { ...closingData(change, evidence, 1), ...naming(product), count, entry: 'manual' } as const;
  const id = emit(
    {
      type: 'item.resolved',
      data: { ...data, settles: question.event, outcome },
      causes: causesOf(evidence, [question.event]),
    },
    memory.nowUs,
  );
  memory.questions.delete(question.event);
  memory.scans = memory.scans.filter((pending) => !waiting.includes(pending));
  if (outcome === 'removed') {
    plate.lots = plate.lots.filter((lot) => lot.question !== question.event);
    let left = count;
    for (const lot of plate.lots) {
      const units = lot.product === product.key ? Math.min(left, lot.count) : 0;
      if (units === 0) continue;
      lot.massMg -= (lot.massMg * units) / lot.count;
      lot.count -= units;
      left -= units;
    }
    plate.lots = plate.lots.filter((lot) => lot.count > 0);
    return;
  }
  for (const lot of plate.lots) {
    if (lot.question !== question.event) continue;
    delete lot.question;
    delete lot.change;
    lot.product = product.key;
    lot.count = count;
    lot.event = id;
    lot.entry = 'manual';
  }
}
