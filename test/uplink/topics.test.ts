import test from 'ava';
import fc from 'fast-check';
import { eventTypes } from '#events/catalog.ts';
import { UplinkError } from '#uplink/errors.ts';
import {
  clientId,
  devicePrefix,
  eventTopic,
  matchesFilter,
  parseTopic,
  requestTopic,
  responseTopic,
  storePrefix,
} from '#uplink/topics.ts';

const place = { store: 'berlin-3', device: 'cart-0042' };

test('every type of event has a topic that names it again', (t) => {
  for (const type of Object.keys(eventTypes)) {
    const topic = `${devicePrefix(place)}/${eventTopic(type)}`;
    t.false(topic.includes('.'));
    t.deepEqual(parseTopic(topic), { kind: 'event', place, type });
  }
});

test('requests and responses name their command', (t) => {
  const prefix = devicePrefix(place);
  t.is(requestTopic('session.begin'), 'request/session/begin');
  t.deepEqual(parseTopic(`${prefix}/request/session/begin`), {
    kind: 'request',
    place,
    command: 'session.begin',
  });
  t.deepEqual(parseTopic(`${prefix}/${responseTopic('tare')}`), { kind: 'response', place, command: 'tare' });
});

test("the store's own place is no device", (t) => {
  t.deepEqual(parseTopic(`${storePrefix('berlin-3')}/planogram/shelf-1`), {
    kind: 'store',
    store: 'berlin-3',
    path: ['planogram', 'shelf-1'],
  });
  t.throws(() => devicePrefix({ store: 'berlin-3', device: '_store' }), { code: 'CW-UPL-030' });
});

test('names with anything but a-z, 0-9 and - are refused', (t) => {
  for (const device of ['', 'Cart', 'cart.1', 'a/b', '+', '#', 'cart\0', 'ü', 'a'.repeat(65)]) {
    t.throws(() => clientId({ store: 'lab', device }), { instanceOf: UplinkError, code: 'CW-UPL-030' });
  }
});

test('hostile topics are nothing, and never an exception', (t) => {
  const prefix = devicePrefix(place);
  const hostile = [
    '',
    '/',
    'cw',
    'cw/1',
    'cw/2/lab/cart/state',
    `${prefix}`,
    `${prefix}/`,
    `${prefix}/event`,
    `${prefix}/state/more`,
    `${prefix}/request/#`,
    `${prefix}/request/+/begin`,
    `${prefix}/request/session.begin`,
    `${prefix}/request//begin`,
    `${prefix}/request/\u0000`,
    `${prefix}/request/__proto__`,
    `${prefix}/unknown/kind`,
    `$SYS/broker/version`,
    `${prefix}/request/${'a'.repeat(600)}`,
  ];
  for (const topic of hostile) t.is(parseTopic(topic), undefined, JSON.stringify(topic));
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (text) => {
      parseTopic(text);
      parseTopic(`${prefix}/${text}`);
    }),
    { seed: 8 },
  );
});

test('filters match as MQTT says', (t) => {
  t.true(matchesFilter('request/#', 'request/session/begin'));
  t.true(matchesFilter('request/#', 'request'));
  t.true(matchesFilter('request/+', 'request/tare'));
  t.false(matchesFilter('request/+', 'request/session/begin'));
  t.false(matchesFilter('request/+', 'request'));
  t.false(matchesFilter('request', 'request/tare'));
  t.false(matchesFilter('#', '$SYS/x'));
  t.true(matchesFilter('#', 'a/b'));
});
