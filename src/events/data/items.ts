import { array, bool, bytes, choice, int, may, must, ppmShape, record, text, uint, uuid } from '../fields.ts';

/** What names a product: one of `gtin` (14 digits) and `plu` (4 or 5 digits); `name` is a convenience for people. */
const product = {
  gtin: may(1, text, 'GTIN, 14 digits'),
  plu: may(2, text, 'price look-up code, 4 or 5 digits'),
  name: may(3, text, 'name in the catalogue, for people'),
} as const;

export const alternative = record('alternative', {
  ...product,
  count: must(4, int, 'signed count: + put in, − taken out'),
  probabilityPpm: must(5, ppmShape, 'posterior probability in millionths'),
  expectedMg: may(6, int, 'mass change this hypothesis expects, mg'),
});

export const movementEvidence = record('movement-evidence', {
  massMg: must(1, int, 'signed change of plate mass, mg'),
  sigmaMg: must(2, uint, 'standard uncertainty of massMg, mg'),
  startedAtUs: must(3, uint, 'when the mass left its plateau, monotonic µs'),
  settledAtUs: must(4, uint, 'when the new plateau was established, monotonic µs'),
  event: may(5, uuid, 'the movement.settled event'),
  certificateId: may(6, text, 'certificate of the scale that indicated the plate before and after'),
});

export const scanEvidence = record('scan-evidence', {
  event: may(1, uuid, 'the scan.read event'),
  source: must(2, text, 'device'),
  atUs: must(3, uint, 'monotonic µs'),
  gtin: may(4, text, 'GTIN the code carried'),
  plu: may(5, text, 'look-up code the code carried'),
});

export const sightingEvidence = record('sighting-evidence', {
  event: may(1, uuid, 'the look.seen event'),
  source: must(2, text, 'camera'),
  atUs: must(3, uint, 'monotonic µs'),
  ...{ look: may(4, text, 'best key of the gallery'), probabilityPpm: may(5, ppmShape, 'its probability') },
});

export const evidence = record('evidence', {
  movements: may(1, array(movementEvidence), 'mass changes explained'),
  scans: may(2, array(scanEvidence), 'codes read'),
  sightings: may(3, array(sightingEvidence), 'what cameras recognized'),
});

/** Decided: fields that every item and shelf event carries. Keys 1–29 are shared by all of them. */
export const itemFields = {
  ...product,
  count: must(4, uint, 'how many units'),
  massMg: must(5, int, 'signed change of plate mass, mg (0 where nothing was weighed)'),
  probabilityPpm: must(6, ppmShape, 'posterior probability of this decision in millionths'),
  alternatives: must(7, array(alternative), 'the next best explanations, best first'),
  evidence: must(8, evidence, 'what the decision rests on'),
  plate: must(9, text, 'plate of the board profile'),
  startedAtUs: must(10, uint, 'when the change began, monotonic µs'),
  settledAtUs: must(11, uint, 'when it had settled, monotonic µs'),
  entry: must(12, choice('scan', 'weight', 'look', 'manual', 'planogram'), 'how it was identified'),
  priceMinor: may(
    13,
    uint,
    'price embedded in the code (variable measure), minor units, for all units together',
  ),
  certificateId: may(14, text, "certificate of the scale that gave a sale's mass"),
} as const;

export const unresolvedKinds = choice(
  'unknown-added',
  'unknown-removed',
  'ambiguous',
  'mixed',
  'scanned-not-placed',
  'changed-while-away',
);
export const asks = choice('scan-it', 'choose', 'take-it-out', 'put-it-back', 'place-it', 'call-staff');

