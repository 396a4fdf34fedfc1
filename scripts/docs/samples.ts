import type { Draft } from '#events/event.ts';

/** A shopping trip and a shelf, one draft at least of every type: what the published test vectors are made of. */
const session = 's-5f0c1e7a9b';
const totals = {
  currency: 'EUR',
  finalMinor: 398,
  estimateMinor: 89,
  atTill: 0,
  items: 3,
  open: 0,
  savedMinor: 40,
  estimateSavedMinor: 0,
  depositMinor: 50,
  taxes: [{ code: 'B', ratePpm: 70_000, baseMinor: 408, taxMinor: 27 }],
  addedTaxMinor: 0,
  toPayMinor: 408,
  probableMinor: 497,
} as const;
const staff = { role: 'staff', who: '4711' } as const;
const earlier = '2b0e4a51-6d2c-8f13-9a77-0c5de1b4a902';
const checkout = '7c1d9b34-58e0-8a26-8b1f-33d06a2c5e41';
const startedAtUs = 8_411_250_000;
const settledAtUs = 8_411_962_500;

const milk = { gtin: '04006381333931', name: 'Haltbare Vollmilch 3,5 % 1 l' };
const movement = { massMg: 1_062_400, sigmaMg: 1_900, startedAtUs, settledAtUs, event: earlier };
const scan = { source: 'handle-scanner', atUs: 8_410_020_000, gtin: milk.gtin, event: earlier };
const sighting = { source: 'basket-camera', atUs: 8_411_700_000, look: 'Banana', probabilityPpm: 912_000 };
const item = {
  ...milk,
  count: 1,
  massMg: movement.massMg,
  probabilityPpm: 998_750,
  alternatives: [{ gtin: '04311501043271', count: 1, probabilityPpm: 900, expectedMg: 1_031_000 }],
  evidence: { movements: [movement], scans: [scan] },
  plate: 'basket',
  startedAtUs,
  settledAtUs,
  entry: 'scan',
} as const;
const line = {
  line: 1,
  ...milk,
  count: 2,
  unitPriceMinor: 199,
  priceMinor: 398,
  priceStatus: 'final',
  entry: 'scan',
  catalogue: '2026-11-22.1',
  savedMinor: 40,
  savings: [{ promotion: 'p1', name: '10 % auf Milch', savedMinor: 40 }],
  depositMinor: 50,
  taxCode: 'B',
  taxRatePpm: 70_000,
  sale: 'each',
} as const;
const bananas = {
  line: 2,
  plu: '4011',
  name: 'Bananen',
  count: 1,
  massMg: 497_000,
  unitPriceMinor: 179,
  priceMinor: 89,
  priceStatus: 'estimate',
  entry: 'look',
} as const;
const shelf = { ...item, plate: 's1-p3', entry: 'planogram', evidence: { movements: [movement] } } as const;

const itemSamples: readonly Draft[] = [
  {
    type: 'scan.read',
    session,
    data: {
      source: 'handle-scanner',
      symbology: ']E0',
      meaning: 'product',
      gtin: milk.gtin,
      raw: new TextEncoder().encode('4006381333931'),
      name: milk.name,
    },
  },
  {
    type: 'movement.settled',
    session,
    data: {
      plate: 'basket',
      massMg: movement.massMg,
      sigmaMg: movement.sigmaMg,
      beforeMg: -200,
      afterMg: 1_062_200,
      startedAtUs,
      settledAtUs,
      moving: false,
      certificateId: 'T8214/B512345',
    },
  },
  {
    type: 'look.seen',
    session,
    data: {
      source: 'basket-camera',
      plate: 'basket',
      outcome: 'seen',
      things: [
        {
          change: 'came',
          moved: false,
          box: [312, 405, 188, 240],
          candidates: [{ plu: '4011', name: 'Bananen', count: 1, probabilityPpm: 912_000 }],
          unknownPpm: 41_000,
          ambiguous: false,
        },
      ],
    },
  },
  { type: 'item.added', session, causes: [earlier], data: item },
  { type: 'item.removed', session, causes: [earlier], data: { ...item, massMg: -item.massMg } },
  {
    type: 'item.unresolved',
    session,
    data: {
      kind: 'ambiguous',
      ask: 'choose',
      massMg: 497_000,
      unknownPpm: 120_000,
      candidates: [
        { plu: '4011', name: 'Bananen', count: 1, probabilityPpm: 610_000, expectedMg: 480_000 },
        { plu: '4087', name: 'Tomaten', count: 1, probabilityPpm: 270_000 },
      ],
      evidence: { movements: [movement], sightings: [sighting] },
      plate: 'basket',
      startedAtUs,
      settledAtUs,
    },
  },
  {
    type: 'item.resolved',
    session,
    causes: [earlier],
    data: { ...item, settles: earlier, outcome: 'added' },
  },
  {
    type: 'item.corrected',
    session,
    causes: [earlier],
    data: { ...item, corrects: earlier, outcome: 'nothing', count: 0 },
  },
  { type: 'shelf.taken', data: { ...shelf, massMg: -item.massMg } },
  { type: 'shelf.returned', data: shelf },
  { type: 'shelf.misplaced', data: { ...shelf, belongsOn: ['s1-p4', 's2-p1'] } },
  { type: 'shelf.stock', data: { ...milk, plate: 's1-p3', count: 11, massMg: 11_686_000 } },
];

