import { toCloudEvent } from '#events/cloudevents.ts';
import { decodeEvent, encodeEvent, encodeRecord } from '#events/codec.ts';
import { basketSnapshot } from '#events/data/baskets.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import { EventError } from '#events/errors.ts';
import type { AnyEvent, CartEvent } from '#events/event.ts';
import type { Infer, RecordShape } from '#events/fields.ts';
import { recordToJson, toJson } from '#events/json.ts';
import { eventId, Ledger } from '#events/ledger.ts';
import {
  ackPayload,
  keyListPayload,
  liveCounts,
  liveWeight,
  manifest,
  offersPayload,
  phoneHeard,
  phoneSay,
  releaseNotice,
  requestPayload,
  responsePayload,
  statePayload,
} from '#events/mqtt-payloads.ts';
import { encodeRelease } from '#updates/manifest.ts';
import { type PhoneSay, phoneMac } from '#uplink/phones.ts';
import { samples } from './samples.ts';
import { exampleKey } from './signed.ts';

/** Said with the secret 000102…0f. */
const phoneExample = saidByPhone({
  number: 1_764_000_000_000,
  what: 'scan',
  code: '4006381333931',
  symbology: ']E0',
});
const versions = { software: 'cartwright/0.1.0', catalogue: '2026-11-22.1', planogram: '7', calibration: 7 };
const ledgerId = '9f2c64d1083ab57e';
const maximum = Number.MAX_SAFE_INTEGER;
const identity = { store: 'store-1', device: 'cart-0042', ledger: ledgerId };
const ledger = new Ledger(identity, { boot: 12, nextSequence: 4_711, versions });
const moment = {
  atUs: 8_412_000_250,
  time: Date.UTC(2026, 10, 22, 10, 20, 12, 7),
  timeQuality: 'synced',
} as const;
/** One event at least of every type. */
const events: readonly CartEvent[] = samples.map((draft) => ledger.append(draft, moment));

const base = events.find(({ type }) => type === 'gateway.born') as AnyEvent;
const withData = (event: AnyEvent, data: object): AnyEvent => ({
  ...event,
  data: { ...event.data, ...data },
});
/** The event with another sequence, and the id that goes with it. */
const numbered = (sequence: number, event: AnyEvent): AnyEvent => ({
  ...event,
  sequence,
  id: eventId(identity, sequence),
});
const deep: unknown[] = [];
for (let i = 0, at = deep; i < 10; i++) {
  const next: unknown[] = [];
  at.push(next);
  at = next;
}

const edges: readonly (readonly [string, AnyEvent])[] = [
  ['integers around 2^32', numbered(2 ** 32 - 1, { ...base, boot: 2 ** 32, atUs: 2 ** 32 + 1 })],
  ['the largest integer', numbered(maximum, { ...base, atUs: maximum, time: maximum })],
  [
    'heads of every width',
    withData(base, { boot: 23, downMs: 24, '~20': [255, 256, 65_535, 65_536, -1, -24, -25] }),
  ],
  [
    'negative integers',
    withData(base, { '~20': [-256, -257, -(2 ** 31), -(2 ** 32), -(2 ** 32) - 1, -maximum] }),
  ],
  ['a clock that is not set', { ...base, time: 0, timeQuality: 'unset' }],
  ['the last time that RFC 3339 can write', { ...base, time: Date.UTC(9999, 11, 31, 23, 59, 59, 999) }],
  ['no causes, and an empty list of them', { ...base, causes: [] }],
  ['a value that a newer version added to a choice', withData(base, { reason: 'woken-by-radio' })],
  [
    'unknown keys in the envelope',
    { ...base, '~14': 'x', '~24': null, '~65536': [true, false], '~-1': {} } as AnyEvent,
  ],
  [
    'unknown keys inside records',
    { ...withData(base, { '~99': 1 }), versions: { ...versions, '~6': 'g-4' } } as AnyEvent,
  ],
  [
    'unknown values of every kind',
    withData(base, {
      '~30': { '~0': 0, '~-1': -1, text: 'ü€😀', '~~tilde': new Uint8Array(), '~4294967296': [null, [], {}] },
      '~31': deep,
    }),
  ],
  [
    'an unknown type',
    { ...base, type: 'item.weighed-again', data: { '~1': 5, '~2': new Uint8Array([0, 255]), name: 'x' } },
  ],
  ['an unknown type without data', { ...base, type: 'gateway.asleep', data: {} }],
  ['text with more bytes than characters', withData(base, { software: 'ä'.repeat(200) })],
];

