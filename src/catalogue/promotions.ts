import { z } from 'zod';
import { checkKey, checkPeriod, checkText } from './checks.ts';
import type { Findings } from './collect.ts';

/** How prices are taxed. Rates are those of today; a basket line keeps the one it was made at. */
export interface Taxes {
  /** Prices include the tax. */
  readonly included: boolean;
  /** A deposit is taxed as its product. */
  readonly depositsTaxed: boolean;
  readonly ratePpm: ReadonlyMap<string, number>;
}

/** Goods that a promotion is about: products by key, and whole departments. */
export interface Scope {
  readonly products: ReadonlySet<string>;
  readonly departments: ReadonlySet<string>;
}

export interface Group extends Scope {
  /** Units of this group that a bundle needs. */
  readonly quantity: number;
}

/** What a bundle costs less. */
export type Reward =
  /** Of all its units only so many, the dearest, are paid for. */
  | { readonly payFor: number }
  /** All of it for this price. */
  | { readonly priceMinor: number }
  | { readonly ratePpm: number }
  | { readonly amountMinor: number };

interface Common {
  readonly id: string;
  readonly name: string;
  /** First and last day, YYYY-MM-DD. */
  readonly validFrom?: string;
  readonly validTo?: string;
  /** Code that has to be scanned. */
  readonly coupon?: string;
  /** Only for shoppers that are known. */
  readonly loyalty?: true;
  /** How often it applies in one basket at most, units or bundles. */
  readonly limit?: number;
}

export type Promotion = Common &
  (
    | { readonly kind: 'percentage'; readonly scope: Scope; readonly ratePpm: number }
    | { readonly kind: 'amount'; readonly scope: Scope; readonly amountMinor: number }
    | {
        readonly kind: 'price';
        readonly scope: Scope;
        readonly priceMinor?: number;
        readonly priceMinorPerKg?: number;
      }
    /** `quantity` units of one product. */
    | {
        readonly kind: 'multi-buy';
        readonly scope: Scope;
        readonly quantity: number;
        readonly reward: Reward;
      }
    | { readonly kind: 'mix-and-match'; readonly groups: readonly Group[]; readonly reward: Reward }
    | {
        readonly kind: 'basket';
        readonly reward: Extract<Reward, { ratePpm: number } | { amountMinor: number }>;
        readonly minimumMinor: number;
      }
  );

const integer = z.number().int();
const money = integer.min(0).max(1_000_000_000);
const rate = integer.min(1).max(1_000_000);
const quantity = integer.min(1).max(100);

const keyed = z.object({
  gtin: z.string().optional().describe('GTIN, 14 digits, or'),
  plu: z.string().optional().describe('produce look-up code.'),
});
const scope = {
  products: z.array(keyed).default([]).describe('Products it is about.'),
  departments: z.array(z.string()).default([]).describe('Departments it is about.'),
};
const reward = {
  payFor: integer.min(0).optional().describe('Only so many of the units, the dearest, are paid for.'),
  priceMinor: money.optional().describe('Price of all of them together, minor units.'),
  ratePpm: rate.optional().describe('Share taken off, millionths.'),
  amountMinor: money.min(1).optional().describe('Amount taken off, minor units.'),
};

export const taxesSchema = z.object({
  included: z.boolean().describe('Prices include the tax.'),
  depositsTaxed: z.boolean().default(true).describe('A deposit is taxed as its product.'),
  rates: z
    .array(z.object({ code: z.string().describe('Tax code.'), ratePpm: integer.min(0).max(10_000_000) }))
    .describe('Rate of each code, millionths.'),
});

/** Of every kind the same table: which keys a kind needs is checked with words that say so. */
export const promotionSchema = z.object({
  id: z.string().describe('Names it in events.'),
  name: z.string().describe('Name that shoppers read.'),
  kind: z.enum(['percentage', 'amount', 'price', 'multi-buy', 'mix-and-match', 'basket']),
  ...scope,
  ...reward,
  priceMinorPerKg: money.optional().describe('Of kind price: price of a kilogram, minor units.'),
  quantity: quantity.optional().describe('Of kind multi-buy: units of one product that it takes.'),
  groups: z
    .array(z.object({ quantity, ...scope }))
    .max(8)
    .optional()
    .describe('Of kind mix-and-match: what a bundle is made of.'),
  minimumMinor: money.default(0).describe('Of kind basket: least price of all goods, after other savings.'),
  validFrom: z.string().optional().describe('First day, YYYY-MM-DD.'),
  validTo: z.string().optional().describe('Last day, YYYY-MM-DD.'),
  coupon: z.string().min(1).max(100).optional().describe('Code that has to be scanned.'),
  loyalty: z.boolean().optional().describe('Only for shoppers that are known.'),
  limit: quantity.optional().describe('How often it applies in one basket at most.'),
});
type RawPromotion = z.infer<typeof promotionSchema>;
type RawScope = Pick<RawPromotion, 'products' | 'departments'>;

/** Checks rates; what is wrong goes to `findings`. */
export function checkTaxes(raw: z.infer<typeof taxesSchema>, findings: Findings): Taxes {
  const ratePpm = new Map<string, number>();
  raw.rates.forEach(({ code, ratePpm: rate }, index) => {
    checkText(code, `taxes.rates[${index}].code`, findings);
    if (ratePpm.has(code))
      findings.add('CW-CAT-010', `taxes.rates[${index}].code`, code, 'each tax code once');
    ratePpm.set(code, rate);
  });
  return { included: raw.included, depositsTaxed: raw.depositsTaxed, ratePpm };
}