const asked = [
  {
    event: earlier,
    kind: 'ambiguous',
    ask: 'choose',
    massMg: 497_000,
    plate: 'basket',
    candidates: [{ plu: '4011', name: 'Bananen', count: 1, probabilityPpm: 610_000, expectedMg: 480_000 }],
    unknownPpm: 120_000,
    expectedMinor: 54,
    lowMinor: 0,
    highMinor: 89,
  },
] as const;
const paid = { checkout, revision: 9, totalMinor: 497, reference: 'T3-000182' } as const;
const coupon = { code: '9812345678903', promotion: 'p6', name: '5 € ab 50 €' } as const;

const basketSamples: readonly Draft[] = [
  { type: 'basket.opened', session, data: { session, currency: 'EUR', by: 'token', loyalty: true } },
  { type: 'basket.line', session, data: { ...line, change: 1, totals, revision: 4 } },
  {
    type: 'basket.voided',
    session,
    data: {
      line: 2,
      reason: 'staff',
      by: staff,
      why: 'damaged',
      count: 1,
      priceMinor: 89,
      totals,
      revision: 5,
    },
  },
  {
    type: 'basket.overridden',
    session,
    data: { what: 'price', line: 1, by: staff, why: 'shelf label', before: 398, after: 358, revision: 5 },
  },
  { type: 'basket.approved', session, data: { age: 18, outcome: 'approved', by: staff, revision: 5 } },
  { type: 'basket.coupon', session, data: { ...coupon, outcome: 'accepted', revision: 5 } },
  { type: 'basket.loyalty', session, data: { by: 'scan', revision: 5 } },
  { type: 'basket.suspended', session, data: { revision: 5, by: { role: 'shopper' } } },
  { type: 'basket.resumed', session, data: { revision: 6 } },
  {
    type: 'basket.transferred',
    session,
    data: { revision: 7, to: 'till-3', session, totals, lines: [line, bananas], asked, by: staff },
  },
  {
    type: 'basket.checkout',
    session,
    data: {
      checkout,
      revision: 8,
      totals,
      unsettled: [earlier],
      asked,
      approvals: [{ minimumAge: 18, lines: [3] }],
      unpriced: [2],
    },
  },
  {
    type: 'basket.reopened',
    session,
    data: { checkout, reason: 'declined', revision: 9, reference: 'T3-17' },
  },
  { type: 'basket.paid', session, data: paid },
  {
    type: 'basket.closed',
    session,
    data: {
      session,
      revision: 10,
      totals,
      lines: [line, bananas],
      unsettled: [earlier],
      outcome: 'paid',
      paid,
      coupons: [coupon],
      asked,
    },
  },
  {
    type: 'basket.abandoned',
    session,
    data: { session, revision: 6, reason: 'time', totals, lines: [line] },
  },
  {
    type: 'basket.alert',
    data: { kind: 'no-session', massMg: 412_000, probabilityPpm: 990_000, plate: 'basket', blocking: false },
  },
];

