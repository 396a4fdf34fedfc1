import test from 'ava';
import { decodeEvent, decodeRecord, encodeEvent, encodeRecord, isKnown } from '#events/codec.ts';
import { type EventCode, EventError } from '#events/errors.ts';
import type { AnyEvent } from '#events/event.ts';
import { fromJson } from '#events/json.ts';
import { eventId } from '#events/ledger.ts';
import { ackPayload, requestPayload } from '#events/mqtt-payloads.ts';
import { edgeVectors, eventVectors, fromHex } from './vectors.ts';

const born = (): AnyEvent => {
  const vector = eventVectors.find(({ name }) => name === 'gateway.born');
  return decodeEvent(fromHex(vector?.cbor ?? ''));
};
const request = (hex: string) => decodeRecord(requestPayload, fromHex(hex));

/** What an action is refused with: code and message. */
function refusal(action: () => unknown): [EventCode, string] {
  try {
    action();
  } catch (error) {
    if (error instanceof EventError) return [error.code, error.message];
    throw error;
  }
  throw new Error('it was not refused');
}

test('an event that could not be read back is not written, and the message names the field', (t) => {
  const cases: [object, EventCode, string][] = [
    [{ ...born(), boot: undefined }, 'CW-EVT-007', 'event.boot is missing (key 6)'],
    [{ ...born(), data: undefined }, 'CW-EVT-007', 'event.data is missing (key 13)'],
    [{ ...born(), boot: '12' }, 'CW-EVT-008', 'event.boot is text instead of an integer'],
    [
      { ...born(), boot: 1.5 },
      'CW-EVT-008',
      'event.boot is a number that is no integer instead of an integer',
    ],
    [{ ...born(), boot: -1 }, 'CW-EVT-009', 'event.boot is -1, which is not within 0 … 9007199254740991'],
    [
      { ...born(), boot: 2 ** 53 },
      'CW-EVT-009',
      'event.boot is 9007199254740992, which is not within 0 … 9007199254740991',
    ],
    [
      { ...born(), boot: Number.NaN },
      'CW-EVT-008',
      'event.boot is a number that is no integer instead of an integer',
    ],
    [
      { ...born(), id: born().id.toUpperCase() },
      'CW-EVT-008',
      'event.id is text instead of a UUID in lower-case hexadecimal with hyphens',
    ],
    [
      { ...born(), ledger: 'beef' },
      'CW-EVT-008',
      'event.ledger is text instead of 16 lower-case hexadecimal digits',
    ],
    [
      { ...born(), causes: ['x'] },
      'CW-EVT-008',
      'event.causes[0] is text instead of a UUID in lower-case hexadecimal with hyphens',
    ],
    [
      { ...born(), sesion: 'x' },
      'CW-EVT-010',
      `event has a field named "sesion", which its type doesn't know`,
    ],
    [{ ...born(), '~6': 1 }, 'CW-EVT-010', `event has a field named "~6", which its type doesn't know`],
    [{ ...born(), '~014': 1 }, 'CW-EVT-010', `event has a field named "~014", which its type doesn't know`],
    [{ ...born(), '~14': 0.5 }, 'CW-EVT-009', 'event.~14 is 0.5, which is not an integer within ±(2^53 − 1)'],
    [{ ...born(), source: 'a\ud800' }, 'CW-EVT-008', 'event.source is text with half a surrogate pair in it'],
    [
      { ...born(), type: 'Item Added', data: {} },
      'CW-EVT-008',
      'event.type is "Item Added", not lower-case words with dots between',
    ],
    [{ ...born(), data: [] }, 'CW-EVT-008', 'event.data is an array instead of a map'],
    [{ ...born(), data: new Date() }, 'CW-EVT-008', 'event.data is of type object instead of a map'],
  ];
  for (const [event, code, message] of cases) {
    t.deepEqual(
      refusal(() => encodeEvent(event as AnyEvent)),
      [code, message],
    );
  }
});

test('what a newer version added is kept under its number and written back', (t) => {
  const vector = edgeVectors.find(({ name }) => name === 'unknown values of every kind');
  const event = decodeEvent(fromHex(vector?.cbor ?? ''));
  t.deepEqual(event.data['~30'], {
    '~0': 0,
    '~4294967296': [null, [], {}],
    '~-1': -1,
    text: 'ü€😀',
    '~~tilde': new Uint8Array(),
  });
  t.deepEqual(encodeEvent({ ...event }), encodeEvent(event));
});

