import { array, bool, choice, hex, int, may, must, ppmShape, record, text, uint, uuid } from '../fields.ts';

export const priceStatuses = choice('final', 'estimate', 'at-till');

/** One line of the basket ledger as it stands after the event. */
const lineFields = {
  line: must(1, uint, 'number of the line in this session, from 1; never used twice'),
  gtin: may(2, text, 'GTIN, 14 digits'),
  plu: may(3, text, 'price look-up code'),
  name: must(4, text, 'name in the catalogue when the line was made'),
  count: must(5, uint, 'units; 0 after the last one was taken out'),
  massMg: may(6, int, 'net mass on which a price by weight rests, mg'),
  unitPriceMinor: may(7, uint, 'price a unit (or a kilogram) when the line was made, minor units'),
  priceMinor: must(8, int, 'price of the line, minor units'),
  priceStatus: must(9, priceStatuses, 'whether that price is final'),
  entry: must(10, choice('scan', 'weight', 'look', 'manual', 'planogram'), 'how it was identified'),
  certificateId: may(11, text, "certificate of the scale that gave the sale's mass"),
} as const;

export const totals = record('totals', {
  currency: must(1, text, 'ISO 4217'),
  finalMinor: must(2, int, 'sum of the lines whose price is final, minor units'),
  estimateMinor: must(3, int, 'sum of the estimated lines, minor units'),
  atTill: must(4, uint, 'lines priced at the till'),
  items: must(5, uint, 'units in the basket'),
  open: must(6, uint, 'questions not yet answered'),
});

export const basketLineRecord = record('line', lineFields);
export const basketOpened = record('basket-opened', {
  session: must(1, text, 'derived id of the session'),
  currency: must(2, text, 'ISO 4217'),
  by: must(3, choice('token', 'command', 'touch'), 'how it was opened'),
});
export const basketLine = record('basket-line', {
  ...lineFields,
  change: must(20, int, 'units added (+) or taken out (−) by this event'),
  totals: must(21, totals, 'totals after it'),
  revision: must(22, uint, 'revision of the basket after it'),
});
export const basketVoided = record('basket-voided', {
  line: must(1, uint, 'the line'),
  reason: must(2, choice('staff', 'shopper', 'correction'), 'why'),
  totals: must(21, totals, 'totals after it'),
  revision: must(22, uint, 'revision of the basket after it'),
});
export const basketSuspended = record('basket-suspended', { revision: must(1, uint, 'revision') });
export const basketTransferred = record('basket-transferred', {
  revision: must(1, uint, 'revision'),
  to: must(2, text, 'till or device that takes it over'),
});
export const basketCheckout = record('basket-checkout', {
  checkout: must(1, uuid, 'id of this attempt'),
  revision: must(2, uint, 'revision'),
  totals: must(3, totals, 'totals'),
  unsettled: must(4, array(uuid), 'item.unresolved events still open'),
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
});
export const basketAbandoned = record('basket-abandoned', {
  session: must(1, text, 'derived id of the session'),
  revision: must(2, uint, 'last revision'),
  reason: must(3, choice('time', 'staff', 'shopper'), 'why'),
});
export const basketAlert = record('basket-alert', {
  kind: must(1, choice('no-session', 'during-payment', 'after-payment', 'refused'), 'what happened'),
  massMg: may(2, int, 'change of mass, mg'),
  probabilityPpm: may(3, ppmShape, 'probability'),
  plate: may(4, text, 'plate'),
  blocking: must(5, bool, 'whether checkout must wait'),
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
});