const gatewaySamples: readonly Draft[] = [
  { type: 'gateway.born', data: { boot: 12, software: 'cartwright/0.1.0', reason: 'start', downMs: 86_000 } },
  {
    type: 'gateway.health',
    data: {
      ok: false,
      uptimeS: 3_600,
      sensors: [
        { id: 'cell-fl', ok: true, ratePerMinute: 4_800 },
        { id: 'imu', ok: false, ratePerMinute: 0, fault: 'CW-DRV-005' },
        { id: 'battery', ok: true, ratePerMinute: 60, externalPower: false, batteryPpm: 812_500 },
        { id: 'electronics-box', ok: true, ratePerMinute: 60, milliCelsius: 31_250 },
      ],
      outboxEvents: 3,
      outboxBytes: 6_442_450_944,
      dropped: 0,
      connected: true,
      timeQuality: 'synced',
      rssBytes: 71_303_168,
      milliCelsius: 48_300,
      cpuPpm: 61_000,
      vision: {
        running: true,
        restarts: 1,
        backend: 'onnx-int8',
        model: 'groceries 1',
        looksPerMinute: 300,
        slowedBy: 'heat',
        looked: 42,
        inferenceUs: 2_150,
        rssBytes: 143_000_000,
        framesDropped: 3,
        recordingS: 55,
      },
    },
  },
  {
    type: 'device.fault',
    data: {
      source: 'bridge',
      channel: 'cell-fl',
      fault: 'disconnected',
      code: 'CW-DRV-005',
      message: 'the device vanished; check its cable',
    },
  },
  {
    type: 'device.recovered',
    data: { source: 'bridge', channel: 'cell-fl', fault: 'disconnected', lastedUs: 4_200_000 },
  },
  { type: 'outbox.dropped', data: { first: 100, last: 131, count: 20, class: 'telemetry', reason: 'full' } },
  {
    type: 'outbox.dropped',
    data: { first: 10, last: 15, count: 5, class: 'evidence', reason: 'full', runs: [2, 1, 3] },
  },
  {
    type: 'command.done',
    data: { command: 'session.begin', transaction: 't-77', actor: '5f0c1e7a9b5f0c1e7a9b5f0c1e7a9b5f' },
  },
  {
    type: 'command.refused',
    data: {
      command: 'session.begin',
      transaction: 't-78',
      code: 'CW-CMD-003',
      message: 'the request has expired',
    },
  },
  {
    type: 'audit.recorded',
    data: {
      number: 12,
      hash: '5f0c1e7a9b5f0c1e7a9b5f0c1e7a9b5f0c1e7a9b5f0c1e7a9b5f0c1e7a9b5f0c',
      what: 'line.void',
      actor: '5f0c1e7a9b5f0c1e7a9b5f0c1e7a9b5f',
    },
  },
  {
    type: 'device.recovered',
    data: { source: 'deli-scale', fault: 'disconnected', lastedUs: 61_950_000, times: 599 },
  },
  {
    type: 'calibration.begun',
    data: {
      session: 'cal-8f2c61d09a3b',
      plates: ['basket'],
      purpose: 'calibrate',
      revision: 7,
      actor: '5f0c1e7a9b5f0c1e7a9b5f0c1e7a9b5f',
    },
  },
  {
    type: 'calibration.committed',
    data: {
      revision: 8,
      previous: 7,
      cause: 'calibrate',
      plates: ['basket'],
      calibrationCounter: 4,
      configurationCounter: 1,
      hash: 'b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184',
      session: 'cal-8f2c61d09a3b',
      actor: '5f0c1e7a9b5f0c1e7a9b5f0c1e7a9b5f',
    },
  },
  {
    type: 'calibration.ended',
    data: { session: 'cal-8f2c61d09a3b', outcome: 'committed', revision: 8 },
  },
  {
    type: 'calibration.committed',
    data: {
      revision: 9,
      previous: 8,
      cause: 'rollback',
      from: 7,
      plates: ['basket'],
      calibrationCounter: 5,
      configurationCounter: 1,
      hash: '4355a46b19d348dc2f57c046f8ef63d44355a46b19d348dc2f57c046f8ef63d4',
    },
  },
  {
    type: 'update.staged',
    data: { number: 4, atMs: 1_795_442_400_000, version: '1.4.0', back: '1.3.2' },
  },
  {
    type: 'update.began',
    data: { number: 5, atMs: 1_795_442_460_000, version: '1.4.0', back: '1.3.2' },
  },
  {
    type: 'update.good',
    data: { number: 6, atMs: 1_795_442_560_000, version: '1.4.0', back: '1.3.2' },
  },
  {
    type: 'update.rolled-back',
    data: {
      number: 9,
      atMs: 1_795_528_960_000,
      version: '1.5.0',
      back: '1.4.0',
      code: 'CW-UPD-040',
      why: 'not healthy within 10 minutes: not in order: link to the broker',
    },
  },
  {
    type: 'update.refused',
    data: {
      number: 10,
      atMs: 1_795_529_060_000,
      version: '1.5.0',
      code: 'CW-UPD-025',
      why: 'release 1.5.0 failed on this device and is not tried again by itself',
    },
  },
  {
    type: 'update.root',
    data: {
      ...{ number: 2, atMs: 1_795_529_160_000, what: 'rolled-back', version: '1.5.0', slot: 'b', back: 'a' },
      ...{ code: 'CW-UPD-080', why: 'not healthy within 10 minutes: not in order: link to the broker' },
    },
  },
];

export const samples: readonly Draft[] = [...itemSamples, ...basketSamples, ...gatewaySamples];
