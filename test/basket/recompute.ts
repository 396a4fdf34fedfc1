import type { Totals } from '#basket/basket.ts';
import type { CartEvent } from '#events/event.ts';

/**
 * What a receiver makes of the row of events, knowing nothing but the contract: written from docs/design.md, and on
 * purpose without anything of src/basket. Every check throws.
 */

type LineData = Extract<CartEvent, { type: 'basket.line' }>['data'];

export interface TaxRule {
  readonly included: boolean;
  readonly depositsTaxed: boolean;
}

/** a / b to the nearest integer, half away from zero, by whole numbers alone. */
export function nearest(a: bigint, b: bigint): bigint {
  const isNegative = a < 0n;
  const size = isNegative ? -a : a;
  const result = size / b + (2n * (size % b) >= b ? 1n : 0n);
  return isNegative ? -result : result;
}

export class Receiver {
  readonly lines = new Map<number, Omit<LineData, 'change' | 'totals' | 'revision'>>();
  readonly questions = new Set<string>();
  readonly paid: { checkout: string; totalMinor: number; session: string | undefined }[] = [];
  revision = 0;
  state: 'none' | 'open' | 'checkout' | 'suspended' | 'paid' = 'none';
  session: string | undefined;
  #attempt: { checkout: string } | undefined;
  readonly #taxes: TaxRule | undefined;

  constructor(taxes?: TaxRule) {
    this.#taxes = taxes;
  }

  take(event: CartEvent): void {
    switch (event.type) {
      case 'basket.opened':
        expect(this.state === 'none' || this.state === 'paid', 'opened while one is open');
        this.lines.clear();
        this.questions.clear();
        this.session = event.data.session;
        this.state = 'open';
        this.revision = 1;
        break;
      case 'basket.line':
        this.#line(event.data);
        break;
      case 'basket.voided':
        this.#totals(event.data.totals, event.data.revision);
        break;
      case 'basket.checkout':
        expect(this.state === 'open', `checkout while ${this.state}`);
        this.state = 'checkout';
        this.#attempt = event.data;
        this.#totals(event.data.totals, event.data.revision);
        expect(event.data.unsettled.join() === [...this.questions].join(), 'unsettled of the checkout');
        break;
      case 'basket.reopened':
        expect(this.state === 'checkout' && this.#attempt?.checkout === event.data.checkout, 'reopened');
        this.state = 'open';
        break;
      case 'basket.suspended':
        expect(this.state === 'open', 'suspended');
        this.state = 'suspended';
        break;
      case 'basket.resumed':
        expect(this.state === 'suspended', 'resumed');
        this.state = 'open';
        break;
      case 'basket.paid':
        expect(this.state === 'checkout' && this.#attempt?.checkout === event.data.checkout, 'paid');
        expect(event.data.totalMinor === this.toPay(), `paid ${event.data.totalMinor}, not ${this.toPay()}`);
        expect(!this.paid.some((one) => one.session === this.session), 'a basket is paid twice');
        this.paid.push({ ...event.data, session: this.session });
        break;
      case 'basket.closed':
      case 'basket.abandoned':
      case 'basket.transferred':
        this.#ended(event);
        break;
      case 'item.unresolved':
        if (this.state !== 'none' && this.state !== 'paid') this.questions.add(event.id);
        break;
      case 'item.resolved':
        this.questions.delete(event.data.settles);
        break;
      default:
        break;
    }
  }

  #ended(
    event: Extract<CartEvent, { type: 'basket.closed' | 'basket.abandoned' | 'basket.transferred' }>,
  ): void {
    const { data } = event;
    if (data.totals !== undefined) this.#totals(data.totals, data.revision);
    const held = this.held().map(({ line }) => line);
    expect((data.lines ?? []).map(({ line }) => line).join() === held.join(), 'lines at the end');
    if (event.type === 'basket.closed') {
      expect(event.data.unsettled.join() === [...this.questions].join(), 'unsettled at the end');
      const isPaid = event.data.outcome === 'paid';
      expect(
        isPaid === (this.paid.at(-1)?.session === this.session),
        'a receipt without payment, or the reverse',
      );
      this.state = isPaid ? 'paid' : 'none';
    } else this.state = 'none';
  }

  #line(data: LineData): void {
    const before = this.lines.get(data.line)?.count ?? 0;
    expect(before + data.change === data.count, `line ${data.line}: ${before} + ${data.change}`);
    const { change: _change, totals, revision, ...line } = data;
    const saved = (line.savings ?? []).reduce((sum, one) => sum + one.savedMinor, 0);
    expect(saved === (line.savedMinor ?? 0), `savings of line ${line.line}`);
    expect(saved <= Math.max(0, line.priceMinor), `line ${line.line} saves more than it costs`);
    expect(new Set(line.savings?.map((one) => one.promotion)).size === (line.savings?.length ?? 0), 'twice');
    expect(isPriced(line), `line ${line.line} costs ${line.priceMinor}`);
    expect((line.approved === undefined) === (line.minimumAge === undefined), 'approval without an age');
    this.lines.set(line.line, line);
    this.#totals(totals, revision);
  }

