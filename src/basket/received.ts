import type { Catalogue } from '#catalogue/products.ts';
import { BasketError } from './errors.ts';
import type { Line, LineRecord } from './lines.ts';
import { productOf } from './questions.ts';

/** Lines that one basket may be received with, as many as a command takes. */
const mostLines = 1_000;
/** Highest number of a line that is received: those that come after it stay far below 2^53. */
const highestLine = 1_000_000;

/**
 * The lines of another cart's basket as lines of this one: at the prices they had there, all units `unplaced`. What is
 * approved there has to be approved here again. Throws CW-BSK-016 for a line that can't be one.
 */
export function receivedLines(records: readonly LineRecord[], catalogue: Catalogue): Line[] {
  if (records.length > mostLines) {
    throw new BasketError(
      'CW-BSK-016',
      `the basket has ${records.length} lines, ${mostLines} are taken at most; pay it where it is`,
    );
  }
  const numbers = new Set<number>();
  return records.map((record) => {
    const fault = faultOf(record, numbers);
    if (fault !== undefined) {
      throw new BasketError(
        'CW-BSK-016',
        `line ${record.line} ${fault}; send lines as basket.transferred has them`,
      );
    }
    numbers.add(record.line);
    return toLine(record, catalogue);
  });
}

function faultOf(record: LineRecord, numbers: ReadonlySet<number>): string | undefined {
  if (record.line < 1 || numbers.has(record.line)) return 'has a number that no other line may have, from 1';
  if (record.line > highestLine) return `has a number above ${highestLine}`;
  if (record.count < 1) return 'holds nothing';
  if (record.gtin === undefined && record.plu === undefined) return 'names no product';
  if (record.priceMinor < 0) return 'has a price below 0';
  if ((record.depositMinor ?? 0) % record.count !== 0)
    return 'has a deposit that its units do not share evenly';
  return undefined;
}

function toLine(record: LineRecord, catalogue: Catalogue): Line {
  const {
    savings: _savings,
    savedMinor: _saved,
    approved: _approved,
    disputed: _disputed,
    overridden,
    depositMinor,
    unplaced: _unplaced,
    sale,
    ...rest
  } = record;
  const product = productOf(catalogue, record);
  const { count, priceMinor, unitPriceMinor, massMg } = record;
  const isSimple =
    massMg === undefined && unitPriceMinor !== undefined && unitPriceMinor * count === priceMinor;
  const isUnpriced = massMg === undefined && unitPriceMinor === undefined && record.priceStatus === 'at-till';
  const present = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    ...(present as unknown as Omit<Line, 'product' | 'sale'>),
    product: product?.key ?? (record.gtin === undefined ? `plu:${record.plu}` : `gtin:${record.gtin}`),
    sale: sale ?? product?.sale ?? (massMg === undefined ? 'each' : 'weight'),
    unplaced: count,
    ...(product?.department === undefined ? {} : { department: product.department }),
    ...(depositMinor === undefined ? {} : { depositEachMinor: depositMinor / count }),
    ...(overridden === true ? { overridden } : {}),
    ...(isSimple || isUnpriced ? {} : { made: { count, priceMinor, massMg: massMg ?? 0 } }),
  };
}
