import { array, bool, choice, hex, int, may, must, ppmShape, record, text, uint, uuid } from '../fields.ts';
import { alternative, asks, unresolvedKinds } from './items.ts';

export const priceStatuses = choice('final', 'estimate', 'at-till');

/** Who asked for a change of the basket. */
export const person = record('person', {
  role: must(1, choice('shopper', 'staff', 'till', 'store'), 'on whose behalf'),
  who: may(2, text, 'number of the person or of the till, as the store has it; never a name'),
});

export const saving = record('saving', {
  promotion: must(1, text, 'id of the promotion in the catalogue'),
  name: must(2, text, 'its name, for people'),
  savedMinor: must(3, uint, 'what it takes off this line, minor units'),
});

/** One line of the basket ledger as it stands after the event. */
const lineFields = {
  line: must(1, uint, 'number of the line in this session, from 1; never used twice'),
  gtin: may(2, text, 'GTIN, 14 digits'),
  plu: may(3, text, 'price look-up code'),
  name: must(4, text, 'name in the catalogue when the line was made'),
  count: must(5, uint, 'units; 0 after the last one was taken out'),
  massMg: may(6, int, 'net mass on which a price by weight rests, mg'),
  unitPriceMinor: may(7, uint, 'price a unit (or a kilogram) when the line was made, minor units'),
  priceMinor: must(8, int, 'price of the line before savings, without deposit, minor units'),
  priceStatus: must(9, priceStatuses, 'whether that price is final'),
  entry: must(10, choice('scan', 'weight', 'look', 'manual', 'planogram'), 'how it was identified'),
  certificateId: may(11, text, "certificate of the scale that gave the sale's mass"),
  catalogue: may(12, text, 'version of the catalogue that the price is of'),
  savedMinor: may(13, uint, 'sum of `savings`, minor units; left out where nothing is saved'),
  savings: may(14, array(saving), 'what promotions take off'),
  depositMinor: may(15, uint, 'deposit on all its units, minor units; not part of the price'),
  taxCode: may(16, text, 'tax code of the product'),
  taxRatePpm: may(17, uint, 'rate of that tax when the line was made, millionths'),
  minimumAge: may(18, uint, 'smallest age of a buyer, years'),
  approved: may(19, bool, 'whether staff has approved that age; only with `minimumAge`'),
  disputed: may(23, bool, 'the shopper said "not mine" and nobody has dealt with it yet'),
  unplaced: may(24, uint, 'units that came from another cart and were not put on a plate of this one yet'),
  sale: may(25, choice('each', 'weight'), 'sold by the piece or by mass'),
  overridden: may(26, bool, 'staff or till set its price'),
  unweighed: may(
    27,
    uint,
    'units that nothing weighed: on a rack, or put in while the scale was out of order; for the exit check',
  ),
} as const;

export const taxLine = record('tax-line', {
  code: must(1, text, 'tax code'),
  ratePpm: must(2, uint, 'rate, millionths'),
  baseMinor: must(
    3,
    int,
    'what the tax is on, after savings: prices as they are, tax included or not, minor units',
  ),
  taxMinor: must(4, int, 'the tax, rounded once, minor units'),
});

/** Only lines with a count above 0 count. `toPayMinor` is what the till collects once no line is estimated or at-till. */
export const totals = record('totals', {
  currency: must(1, text, 'ISO 4217'),
  finalMinor: must(2, int, 'sum of the lines whose price is final, before savings, minor units'),
  estimateMinor: must(3, int, 'sum of the estimated lines, before savings, minor units'),
  atTill: must(4, uint, 'lines priced at the till'),
  items: must(5, uint, 'units in the basket'),
  open: must(6, uint, 'questions not yet answered'),
  savedMinor: may(7, uint, 'savings on the final lines, minor units'),
  estimateSavedMinor: may(8, uint, 'savings on the estimated lines, minor units'),
  depositMinor: may(9, uint, 'deposits of all lines, minor units'),
  taxes: may(10, array(taxLine), 'tax of the final lines, one for each code and rate'),
  addedTaxMinor: may(11, int, 'sum of `taxes` where prices do not include it, else 0, minor units'),
  toPayMinor: may(12, int, 'finalMinor − savedMinor + depositMinor + addedTaxMinor'),
  probableMinor: may(13, int, 'toPayMinor as if the estimates were final'),
});

export const basketLineRecord = record('line', lineFields);