export const itemAdded = record('item-added', { ...itemFields });
export const itemRemoved = record('item-removed', { ...itemFields });
export const itemUnresolved = record('item-unresolved', {
  kind: must(1, unresolvedKinds, 'what could not be decided'),
  ask: must(2, choice(...asks.values), 'what to ask the shopper'),
  massMg: must(5, int, 'signed change of plate mass, mg'),
  unknownPpm: must(6, ppmShape, 'probability that no product of the catalogue explains it'),
  candidates: must(7, array(alternative), 'explanations that remain, best first'),
  evidence: must(8, evidence, 'what there is to go on'),
  plate: must(9, text, 'plate of the board profile'),
  startedAtUs: must(10, uint, 'when the change began, monotonic µs'),
  settledAtUs: must(11, uint, 'when it had settled, monotonic µs'),
});
export const itemResolved = record('item-resolved', {
  ...itemFields,
  settles: must(20, uuid, 'the item.unresolved event that this settles'),
  outcome: must(
    21,
    choice('added', 'removed', 'put-back', 'withdrawn', 'not-an-item'),
    'what it turned out to be',
  ),
});
export const itemCorrected = record('item-corrected', {
  ...itemFields,
  corrects: must(20, uuid, 'the item event that this corrects'),
  outcome: must(21, choice('added', 'removed', 'nothing'), 'what holds instead'),
});

export const shelfTaken = record('shelf-taken', { ...itemFields });
export const shelfReturned = record('shelf-returned', { ...itemFields });
export const shelfMisplaced = record('shelf-misplaced', {
  ...itemFields,
  belongsOn: must(20, array(text), 'plates on which the planogram has the product'),
});
export const shelfStock = record('shelf-stock', {
  ...product,
  plate: must(9, text, 'plate of the board profile'),
  count: must(4, uint, 'units estimated to be on the plate'),
  massMg: must(5, int, 'mass on the plate, mg'),
});

export const scanRead = record('scan-read', {
  source: must(1, text, 'device'),
  symbology: must(2, text, 'AIM identifier, as ]E0; epc for a radio tag'),
  meaning: must(
    3,
    choice(
      'product',
      'look-up',
      'variable-measure',
      'coupon',
      'session',
      'loyalty',
      'element-string',
      'unknown',
      'invalid',
    ),
    'what the code is',
  ),
  gtin: may(4, text, 'GTIN, 14 digits'),
  plu: may(5, text, 'price look-up code'),
  massMg: may(6, int, 'mass the code carries, mg'),
  priceMinor: may(7, uint, 'price the code carries, minor units'),
  lot: may(8, text, 'batch or lot (AI 10)'),
  expiry: may(9, text, 'expiry or best-before date, YYYY-MM-DD, of AI 17 or 15'),
  serial: may(10, text, 'serial number (AI 21)'),
  code: may(11, text, 'error code, where the code could not be understood'),
  raw: may(12, bytes, "the bytes read; left out where the code is a session token or a shopper's own"),
  name: may(13, text, 'name in the catalogue, for people'),
});
export const movementSettled = record('movement-settled', {
  plate: must(1, text, 'plate of the board profile'),
  massMg: must(2, int, 'signed change, mg'),
  sigmaMg: must(3, uint, 'standard uncertainty, mg'),
  beforeMg: must(4, int, 'plate mass before (net of tare), mg'),
  afterMg: must(5, int, 'plate mass after, mg'),
  startedAtUs: must(6, uint, 'when the mass left its plateau'),
  settledAtUs: must(7, uint, 'when the new plateau was established'),
  moving: must(8, bool, 'the cart moved during it'),
  certificateId: may(9, text, 'certificate of the scale that indicated the plate before and after'),
});
const seenThing = record('seen-thing', {
  change: may(1, choice('came', 'went'), 'whether it was put in or taken out'),
  moved: must(2, bool, 'seen close by before and after: pushed rather than put or taken'),
  box: may(3, array(uint), "left, top, width, height in thousandths of the plate's region"),
  candidates: must(4, array(alternative), 'what it may be, best first'),
  unknownPpm: must(5, ppmShape, 'probability that it is nothing of the catalogue'),
  ambiguous: must(6, bool, 'the two best are too close for one look to decide'),
});
// Keys 3 and 4 were those of a look at one thing; they are not used again.
export const lookSeen = record('look-seen', {
  source: must(1, text, 'camera'),
  plate: may(2, text, 'plate'),
  outcome: must(
    5,
    choice('seen', 'nothing-changed', 'hand-only'),
    'what became of the look; an arm may hide a thing',
  ),
  things: must(6, array(seenThing), 'what came or went, the most significant first'),
});