  /** Lines that hold something, by number. */
  held() {
    return [...this.lines.values()].filter((line) => line.count > 0).sort((a, b) => a.line - b.line);
  }

  #sum(lines: readonly { readonly priceMinor: number; readonly savedMinor?: number | undefined }[]) {
    return {
      gross: lines.reduce((sum, line) => sum + line.priceMinor, 0),
      saved: lines.reduce((sum, line) => sum + (line.savedMinor ?? 0), 0),
    };
  }

  /** One tax line for each code and rate, rounded once. */
  #taxLines(lines: ReturnType<Receiver['held']>) {
    const rule = this.#taxes;
    if (rule === undefined) return [];
    const bases = new Map<string, bigint>();
    for (const line of lines) {
      if (line.taxCode === undefined || line.taxRatePpm === undefined) continue;
      const key = `${line.taxCode} ${String(line.taxRatePpm).padStart(9, '0')}`;
      const deposit = rule.depositsTaxed ? (line.depositMinor ?? 0) : 0;
      const net = line.priceMinor - (line.savedMinor ?? 0) + deposit;
      bases.set(key, (bases.get(key) ?? 0n) + BigInt(net));
    }
    return [...bases]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, base]) => {
        const [code = '', rate = ''] = key.split(' ');
        const ratePpm = BigInt(rate);
        const tax = nearest(base * ratePpm, rule.included ? 1_000_000n + ratePpm : 1_000_000n);
        return { code, ratePpm: Number(ratePpm), baseMinor: Number(base), taxMinor: Number(tax) };
      });
  }

  expected(): Totals {
    const held = this.held();
    const final = held.filter((line) => line.priceStatus === 'final');
    const estimated = held.filter((line) => line.priceStatus === 'estimate');
    const [sums, guesses] = [this.#sum(final), this.#sum(estimated)];
    const depositMinor = held.reduce((sum, line) => sum + (line.depositMinor ?? 0), 0);
    const taxes = this.#taxLines(final);
    const onTop = (lines: readonly { readonly taxMinor: number }[]) =>
      this.#taxes?.included === false ? lines.reduce((sum, one) => sum + one.taxMinor, 0) : 0;
    const goods = sums.gross - sums.saved + depositMinor;
    return {
      currency: 'EUR',
      finalMinor: sums.gross,
      estimateMinor: guesses.gross,
      atTill: held.filter((line) => line.priceStatus === 'at-till').length,
      items: held.reduce((total, line) => total + line.count, 0),
      open: this.questions.size,
      savedMinor: sums.saved,
      estimateSavedMinor: guesses.saved,
      depositMinor,
      taxes,
      addedTaxMinor: onTop(taxes),
      toPayMinor: goods + onTop(taxes),
      probableMinor: goods + guesses.gross - guesses.saved + onTop(this.#taxLines([...final, ...estimated])),
    };
  }

  toPay(): number {
    return this.expected().toPayMinor ?? 0;
  }

  #totals(totals: Totals, revision: number): void {
    expect(revision > this.revision, `revision ${revision} after ${this.revision}`);
    this.revision = revision;
    const [told, expected] = [JSON.stringify(totals), JSON.stringify(this.expected())];
    expect(told === expected, `${told} is not ${expected}`);
  }
}

/**
 * Whether a price follows from what the line says of itself: by the piece exactly; by weight as nearly as rounding price
 * and mass of a part of its units allows. A label, a till or staff may give any price.
 */
function isPriced(line: Omit<LineData, 'change' | 'totals' | 'revision'>): boolean {
  const { count, priceMinor, unitPriceMinor, massMg, overridden, priceStatus } = line;
  if (overridden === true || unitPriceMinor === undefined)
    return priceStatus !== 'at-till' || priceMinor === 0;
  if (massMg === undefined) return priceMinor === unitPriceMinor * count;
  return Math.abs(priceMinor * 1_000_000 - massMg * unitPriceMinor) <= 1_000_000 + unitPriceMinor;
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
