import anyTest from 'ava';
import fc from 'fast-check';
import { eventTypes } from '#events/catalog.ts';
import { type CborValue, decodeCbor, encodeCbor, wireInteger, wireMap } from '#events/cbor.ts';
import { eventRule, otherPayloads } from '#events/cddl.ts';
import { decodeEvent, encodeEvent, encodeRecord, isKnownType } from '#events/codec.ts';
import { EventError } from '#events/errors.ts';
import { dataKey, envelope } from '#events/event.ts';
import type { FieldTable } from '#events/fields.ts';
import { anyEvent, arbitraryOf } from './arbitraries.ts';
import { openCddlTool } from './cddl-tool.ts';
import { edgeVectors, eventVectors, fromHex, malformedVectors, payloadVectors, toHex } from './vectors.ts';

const tool = await openCddlTool('docs/events.cddl');
// One after the other: each starts a Python of its own.
const test = tool === undefined ? anyTest.serial.skip : anyTest.serial;
const check = tool ?? (() => Promise.reject(new Error('unreachable: the tests are skipped')));

/** The rule that a JSON view's type goes by. */
const ruleOf = (json: unknown) => {
  const { type } = json as { type: string };
  return isKnownType(type) ? eventRule(type) : 'newer-event';
};

test('the CDDL accepts every vector', async (t) => {
  const questions = [
    ...eventVectors.map(({ cbor }) => ({ rule: 'event', cbor })),
    ...[...eventVectors, ...edgeVectors].map(({ cbor, json }) => ({ rule: ruleOf(json), cbor })),
    ...payloadVectors.flatMap(({ cbor, record }) => [
      { rule: record, cbor },
      { rule: 'payload', cbor },
    ]),
  ];
  const answers = await check(questions);
  t.is(answers.length, questions.length);
  for (const [index, answer] of answers.entries()) t.is(answer, null, JSON.stringify(questions[index]));
});

test('the CDDL accepts whatever the codec writes', async (t) => {
  const seed = 20_261_122;
  const questions = [
    ...fc.sample(anyEvent, { seed, numRuns: 80 }).map((event) => ({
      rule: isKnownType(event.type) ? eventRule(event.type) : 'newer-event',
      cbor: toHex(encodeEvent(event)),
    })),
    ...otherPayloads.flatMap((shape) =>
      fc.sample(arbitraryOf(shape), { seed, numRuns: 5 }).map((value) => ({
        rule: shape.name,
        cbor: toHex(encodeRecord(shape, value as never)),
      })),
    ),
  ];
  const answers = await check(questions);
  t.is(answers.length, questions.length);
  for (const [index, answer] of answers.entries()) t.is(answer, null, JSON.stringify(questions[index]));
});

/** What CDDL can't say: how a value is encoded, and what a type may be called. */
const beyondCddl = new Set([
  'an indefinite map',
  'an integer in more bytes than needed',
  'keys out of order',
  'a type with capitals',
]);

test('the CDDL refuses every malformed vector that is not a matter of encoding', async (t) => {
  const vectors = malformedVectors.filter(({ name }) => !beyondCddl.has(name));
  const answers = await check(vectors.map(({ cbor }) => ({ rule: eventRule('gateway.born'), cbor })));
  t.is(answers.length, vectors.length);
  for (const [index, answer] of answers.entries()) t.is(typeof answer, 'string', vectors[index]?.name);
});

type Entries = ReadonlyMap<number | string, CborValue>;

/** A value that was read, as it has to be to be written. */
function rewired(value: CborValue): CborValue {
  if (typeof value === 'number') return wireInteger(value);
  if (Array.isArray(value)) return value.map(rewired);
  if (value instanceof Map)
    return wireMap([...(value as Entries)].map(([key, item]) => [key, rewired(item)]));
  return value;
}

/** The same map with one key taken out or its value replaced. */
function changed(map: Entries, key: number, value?: CborValue): Map<number | string, CborValue> {
  const copy = new Map(map);
  copy.delete(key);
  if (value !== undefined) copy.set(key, value);
  return copy;
}

test('the CDDL refuses an event with a field missing or of another type, as the codec does', async (t) => {
  const questions: { rule: string; cbor: string; what: string }[] = [];
  for (const { name, cbor } of eventVectors) {
    const event = decodeCbor(fromHex(cbor)) as Entries;
    const data = event.get(dataKey) as Entries;
    const ask = (what: string, map: Entries) =>
      questions.push({
        rule: eventRule(name),
        cbor: toHex(encodeCbor(rewired(map))),
        what: `${name}: ${what}`,
      });
    const tables = [
      { table: envelope.fields as FieldTable, of: event, rebuild: (map: Entries) => map },
      {
        table: (isKnownType(name) ? eventTypes[name].data.fields : {}) as FieldTable,
        of: data,
        rebuild: (map: Entries) => changed(event, dataKey, map),
      },
    ];
    for (const { table, of, rebuild } of name === 'gateway.born' ? tables : tables.slice(1)) {
      for (const [field, { key, optional }] of Object.entries(table)) {
        if (!optional) ask(`without ${field}`, rebuild(changed(of, key)));
        ask(`${field} null`, rebuild(changed(of, key, null)));
      }
    }
  }
  const answers = await check(questions);
  t.is(answers.length, questions.length);
  for (const [index, answer] of answers.entries()) {
    const { what = '', cbor = '' } = questions[index] ?? {};
    t.is(typeof answer, 'string', what);
    t.throws(() => decodeEvent(fromHex(cbor)), { instanceOf: EventError }, what);
  }
});
