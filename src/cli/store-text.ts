import { currencyOf } from '#base/currency.ts';
import { formatMoney } from '#base/units.ts';
import type { DeviceView } from '#store/floor.ts';
import type { Sale } from '#store/records.ts';
import { needsOf, totalOf } from '#store/sales.ts';
import type { Heard, Store } from '#store/service.ts';
import type { TillStep } from '#store/till.ts';
import { table } from './live-table.ts';
import { printable } from './terminal.ts';

/** What a device is doing, for people and programs. */
export interface DeviceRow {
  readonly device: string;
  readonly online: boolean;
  /** Why it is out of service (safe mode); left out in service. */
  readonly outOfService?: string;
  readonly trip: string;
  readonly items?: number;
  readonly toPay?: string;
  readonly questions?: number;
  readonly help?: boolean;
  readonly catalogue?: string;
  readonly planogram?: string;
  readonly faults: number;
  /** Plates with nothing left. */
  readonly outOfStock: readonly string[];
  readonly note: string;
}

const money = (minor: number, currency: string) =>
  formatMoney(minor, currency, currencyOf(currency)?.decimals);

/** All devices, by name. */
export function deviceRows(store: Pick<Store, 'floor' | 'step'>): DeviceRow[] {
  return store.floor.all().map((view) => rowOf(view, store.step(view.device)));
}

function rowOf({ device, state, basket, plates, faults }: DeviceView, step: TillStep | undefined): DeviceRow {
  const versions = state?.versions;
  const outOfStock = [...plates.values()].filter(({ count }) => count === 0).map(({ plate }) => plate);
  const shelf =
    plates.size > 0 ? `${plates.size - outOfStock.length} of ${plates.size} plates stocked` : 'free';
  const estimate = basket === undefined || basket.totals.estimateMinor === 0 ? '' : '~';
  const toPay = basket?.totals.probableMinor ?? basket?.totals.toPayMinor;
  return {
    device,
    online: state?.online === true,
    ...(state?.mode === 'safe' ? { outOfService: state.safe?.code ?? state.safe?.cause ?? 'safe mode' } : {}),
    trip: basket?.state ?? shelf,
    ...(basket === undefined
      ? {}
      : {
          items: basket.totals.items,
          questions: basket.totals.open,
          ...(toPay === undefined ? {} : { toPay: `${estimate}${money(toPay, basket.totals.currency)}` }),
          ...(basket.help === true ? { help: true } : {}),
        }),
    ...(versions?.catalogue === undefined ? {} : { catalogue: versions.catalogue }),
    ...(versions?.planogram === undefined ? {} : { planogram: versions.planogram }),
    faults: faults.size,
    outOfStock,
    note: noteOf(step, basket?.help === true, [...faults.values()][0], outOfStock),
  };
}

function noteOf(
  step: TillStep | undefined,
  help: boolean,
  fault: string | undefined,
  outOfStock: readonly string[],
): string {
  const notes = [
    ...(help ? ['CALLS FOR HELP'] : []),
    ...(step === undefined ? [] : [stepWords(step)]),
    ...(outOfStock.length === 0 ? [] : [`out of stock: ${outOfStock.join(', ')}`]),
    ...(fault === undefined ? [] : [fault]),
  ];
  return notes.join('; ');
}

function stepWords(step: TillStep): string {
  switch (step.kind) {
    case 'authorize':
    case 'settle':
      return 'is being paid';
    case 'price':
      return 'is being priced';
    case 'approve':
      return 'age is being approved';
    case 'wait':
      if (step.for === 'price') return `price lines ${step.lines?.join(', ')}`;
      if (step.for === 'age') return `check age ${step.age}`;
      if (step.for === 'cart') return 'the cart refused; pay tries again';
      return step.for === 'pay' ? 'wants to pay' : 'something moves';
  }
}

/** The devices as a table. */
export function deviceTable(rows: readonly DeviceRow[]): string[] {
  if (rows.length === 0) return ['no device has said anything yet'];
  const header = ['device', 'link', 'trip', 'items', 'to pay', 'asked', 'catalogue', 'note'];
  const texts = rows.map(
    ({ device, online, outOfService, trip, items, toPay, questions, catalogue, note }) => [
      device,
      online ? (outOfService === undefined ? 'online' : 'safe') : 'away',
      outOfService === undefined ? trip : 'out of service',
      items === undefined ? '' : String(items),
      toPay ?? '',
      questions === undefined || questions === 0 ? '' : String(questions),
      catalogue ?? '',
      outOfService === undefined ? note : outOfService,
    ],
  );
  return table([header, ...texts], [0, 1, 2, 6, 7], [9, 6, 9, 5, 10, 5, 9]);
}

/** One line about something that happened at the till; undefined for what only a program wants to know. */
export function heardLine(heard: Heard): string | undefined {
  switch (heard.kind) {
    case 'event':
      return undefined;
    case 'trouble':
      return printable(`${heard.device}: ${heard.message}`);
    case 'payment': {
      const { device, reference, totalMinor, currency, outcome, state, why } = heard.payment;
      const reason = why === undefined ? '' : ` (${why})`;
      return printable(
        `${device}: payment ${reference} of ${money(totalMinor, currency)} ${outcome === 'declined' && state === 'authorized' ? 'is declined' : state}${reason}`,
      );
    }
    case 'receipt': {
      const { lines, totals, paid } = heard.closed;
      const saved =
        totals.savedMinor === undefined || totals.savedMinor === 0
          ? ''
          : `, saved ${money(totals.savedMinor, totals.currency)}`;
      const goods = lines.reduce((sum, { count }) => sum + count, 0);
      return printable(
        `${heard.device}: receipt, ${goods} items, ${money(paid?.totalMinor ?? 0, totals.currency)}${saved}, ${paid?.reference ?? ''}`,
      );
    }
    case 'sale':
      return printable(saleLine(heard.sale));
  }
}

/** One line about a basket that was taken to the till. */
function saleLine({ number, device, state, content, reference, why }: Sale): string {
  if (content === undefined)
    return `sale ${number}: basket of ${device} ${state}${why === undefined ? '' : ` (${why})`}`;
  const { unpriced, age } = needsOf(content);
  const needs = [
    ...(unpriced.length === 0 ? [] : [`price lines ${unpriced.join(', ')}`]),
    ...(age === undefined ? [] : [`check age ${age}`]),
  ];
  const total = money(totalOf(content), content.totals.currency);
  const then =
    state === 'paid' ? `paid, ${reference}` : needs.length === 0 ? 'can be paid' : needs.join('; ');
  return `sale ${number}: basket of ${device}, ${content.lines.length} lines, ${total}: ${then}`;
}

/** The same for programs: one object a line. */
export function heardJson(heard: Heard): object | undefined {
  switch (heard.kind) {
    case 'event':
      return { kind: 'event', device: heard.device, type: heard.event.type, sequence: heard.event.sequence };
    case 'trouble':
      return heard;
    case 'payment':
      return { kind: 'payment', ...heard.payment };
    case 'receipt':
      return { kind: 'receipt', device: heard.device, ...heard.closed };
    case 'sale': {
      const { sale } = heard;
      const { content } = sale;
      return {
        kind: 'sale',
        ...sale,
        ...(content === undefined ? {} : { totalMinor: totalOf(content), ...needsOf(content) }),
      };
    }
  }
}
