import { eventTypes } from './catalog.ts';
import { basketSnapshot } from './data/baskets.ts';
import { gatewayHealth } from './data/gateway.ts';
import { dataKey, envelope } from './event.ts';
import {
  type Field,
  type FieldTable,
  type IntegerShape,
  maxInteger,
  type RecordShape,
  type Shape,
} from './fields.ts';
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
} from './mqtt-payloads.ts';

/** The payloads of MQTT that are no events. */
export const otherPayloads: readonly RecordShape[] = [
  statePayload,
  gatewayHealth,
  basketSnapshot,
  ackPayload,
  requestPayload,
  responsePayload,
  liveWeight,
  liveCounts,
  manifest,
  offersPayload,
  phoneSay,
  releaseNotice,
  phoneHeard,
  keyListPayload,
];

const preamble = `; What Cartwright's messages look like in CBOR (RFC 8949), in CDDL (RFC 8610).
; Made from the tables in src/events by 'npm run docs'; do not edit.
;
; Beyond what CDDL can say:
; - Messages are encoded deterministically (RFC 8949, section 4.2.1): definite lengths, shortest heads, keys in bytewise
;   order. Events are refused otherwise; the other payloads, which anybody may write, only must not hold a key twice.
; - Integers stay within ±(2^53 - 1). There are no floats, no tags, no undefined.
; - The id of an event is a UUIDv8 (RFC 9562): take the SHA-256 of store, 0x00, device, 0x00, ledger in lower-case
;   hexadecimal, 0x00, sequence in decimal (all UTF-8; "store/device" is key 5); of its first 16 bytes, set the upper
;   four bits of byte 6 to 1000 (version 8) and the upper two of byte 8 to 10 (variant).
; - A reader keeps integer keys that it doesn't know, and takes any text where values are listed: newer versions of a
;   message add keys and values, and never change the meaning of those that are there.
`;

const basics = `; Types that a newer version added have the same envelope.
newer-event = {
  envelope,
  4: tstr,                                      ; a type that is not listed above
  ${dataKey}: any-map,
  * newer,
}

newer = (int => any-value)                      ; keys of newer versions

uint53 = 0..${maxInteger}
int53 = -${maxInteger}..${maxInteger}
ppm = 0..1000000
uuid = bstr .size 16
any-value = int53 / tstr / bstr / bool / null / [* any-value] / any-map
any-map = {* (int53 / tstr) => any-value}
text-value = int53 / tstr / bstr / bool / null / [* text-value] / text-map
text-map = {* tstr => text-value}               ; keys are text here, at every depth
`;

/** docs/events.cddl: every event and every other payload. */
export function renderCddl(): string {
  const types = Object.entries(eventTypes);
  const records = new Map<string, RecordShape>();
  for (const shape of [...types.map(([, { data }]) => data), ...otherPayloads]) collect(shape, records);
  collect(envelope.fields.versions.of, records);
  const sections = [
    preamble,
    `event = ${types.map(([type]) => eventRule(type)).join('\n      / ')}\n`,
    group('envelope', envelope.fields, ['type']),
    ...types.map(([type, { data }]) => renderEvent(type, data)),
    basics,
    `; Payloads that are no events: docs/mqtt.md says on which topics.\npayload = ${otherPayloads
      .map((shape) => shape.name)
      .join(' / ')}\n`,
    ...[...records.values()].map((shape) => renderRecord(shape)),
  ];
  return sections.join('\n');
}

/** The rule of an event type: `item.added` → `item-added-event`. */
export function eventRule(type: string): string {
  return `${type.replaceAll('.', '-')}-event`;
}

function collect(shape: Shape, into: Map<string, RecordShape>): void {
  if (shape.shape === 'array') collect(shape.item, into);
  if (shape.shape !== 'record' || into.get(shape.name) === shape) return;
  if (into.has(shape.name)) throw new Error(`two records of the contract are named ${shape.name}`);
  into.set(shape.name, shape);
  for (const field of Object.values<FieldTable[string]>(shape.fields)) collect(field.of, into);
}

function renderEvent(type: string, data: RecordShape): string {
  return `${eventRule(type)} = {\n  envelope,\n  4: "${type}",\n  ${dataKey}: ${data.name},\n  * newer,\n}\n`;
}

function group(name: string, fields: FieldTable, without: readonly string[]): string {
  const lines = inOrder(fields).filter(([field]) => !without.includes(field));
  return `${name} = (\n${lines.map(([field, of]) => renderField(field, of)).join('')})\n`;
}

function renderRecord(shape: RecordShape): string {
  const lines = inOrder(shape.fields).map(([name, field]) => renderField(name, field));
  return `${shape.name} = {\n${lines.join('')}  * newer,\n}\n`;
}

const inOrder = (fields: FieldTable): [string, Field][] =>
  Object.entries(fields).sort(([, a], [, b]) => a.key - b.key);

/** The colon makes the key decide (RFC 8610 §3.5.4): a known key with a wrong value is not a newer key. */
function renderField(name: string, { key, of, optional, doc }: Field): string {
  const member = `  ${optional ? '? ' : ''}${key}: ${renderType(of)},`;
  return `${member.padEnd(47)} ; ${name}: ${doc}\n`;
}

function renderType(shape: Shape): string {
  switch (shape.shape) {
    case 'int':
      return renderInteger(shape);
    case 'text':
      return 'tstr';
    case 'uuid':
      return 'uuid';
    case 'hex':
      return `bstr .size ${shape.bytes}`;
    case 'bytes':
      return 'bstr';
    case 'bool':
      return 'bool';
    case 'choice':
      return [...shape.values.map((value) => JSON.stringify(value)), 'tstr'].join(' / ');
    case 'map':
      return shape.keys === 'text' ? 'text-map' : 'any-map';
    case 'array':
      return `[* ${renderType(shape.item)}]`;
    case 'record':
      return shape.name;
  }
}

function renderInteger({ minimum, maximum }: IntegerShape): string {
  if (maximum === maxInteger && minimum === 0) return 'uint53';
  if (maximum === maxInteger && minimum === -maxInteger) return 'int53';
  return minimum === 0 && maximum === 1_000_000 ? 'ppm' : `${minimum}..${maximum}`;
}
