import { createHash } from 'node:crypto';
import test from 'ava';
import { eventTypes } from '#events/catalog.ts';
import { otherPayloads } from '#events/cddl.ts';
import { fromCloudEvent, toCloudEvent } from '#events/cloudevents.ts';
import { decodeEvent, decodeRecord, encodeEvent, encodeRecord } from '#events/codec.ts';
import { EventError, eventCodes } from '#events/errors.ts';
import { fromJson, recordFromJson, recordToJson, toJson } from '#events/json.ts';
import { eventDocuments } from '../../scripts/docs/events.ts';
import {
  edgeVectors,
  eventVectors,
  fromHex,
  malformedVectors,
  payloadVectors,
  readDocument,
  toHex,
} from './vectors.ts';

const codeOf = (cbor: string): string | undefined => {
  try {
    decodeEvent(fromHex(cbor));
    return undefined;
  } catch (error) {
    return error instanceof EventError ? error.code : `not coded: ${String(error)}`;
  }
};

test('the published documents of the contract are those that its tables make', async (t) => {
  for (const { path, render } of eventDocuments) {
    const present = await readDocument(path.replace(/^docs\//, ''));
    t.true(present === (await render()), `${path} is stale: run 'npm run docs'`);
  }
});

test('the vectors have an event of every type', (t) => {
  const types = new Set(eventVectors.map(({ name }) => name));
  t.deepEqual([...types].sort(), Object.keys(eventTypes).sort());
});

test('each vector reads the same from all three of its forms', (t) => {
  for (const { name, cbor, json, cloudEvent } of [...eventVectors, ...edgeVectors]) {
    for (const event of [decodeEvent(fromHex(cbor)), fromJson(json), fromCloudEvent(cloudEvent)]) {
      t.is(toHex(encodeEvent(event)), cbor, name);
      t.deepEqual(toJson(event), json, name);
      t.deepEqual(toCloudEvent(event), cloudEvent, name);
    }
  }
});

/** The formula of docs/mqtt.md, written a second time on purpose. */
function idOf(source: string, ledger: string, sequence: number): string {
  const [store = '', device = ''] = source.split('/');
  const parts = [store, device, ledger, String(sequence)].map((part) => Buffer.from(part));
  const zero = Buffer.of(0);
  const joined = Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [zero, part])));
  const octets = [...createHash('sha256').update(joined).digest()].slice(0, 16);
  octets[6] = ((octets[6] ?? 0) % 16) + 0x80;
  octets[8] = ((octets[8] ?? 0) % 64) + 0x80;
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
}

test('the id of every vector follows from its source, ledger and sequence', (t) => {
  for (const { name, json } of [...eventVectors, ...edgeVectors]) {
    const { id, source, ledger, sequence } = json as {
      id: string;
      source: string;
      ledger: string;
      sequence: number;
    };
    t.is(id.replaceAll('-', ''), idOf(source, ledger, sequence), name);
  }
});

test('the worked example of an id is that of the first vector', async (t) => {
  const reference = await readDocument('mqtt.md');
  const [first] = eventVectors;
  if (first === undefined) return t.fail('there are no vectors');
  const { id } = first.json as { id: string };
  t.true(reference.includes(`\nid ${id}\n`));
  const format = /^\$ printf '([^']+)' \| sha256sum\n([0-9a-f]{64})$/m.exec(reference);
  // As the shell's printf reads it: \000 is a zero byte, whatever digit follows.
  const joined = (format?.[1] ?? '').replaceAll('\\000', '\0');
  t.is(createHash('sha256').update(joined).digest('hex'), format?.[2] ?? 'no example');
});

test('each vector of the other payloads reads the same from both of its forms', (t) => {
  for (const { name, record, cbor, json } of payloadVectors) {
    const shape = otherPayloads.find((candidate) => candidate.name === record);
    if (shape === undefined) return t.fail(`${name}: no payload is named ${record}`);
    for (const value of [decodeRecord(shape, fromHex(cbor)), recordFromJson(shape, json)]) {
      t.is(toHex(encodeRecord(shape, value)), cbor, name);
      t.deepEqual(recordToJson(shape, value), json, name);
    }
  }
  t.deepEqual(
    [...new Set(payloadVectors.map(({ record }) => record))].sort(),
    otherPayloads.map(({ name }) => name).sort(),
  );
});

test('each malformed vector is refused with its own code', (t) => {
  for (const { name, cbor, code } of malformedVectors) t.is(codeOf(cbor), code, name);
  const codes = new Set(malformedVectors.map(({ code }) => code));
  for (const code of Object.keys(eventCodes).slice(0, 10))
    t.true(codes.has(code), `no vector is refused with ${code}`);
});

test('integers above 2^32 stay CBOR integers', (t) => {
  const vector = edgeVectors.find(({ name }) => name === 'integers around 2^32');
  // Keys 3, 6 and 7: 2^32 − 1 in four bytes, 2^32 and 2^32 + 1 in eight.
  t.regex(vector?.cbor ?? '', /031affffffff04.*061b0000000100000000071b000000010000000108/);
  t.notRegex(vector?.cbor ?? '', /fb41f/);
  const largest = edgeVectors.find(({ name }) => name === 'the largest integer');
  t.regex(largest?.cbor ?? '', /031b001fffffffffffff04/);
});

test('the CloudEvents view keeps to the rules for attributes', (t) => {
  for (const { name, cloudEvent } of [...eventVectors, ...edgeVectors]) {
    for (const [attribute, value] of Object.entries(cloudEvent)) {
      t.regex(attribute, /^[a-z0-9]{1,20}$/, name);
      if (attribute !== 'data') t.is(typeof value, 'string', `${name}: ${attribute}`);
    }
    t.is(cloudEvent.specversion, '1.0');
    t.notThrows(() => new URL(String(cloudEvent.source), 'cartwright://x/'), name);
    if (cloudEvent.time !== undefined)
      t.regex(String(cloudEvent.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, name);
  }
});