/** Every tax code that a product bears needs a rate, where rates are given at all. */
export function checkTaxCodes(
  products: readonly { readonly key: string; readonly taxCode?: string }[],
  taxes: Taxes | undefined,
  findings: Findings,
): void {
  for (const { key, taxCode } of taxes === undefined ? [] : products) {
    if (taxCode === undefined || taxes?.ratePpm.has(taxCode)) continue;
    findings.add('CW-CAT-018', `products (${key}).taxCode`, taxCode, 'a tax code of taxes.rates');
  }
}

/** A time zone has to be one that this system knows. */
export function checkTimeZone(timeZone: string, findings: Findings): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    findings.add('CW-CAT-018', 'timeZone', timeZone, 'a time zone such as "Europe/Berlin"');
  }
}

/** Checks promotions; what is wrong goes to `findings`. A product they name need not be in the catalogue of this store. */
export function checkPromotions(raw: readonly RawPromotion[], findings: Findings): Promotion[] {
  const ids = new Set<string>();
  return raw.flatMap((entry, index) => {
    const path = `promotions[${index}]`;
    checkText(entry.id, `${path}.id`, findings);
    checkText(entry.name, `${path}.name`, findings);
    checkPeriod(entry, path, findings);
    if (ids.has(entry.id))
      findings.add('CW-CAT-010', `${path}.id`, entry.id, 'an id that no other promotion has');
    ids.add(entry.id);
    return checkPromotion(entry, path, findings) ?? [];
  });
}

function checkPromotion(raw: RawPromotion, path: string, findings: Findings): Promotion | undefined {
  const { id, name, kind, validFrom, validTo, coupon, loyalty, limit } = raw;
  const common: Common = {
    id,
    name,
    ...(validFrom === undefined ? {} : { validFrom }),
    ...(validTo === undefined ? {} : { validTo }),
    ...(coupon === undefined ? {} : { coupon }),
    ...(loyalty === true ? { loyalty } : {}),
    ...(limit === undefined ? {} : { limit }),
  };
  const wrong = (key: string, value: unknown, expected: string) => {
    findings.add('CW-CAT-017', `${path}.${key}`, value, `${expected}, as kind is "${kind}"`);
    return undefined;
  };
  switch (kind) {
    case 'percentage':
      if (raw.ratePpm === undefined) return wrong('ratePpm', undefined, 'a share');
      return { ...common, kind, scope: checkScope(raw, path, findings), ratePpm: raw.ratePpm };
    case 'amount':
      if (raw.amountMinor === undefined) return wrong('amountMinor', undefined, 'an amount');
      return { ...common, kind, scope: checkScope(raw, path, findings), amountMinor: raw.amountMinor };
    case 'price': {
      const { priceMinor, priceMinorPerKg } = raw;
      if (priceMinor === undefined && priceMinorPerKg === undefined)
        return wrong('priceMinor', undefined, 'a price');
      return {
        ...common,
        kind,
        scope: checkScope(raw, path, findings),
        ...(priceMinor === undefined ? {} : { priceMinor }),
        ...(priceMinorPerKg === undefined ? {} : { priceMinorPerKg }),
      };
    }
    case 'multi-buy': {
      if (raw.quantity === undefined) return wrong('quantity', undefined, 'how many units it takes');
      const given = checkReward(raw, raw.quantity, path, findings);
      if (given === undefined) return undefined;
      return {
        ...common,
        kind,
        scope: checkScope(raw, path, findings),
        quantity: raw.quantity,
        reward: given,
      };
    }
    case 'mix-and-match': {
      if (raw.groups === undefined || raw.groups.length === 0)
        return wrong('groups', raw.groups, 'one group at least');
      const groups = raw.groups.map((group, index) => ({
        ...checkScope(group, `${path}.groups[${index}]`, findings),
        quantity: group.quantity,
      }));
      const units = groups.reduce((sum, group) => sum + group.quantity, 0);
      const given = checkReward(raw, units, path, findings);
      return given === undefined ? undefined : { ...common, kind, groups, reward: given };
    }
    case 'basket': {
      const given = checkReward(raw, 1, path, findings);
      if (given === undefined) return undefined;
      if (!('ratePpm' in given || 'amountMinor' in given))
        return wrong('amountMinor', undefined, 'amountMinor or ratePpm');
      return { ...common, kind, reward: given, minimumMinor: raw.minimumMinor };
    }
  }
}

function checkScope(raw: RawScope, path: string, findings: Findings): Scope {
  if (raw.products.length === 0 && raw.departments.length === 0) {
    findings.add('CW-CAT-017', `${path}.products`, raw.products, 'one product or department at least');
  }
  raw.departments.forEach((one, index) => {
    checkText(one, `${path}.departments[${index}]`, findings);
  });
  const products = raw.products.flatMap(
    (one, index) => checkKey(one, `${path}.products[${index}]`, findings) ?? [],
  );
  return { products: new Set(products), departments: new Set(raw.departments) };
}

/** The one reward that is given; `units` is how many a bundle has. */
function checkReward(raw: RawPromotion, units: number, path: string, findings: Findings): Reward | undefined {
  const { payFor, priceMinor, ratePpm, amountMinor } = raw;
  const given: Reward[] = [
    ...(payFor === undefined ? [] : [{ payFor }]),
    ...(priceMinor === undefined ? [] : [{ priceMinor }]),
    ...(ratePpm === undefined ? [] : [{ ratePpm }]),
    ...(amountMinor === undefined ? [] : [{ amountMinor }]),
  ];
  const [first] = given;
  if (first === undefined || given.length > 1) {
    const found = Object.keys(Object.assign({}, ...given));
    findings.add('CW-CAT-017', path, found, 'one of payFor, priceMinor, ratePpm and amountMinor');
    return undefined;
  }
  if (payFor !== undefined && payFor >= units) {
    findings.add('CW-CAT-017', `${path}.payFor`, payFor, `less than the ${units} units that it takes`);
  }
  return first;
}