test('an event of an unknown type is carried, and says that it is unknown', (t) => {
  const [known] = eventVectors;
  t.true(isKnown(decodeEvent(fromHex(known?.cbor ?? ''))));
  const vector = edgeVectors.find(({ name }) => name === 'an unknown type');
  const event = decodeEvent(fromHex(vector?.cbor ?? ''));
  t.false(isKnown(event));
  t.deepEqual(event.data, { '~1': 5, '~2': new Uint8Array([0, 255]), name: 'x' });
  t.false(isKnown({ ...event, type: 'constructor' }));
});

test('bytes read from a message are a copy, not a window on it', (t) => {
  const vector = eventVectors.find(({ name }) => name === 'scan.read');
  const message = fromHex(vector?.cbor ?? '');
  const event = decodeEvent(message);
  message.fill(0);
  t.deepEqual(event.data.raw, new TextEncoder().encode('4006381333931'));
});

test('requests may come in any order of keys and with longer heads than needed', (t) => {
  const expected = { transaction: 't', issued: 1, expires: 2, args: { b: 1, a: 2 } };
  // {4: {"b": 1, "a": 2}, 3: 2, 2: 1, 1: "t"}, the first map with a two-byte length as some libraries write it.
  t.deepEqual(request('b9000404a2616201616102031900020201016174'), expected);
});

test('requests with a key twice, a float or an integer key among the arguments are refused', (t) => {
  t.is(refusal(() => request('a401617402010302180303'))[0], 'CW-EVT-003');
  t.is(refusal(() => request('a401617402fb426d1a94a2000000030204a0'))[0], 'CW-EVT-002');
  t.deepEqual(
    refusal(() => request('a40161740201030204a10101')),
    ['CW-EVT-010', 'request.args has the integer key 1, where keys are text'],
  );
});

test('limits on size, depth and number of values hold, and can be set', (t) => {
  const event = { ...born(), '~20': Array.from({ length: 200 }, () => 0) } as AnyEvent;
  const bytes = encodeEvent(event);
  t.is(refusal(() => decodeEvent(bytes, { maxBytes: bytes.length - 1 }))[0], 'CW-EVT-004');
  t.is(refusal(() => decodeEvent(bytes, { maxItems: 200 }))[0], 'CW-EVT-004');
  t.is(refusal(() => decodeEvent(bytes, { maxDepth: 1 }))[0], 'CW-EVT-004');
  t.notThrows(() => decodeEvent(bytes, { maxBytes: bytes.length, maxItems: 300, maxDepth: 2 }));
  t.is(refusal(() => encodeEvent({ ...born(), source: 'x'.repeat(300_000) }))[0], 'CW-EVT-004');
});

test('text and bytes of more than 64 KiB are carried', (t) => {
  const event = { ...born(), source: 'ä€'.repeat(20_000), '~20': new Uint8Array(70_000).fill(7) } as AnyEvent;
  t.deepEqual(decodeEvent(encodeEvent(event)), event);
});

test('JSON nested ten thousand levels deep is refused with a code', (t) => {
  const deep: unknown = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`);
  t.is(refusal(() => fromJson({ ...born(), '~20': deep }))[0], 'CW-EVT-004');
  let nested: unknown = 0;
  for (let i = 0; i < 10_000; i++) nested = [nested];
  t.is(refusal(() => encodeEvent({ ...born(), '~20': nested } as AnyEvent))[0], 'CW-EVT-004');
});

test('payloads of the store are checked like events', (t) => {
  const ack = { ledger: '9f2c64d1083ab57e', sequence: 2 ** 40 };
  t.deepEqual(decodeRecord(ackPayload, encodeRecord(ackPayload, ack)), ack);
  t.deepEqual(
    refusal(() => encodeRecord(ackPayload, { ...ack, sequence: -1 })),
    ['CW-EVT-009', 'ack.sequence is -1, which is not within 0 … 9007199254740991'],
  );
});

test('an event bears the id that its ledger and sequence give', (t) => {
  for (const { cbor } of eventVectors) {
    const { id, ledger, sequence, source } = decodeEvent(fromHex(cbor));
    const [store = '', device = ''] = source.split('/');
    t.is(id, eventId({ store, device, ledger }, sequence));
    t.regex(id, /^.{14}8.{4}[89ab]/);
  }
});