function payload<Of extends RecordShape>(name: string, shape: Of, value: Infer<Of>) {
  return {
    name,
    record: shape.name,
    cbor: hex(encodeRecord(shape, value)),
    json: recordToJson(shape, value),
  };
}

const totals = { currency: 'EUR', finalMinor: 0, estimateMinor: 0, atTill: 0, items: 0, open: 0 };
const payloads = () => [
  payload('birth', statePayload, {
    online: true,
    connection: 31,
    ledger: ledgerId,
    boot: 12,
    software: versions.software,
    since: moment.time,
    devices: [{ id: 'handle-scanner', driver: 'hid-pos-scanner', serial: 'S/N 1' }],
    versions,
  }),
  payload('last will', statePayload, { online: false, connection: 31, ledger: ledgerId, boot: 12 }),
  payload('acknowledgement', ackPayload, { ledger: ledgerId, sequence: 2 ** 33 }),
  payload('request', requestPayload, {
    transaction: 't-77',
    issued: moment.time,
    expires: moment.time + 60_000,
    args: { token: 'QR-77', count: -1, options: { deep: [1, null, true], raw: new Uint8Array([1, 2, 3]) } },
  }),
  payload('request without arguments', requestPayload, {
    transaction: 't-78',
    issued: moment.time,
    expires: moment.time + 60_000,
  }),
  payload('answer', responsePayload, {
    transaction: 't-77',
    status: 'done',
    data: { session: 's-5f0c1e7a9b' },
  }),
  payload('refusal', responsePayload, {
    transaction: 't-78',
    status: 'refused',
    code: 'CW-CMD-003',
    message: 'the request has expired',
  }),
  payload('empty basket', basketSnapshot, {
    session: 's-5f0c1e7a9b',
    revision: 1,
    state: 'open',
    lines: [],
    totals,
    questions: [],
    ledger: ledgerId,
    sequence: 4_800,
  }),
  payload(
    'health',
    gatewayHealth,
    events.find(({ type }) => type === 'gateway.health')?.data as Infer<typeof gatewayHealth>,
  ),
  payload('live weight', liveWeight, {
    atUs: moment.atUs,
    plates: [{ plate: 'basket', grossMg: -250, tareMg: 0, stable: true, moving: false }],
  }),
  payload('live counts', liveCounts, { atUs: moment.atUs, cells: [{ cell: 'cell-fl', counts: -8_388_608 }] }),
  payload('manifest of a catalogue', manifest, {
    version: versions.catalogue,
    sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    size: 0,
    parts: [],
  }),
  payload('offers of a store', offersPayload, {
    version: '2026-11-22.1',
    currency: 'EUR',
    deals: [
      {
        id: 'd1',
        title: 'Bananas',
        titles: { de: 'Bananen' },
        products: ['4011'],
        goesWith: ['04006381333931'],
        departments: ['produce'],
        place: 'aisle 1',
        priceMinor: 149,
        beforeMinor: 179,
        until: 1_780_000_000_000,
      },
    ],
  }),
  payload('a release that devices take group by group', releaseNotice, {
    version: '1.5.0',
    releases: [
      {
        release: describedRelease(),
        urls: ['https://store-1.example/cartwright-1.5.0-linux-arm64.tar.gz'],
      },
    ],
    groups: [
      { name: 'first', devices: ['cart-0042'] },
      { name: '*', percent: 25 },
    ],
    open: 1,
    notBefore: moment.time,
    stopAt: 2,
    failed: 0,
  }),
  payload('a scan by a phone', phoneSay, phoneExample),
  payload('the answer to it', phoneHeard, { number: phoneExample.number, outcome: 'taken' }),
  payload('a list of keys', keyListPayload, {
    version: 4,
    issued: moment.time,
    keys: [{ key: new Uint8Array([1, 2, 3]), role: 'staff', who: '17', validTo: moment.time, revoked: true }],
  }),
];

/** The `.release` of an archive that does not exist. */
function describedRelease(): Uint8Array {
  return encodeRelease(
    {
      release: 1,
      version: '1.5.0',
      arch: 'arm64',
      bytes: 104_857_600,
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      unpackedBytes: 314_572_800,
      createdMs: moment.time,
      firmware: { 'load-cell-bridge': '1.2.0' },
      formats: { configuration: 1, outbox: 1, calibration: 1 },
    },
    exampleKey('maker').key,
  );
}

function saidByPhone(say: Omit<PhoneSay, 'mac'>): PhoneSay {
  return {
    ...say,
    mac: phoneMac(
      Uint8Array.from({ length: 16 }, (_, index) => index),
      say,
    ),
  };
}