/** A question that is open, as a display or a till shows it. */
export const basketQuestion = record('basket-question', {
  event: must(1, uuid, 'the item.unresolved event'),
  kind: must(2, choice(...unresolvedKinds.values), 'what could not be decided'),
  ask: must(3, choice(...asks.values), 'what the shopper is asked to do'),
  massMg: must(4, int, 'signed change of plate mass, mg'),
  plate: must(5, text, 'plate of the board profile'),
  candidates: must(6, array(alternative), 'explanations that remain, best first'),
  unknownPpm: must(7, ppmShape, 'probability that no product of the catalogue explains it'),
  expectedMinor: must(
    8,
    int,
    'loss to the store to be expected if it is left open: prices of the candidates by their probability; negative where the shopper would pay too much',
  ),
  lowMinor: must(9, int, 'least of the candidates, minor units'),
  highMinor: must(10, int, 'most of the candidates, minor units'),
});

export const basketApproval = record('basket-approval', {
  minimumAge: must(1, uint, 'age to be shown, years'),
  lines: must(2, array(uint), 'lines that need it'),
});

export const basketCoupon = record('coupon-in-force', {
  code: must(1, text, 'code of the coupon'),
  promotion: must(2, text, 'id of its promotion'),
  name: must(3, text, 'name of its promotion, for people'),
});

export const basketOpened = record('basket-opened', {
  session: must(1, text, 'derived id of the session'),
  currency: must(2, text, 'ISO 4217'),
  by: must(3, choice('token', 'command', 'touch', 'transfer'), 'how it was opened'),
  loyalty: may(4, bool, 'the shopper is known: loyalty prices count'),
  from: may(5, text, 'device that it was transferred from'),
  fromSession: may(6, text, 'session on that device'),
});
export const basketLine = record('basket-line', {
  ...lineFields,
  change: must(
    20,
    int,
    'units added (+) or taken out (−) by this event; 0 where only price, savings or flags changed',
  ),
  totals: must(21, totals, 'totals after it'),
  revision: must(22, uint, 'revision of the basket after it'),
});
export const basketVoided = record('basket-voided', {
  line: must(1, uint, 'the line'),
  reason: must(2, choice('staff', 'shopper', 'correction'), 'why'),
  by: may(3, person, 'who took it off'),
  why: may(4, text, 'why, in words'),
  count: may(5, uint, 'units that it had'),
  priceMinor: may(6, int, 'price that it had, before savings, minor units'),
  totals: must(21, totals, 'totals after it'),
  revision: must(22, uint, 'revision of the basket after it'),
});
export const basketOverridden = record('basket-overridden', {
  what: must(1, choice('price', 'count', 'item', 'dispute'), 'what was set'),
  line: may(2, uint, 'the line'),
  event: may(3, uuid, 'the question or item event'),
  by: must(4, person, 'who set it'),
  why: must(5, text, 'why, in words'),
  before: may(6, int, 'price (minor units) or count before'),
  after: may(7, int, 'price (minor units) or count from now on'),
  revision: must(22, uint, 'revision of the basket before the change'),
});
export const basketApproved = record('basket-approved', {
  age: must(1, uint, 'age that was checked, years'),
  outcome: must(2, choice('approved', 'refused'), 'whether the buyer may have goods up to that age'),
  by: must(3, person, 'who checked it'),
  revision: must(22, uint, 'revision of the basket after it'),
});
export const basketCouponScanned = record('basket-coupon', {
  code: must(1, text, 'the code'),
  outcome: must(2, choice('accepted', 'unknown', 'not-in-force', 'repeated'), 'what became of it'),
  promotion: may(3, text, 'id of its promotion'),
  name: may(4, text, 'name of its promotion, for people'),
  revision: must(22, uint, 'revision of the basket after it'),
});
export const basketLoyalty = record('basket-loyalty', {
  by: must(1, choice('scan', 'command'), 'how the shopper became known'),
  revision: must(22, uint, 'revision of the basket after it'),
});
export const basketSuspended = record('basket-suspended', {
  revision: must(1, uint, 'revision'),
  by: may(2, person, 'who suspended it'),
});
export const basketResumed = record('basket-resumed', {
  revision: must(1, uint, 'revision'),
  by: may(2, person, 'who resumed it; left out where the token was scanned'),
});
export const basketTransferred = record('basket-transferred', {
  revision: must(1, uint, 'revision'),
  to: must(2, text, 'till or device that takes it over'),
  session: may(3, text, 'derived id of the session, which ends here'),
  totals: may(4, totals, 'totals'),
  lines: may(5, array(basketLineRecord), 'the lines that go over'),
  asked: may(6, array(basketQuestion), 'questions left open'),
  by: may(7, person, 'who transferred it'),
  taxIncluded: may(8, bool, 'whether prices include their tax; left out where there is none'),
  depositsTaxed: may(9, bool, 'whether a deposit is taxed as its product; left out where there is no tax'),
});
export const basketCheckout = record('basket-checkout', {
  checkout: must(1, uuid, 'id of this attempt'),
  revision: must(2, uint, 'revision that is to be settled'),
  totals: must(3, totals, 'totals'),
  unsettled: must(4, array(uuid), 'item.unresolved events still open'),
  asked: may(5, array(basketQuestion), 'the same questions with their expected loss'),
  approvals: may(6, array(basketApproval), 'ages that have to be approved before it can be paid'),
  unpriced: may(7, array(uint), 'lines that the till has to price (`checkout.price`)'),
});
export const basketReopened = record('basket-reopened', {
  checkout: must(1, uuid, 'the attempt that ended without payment'),
  reason: must(2, choice('declined', 'cancelled', 'movement', 'time'), 'why'),
  revision: must(3, uint, 'revision from now on'),
  by: may(4, person, 'who ended it'),
  reference: may(5, text, "the till's reference"),
});
export const basketPaid = record('basket-paid', {
  checkout: must(1, uuid, 'the attempt'),
  revision: must(2, uint, 'revision'),
  totalMinor: must(3, int, 'paid, minor units'),
  reference: must(4, text, "the till's reference"),
});
export const basketClosed = record('basket-closed', {
  session: must(1, text, 'derived id of the session'),
  revision: must(2, uint, 'last revision'),
  totals: must(3, totals, 'totals at the end'),
  lines: must(4, array(basketLineRecord), 'the lines at the end'),
  unsettled: must(5, array(uuid), 'item.unresolved events left open'),
  outcome: may(6, choice('paid', 'unpaid', 'empty'), 'whether it was paid, left unpaid, or held nothing'),
  paid: may(7, basketPaid, 'the payment: with `lines` and `totals`, the receipt'),
  coupons: may(8, array(basketCoupon), 'coupons that were taken'),
  asked: may(9, array(basketQuestion), 'questions left open, with their expected loss'),
});
export const basketAbandoned = record('basket-abandoned', {
  session: must(1, text, 'derived id of the session'),
  revision: must(2, uint, 'last revision'),
  reason: must(3, choice('time', 'staff', 'shopper'), 'why'),
  totals: may(4, totals, 'totals at the end'),
  lines: may(5, array(basketLineRecord), 'what was in it'),
  by: may(6, person, 'who gave it up'),
});
export const basketAlert = record('basket-alert', {
  kind: must(
    1,
    choice(
      'no-session',
      'during-payment',
      'after-payment',
      'refused',
      'while-suspended',
      'disputed',
      'declared',
      'help',
      'help-over',
      'unweighed',
    ),
    'what happened',
  ),
  massMg: may(2, int, 'change of mass, mg'),
  probabilityPpm: may(3, ppmShape, 'probability'),
  plate: may(4, text, 'plate'),
  blocking: must(5, bool, 'whether checkout must wait'),
  event: may(6, uuid, 'the item event or question that it is about'),
  line: may(7, uint, 'the line that it is about'),
  name: may(8, text, 'name of the product, for people'),
  returned: may(
    9,
    bool,
    'after payment: a thing on the receipt, and as much mass had left since; likely put back',
  ),
  by: may(10, person, 'who told it'),
});

