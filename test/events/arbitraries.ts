import fc from 'fast-check';
import { eventTypes } from '#events/catalog.ts';
import { eventShape } from '#events/codec.ts';
import type { AnyEvent } from '#events/event.ts';
import { type FieldTable, maxInteger, type RecordShape, type Shape } from '#events/fields.ts';
import { formatUuid } from '#events/ledger.ts';

/** Arbitrary values of a shape, made from the contract's own tables; unknown keys of newer versions included. */
export function arbitraryOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.shape) {
    case 'int':
      return integers(shape.minimum, shape.maximum);
    case 'text':
      return texts;
    case 'choice':
      return fc.oneof(
        { weight: 5, arbitrary: fc.constantFrom(...shape.values) },
        { weight: 1, arbitrary: texts },
      );
    case 'uuid':
      return hexDigits(16).map(formatUuid);
    case 'hex':
      return hexDigits(shape.bytes);
    case 'bytes':
      return octets;
    case 'bool':
      return fc.boolean();
    case 'map':
      return plainMap(shape.keys === 'any');
    case 'array':
      return fc.array(arbitraryOf(shape.item), { maxLength: 3 });
    case 'record':
      return arbitraryRecord(shape);
  }
}

/** Integers over the whole range, those around the widths of CBOR heads above all. */
function integers(minimum: number, maximum: number): fc.Arbitrary<number> {
  const widths = [
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    maxInteger,
  ];
  const edges = widths.flatMap((value) => [value, -value, -value - 1]);
  const within = edges.filter((value) => value >= minimum && value <= maximum && Number.isSafeInteger(value));
  return fc.oneof(fc.constantFrom(...within.map((value) => value + 0)), fc.maxSafeInteger().map(clamp));
  function clamp(value: number): number {
    return Math.min(maximum, Math.max(minimum, value)) + 0;
  }
}

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom('__proto__', '~1', '~b64', '', 'ä'.repeat(130), '😀'.repeat(9), 'constructor', '%2F%'),
);
const octets = fc.uint8Array({ maxLength: 40 });
const hexDigits = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => Buffer.from(value).toString('hex'));

/** Values of free shape; keys are named as in memory (`~5` an integer, a tilde before a text that has one). */
const plainValue = (integerKeys: boolean): fc.Arbitrary<unknown> =>
  fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(null, true, false),
      integers(-maxInteger, maxInteger),
      texts,
      octets,
      fc.array(tie('value'), { maxLength: 3 }),
      mapOf(integerKeys, tie('value')),
    ),
  })).value;

const textKeys = texts.map((key) => (key.startsWith('~') ? `~${key}` : key));
const unknownKeys = integers(-maxInteger, maxInteger).map((key) => `~${key}`);

function mapOf(integerKeys: boolean, value: fc.Arbitrary<unknown>): fc.Arbitrary<Record<string, unknown>> {
  return fc.dictionary(integerKeys ? fc.oneof(textKeys, unknownKeys) : textKeys, value, {
    maxKeys: 4,
    noNullPrototype: true,
  });
}

const plainMap = (integerKeys: boolean) => mapOf(integerKeys, plainValue(integerKeys));

function arbitraryRecord(shape: RecordShape): fc.Arbitrary<Record<string, unknown>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries<FieldTable[string]>(shape.fields)) {
    fields[name] = arbitraryOf(field.of);
    if (!field.optional) required.push(name);
  }
  const known = new Set(Object.values<FieldTable[string]>(shape.fields).map(({ key }) => `~${key}`));
  const newer = fc
    .dictionary(unknownKeys, plainValue(true), { maxKeys: 2, noNullPrototype: true })
    .map((extra) => Object.fromEntries(Object.entries(extra).filter(([name]) => !known.has(name))));
  const extras = fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: newer });
  return fc
    .tuple(fc.record(fields, { requiredKeys: required, noNullPrototype: true }), extras)
    .map(([record, extra]) => ({ ...record, ...extra }));
}

const typed = (type: string) =>
  arbitraryRecord(eventShape(type)).map((event) => ({ ...event, type }) as unknown as AnyEvent);

/** Events of every known type and, now and then, of one that only a newer version knows. */
export const anyEvent: fc.Arbitrary<AnyEvent> = fc
  .constantFrom(...Object.keys(eventTypes), 'item.from-a-newer-version', 'x')
  .chain(typed);
