import type { CartEvent } from '#events/event.ts';

interface Told {
  readonly name?: string;
  readonly gtin?: string;
  readonly plu?: string;
  readonly count?: number;
  readonly kind?: string;
  readonly ask?: string;
  readonly outcome?: string;
  readonly plate?: string;
  readonly belongsOn?: readonly string[];
  readonly source?: string;
  readonly channel?: string;
  readonly fault?: string;
  readonly returned?: boolean;
}

/** Name of a product up to its first comma: `Nutella`. */
function named({ name, gtin, plu }: Told): string {
  return name?.split(',', 1)[0] ?? gtin ?? plu ?? 'something';
}

/** An event as one line, without what differs with noise; evidence, lines and health say nothing. */
export function sayEvent(event: CartEvent): string[] {
  const told = event.data as Told;
  const { type } = event;
  if (type === 'item.unresolved') return [`asked: ${told.kind}, ${told.ask}`];
  if (type === 'item.resolved') {
    const { outcome, count = 0 } = told;
    const what = outcome === 'added' || outcome === 'removed' ? `: ${count} ${named(told)}` : '';
    return [`answered: ${outcome}${what}`];
  }
  if (type === 'item.corrected') return [`corrected: ${told.outcome} ${told.count} ${named(told)}`];
  if (type.startsWith('item.') || type === 'shelf.taken' || type === 'shelf.returned') {
    return [`${type.split('.')[1]} ${told.count} ${named(told)}`];
  }
  if (type === 'shelf.misplaced') {
    return [
      `misplaced ${told.count} ${named(told)} on ${told.plate}, belongs on ${told.belongsOn?.join(', ')}`,
    ];
  }
  if (type === 'shelf.stock') return [`stock of ${told.plate}: ${told.count} ${named(told)}`];
  if (type === 'basket.alert') return [`alert: ${told.kind}`];
  if (type === 'device.fault') return [`fault: ${told.channel ?? told.source} ${told.fault}`];
  if (type === 'device.recovered') return [`recovered: ${told.channel ?? told.source} ${told.fault}`];
  return [];
}
