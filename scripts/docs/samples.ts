import type { Draft } from '#events/event.ts';

/** A shopping trip and a shelf, one draft at least of every type: what the published test vectors are made of. */
const session = 's-5f0c1e7a9b';
const totals = { currency: 'EUR', finalMinor: 398, estimateMinor: 89, atTill: 0, items: 3, open: 0 };
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
      candidates: [{ plu: '4011', name: 'Bananen', count: 1, probabilityPpm: 912_000 }],
      unknownPpm: 41_000,
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

const basketSamples: readonly Draft[] = [
  { type: 'basket.opened', session, data: { session, currency: 'EUR', by: 'token' } },
  { type: 'basket.line', session, data: { ...line, change: 1, totals, revision: 4 } },
  { type: 'basket.voided', session, data: { line: 2, reason: 'staff', totals, revision: 5 } },
  { type: 'basket.suspended', session, data: { revision: 5 } },
  { type: 'basket.transferred', session, data: { revision: 5, to: 'till-3' } },
  { type: 'basket.checkout', session, data: { checkout, revision: 5, totals, unsettled: [earlier] } },
  { type: 'basket.paid', session, data: { checkout, revision: 5, totalMinor: 487, reference: 'T3-000182' } },
  {
    type: 'basket.closed',
    session,
    data: { session, revision: 6, totals, lines: [line, bananas], unsettled: [] },
  },
  { type: 'basket.abandoned', session, data: { session, revision: 6, reason: 'time' } },
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
  { type: 'command.done', data: { command: 'session.begin', transaction: 't-77', actor: 'till-3' } },
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
    type: 'device.recovered',
    data: { source: 'deli-scale', fault: 'disconnected', lastedUs: 61_950_000, times: 599 },
  },
];

export const samples: readonly Draft[] = [...itemSamples, ...basketSamples, ...gatewaySamples];