/** The base event in hexadecimal after an edit, which must have found its place. */
function edited(find: string | RegExp, replacement: string): string {
  const original = hex(encodeEvent(base));
  const result = original.replace(find, replacement);
  if (result === original) throw new Error(`${find} is not in the message`);
  return result;
}

/** `sequence` (key 3) and the key after it, as they stand in the base event. */
const sequenceHex = `0319${base.sequence.toString(16).padStart(4, '0')}04`;

const malformed = (): [string, string][] => [
  ['nothing', ''],
  ['one byte of a map', 'ad'],
  ['cut in the middle', hex(encodeEvent(base)).slice(0, -8)],
  ['a byte too many', `${hex(encodeEvent(base))}00`],
  ['not a map', '83010203'],
  ['an empty map', 'a0'],
  ['a reserved length', 'a1011c'],
  ['an indefinite map', 'bf01ff'],
  ['indefinite text', 'a1017f6161ff'],
  ['a lone break', 'ff'],
  ['a half float', edited(sequenceHex, '03f93c0004')],
  ['a double float', edited(sequenceHex, '03fb41f000000000000004')],
  ['undefined', edited(sequenceHex, '03f704')],
  ['a tag', edited(sequenceHex, '03c20104')],
  ['an integer above 2^53 - 1', edited(sequenceHex, '031b002000000000000004')],
  ['an integer of 64 bits', edited(sequenceHex, '031bffffffffffffffff04')],
  ['an integer below -(2^53 - 1)', edited(sequenceHex, '033b001fffffffffffff04')],
  ['an integer in more bytes than needed', edited(sequenceHex, '031a0000126704')],
  ['the same key twice', edited(sequenceHex, '031910000319100004')],
  ['keys out of order', 'a2021800011800'],
  ['a key that is an array', 'a18001'],
  ['text that is not UTF-8', 'a10462c328'],
  ['half a surrogate pair', 'a10463eda080'],
  ['an array longer than the message', 'a10b9b0000000100000000'],
  ['bytes longer than the message', 'a1015affffffff00'],
  ['nested too deep', `${'81'.repeat(200)}80`],
  ['a negative sequence', edited(sequenceHex, '032004')],
  ['a sequence as text', edited(sequenceHex, '03616104')],
  ['an id of 15 bytes', edited(/^ab0150(.{30})../, 'ab014f$1')],
  ['without a source', edited(new RegExp(`^ab(.*)0571${asciiHex(base.source)}`), 'aa$1')],
  ['data that is an array', edited(/0da4.*$/, '0d80')],
  ['a type with capitals', edited(asciiHex('gateway.born'), asciiHex('Gateway.Born'))],
  ['a text key in a record', edited(/^ab(.*)$/, 'ac$1616101')],
];

const asciiHex = (text: string) => Buffer.from(text).toString('hex');

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function codeOf(cbor: string): string {
  try {
    decodeEvent(Buffer.from(cbor, 'hex'));
  } catch (error) {
    if (error instanceof EventError) return error.code;
    throw error;
  }
  throw new Error(`${cbor} was to be malformed and is not`);
}

const describe = (name: string, event: CartEvent | AnyEvent) => ({
  name,
  cbor: hex(encodeEvent(event)),
  json: toJson(event),
  cloudEvent: toCloudEvent(event),
});
const asJson = (value: unknown) => `${JSON.stringify(value, undefined, 1)}\n`;

/** The JSON view of one event of each type, by type, and of each other payload's first vector, by record. */
export function examples(): ReadonlyMap<string, object> {
  const found = new Map<string, object>();
  for (const event of events) found.set(event.type, toJson(event));
  for (const { record, json } of payloads()) if (!found.has(record)) found.set(record, json);
  return found;
}

/** The first vector's identity, for the worked example of an id. */
export const idExample = { ...identity, sequence: events[0]?.sequence ?? 0, id: events[0]?.id ?? '' };

/** The published test vectors: bytes in hexadecimal, and what they mean in the other forms. */
export const vectorDocuments = [
  {
    path: 'docs/vectors/events.json',
    render: () => asJson(events.map((event) => describe(event.type, event))),
  },
  {
    path: 'docs/vectors/edges.json',
    render: () => asJson(edges.map(([name, event]) => describe(name, event))),
  },
  { path: 'docs/vectors/payloads.json', render: () => asJson(payloads()) },
  {
    path: 'docs/vectors/malformed.json',
    render: () => asJson(malformed().map(([name, cbor]) => ({ name, cbor, code: codeOf(cbor) }))),
  },
];