export const checkoutAttempt = record('checkout-attempt', {
  checkout: must(1, uuid, 'id of the attempt'),
  revision: must(2, uint, 'revision that `checkout.settle` has to name'),
  unpriced: must(3, array(uint), 'lines that the till has to price first'),
  moving: must(4, bool, 'something is being put in or taken out: settling must wait'),
});

/** The retained snapshot on topic `basket`. */
export const basketSnapshot = record('basket-snapshot', {
  session: must(1, text, 'derived id of the session'),
  revision: must(2, uint, '+1 with every change'),
  state: must(3, choice('open', 'checkout', 'paid', 'suspended', 'closed'), 'state'),
  lines: must(4, array(basketLineRecord), 'lines with a count above 0'),
  totals: must(5, totals, 'totals'),
  questions: must(6, array(uuid), 'open item.unresolved events'),
  ledger: must(7, hex(8), 'ledger of the device'),
  sequence: must(8, uint, 'sequence of the last event it includes'),
  asked: may(9, array(basketQuestion), 'the open questions, oldest first'),
  approvals: may(10, array(basketApproval), 'ages that have to be approved before it can be paid'),
  checkout: may(11, checkoutAttempt, 'the attempt, in state `checkout`'),
  paid: may(12, basketPaid, 'the payment, in state `paid`'),
  coupons: may(13, array(basketCoupon), 'coupons taken'),
  loyalty: may(14, bool, 'loyalty prices count'),
  help: may(15, bool, 'somebody was called and has not come yet'),
  anonymous: may(16, bool, 'no token opened it: a touch resumes it'),
});
