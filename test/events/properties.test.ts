import test from 'ava';
import fc from 'fast-check';
import { otherPayloads } from '#events/cddl.ts';
import { fromCloudEvent, toCloudEvent } from '#events/cloudevents.ts';
import { decodeEvent, decodeRecord, encodeEvent, encodeRecord } from '#events/codec.ts';
import { EventError } from '#events/errors.ts';
import { fromJson, recordFromJson, recordToJson, toJson, toJsonLine } from '#events/json.ts';
import { anyEvent, arbitraryOf } from './arbitraries.ts';

/** A failing run prints its seed; put it here to see it again. */
const options = { seed: 20_261_122, numRuns: 400 };

function mustBeCoded(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
  }
}

const overJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
/** The same record with its properties in another order. */
const shuffled = (value: object) => Object.fromEntries(Object.entries(value).reverse());

test('every event survives CBOR, JSON, CloudEvents and CBOR again, bit for bit', (t) => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const encoded = encodeEvent(event);
      const viaJson = fromJson(overJson(toJson(decodeEvent(encoded))));
      const viaCloudEvents = fromCloudEvent(overJson(toCloudEvent(viaJson)));
      return Buffer.compare(encodeEvent(viaCloudEvents), encoded) === 0;
    }),
    options,
  );
  t.pass();
});

test('reading an event gives what was written', (t) => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      t.deepEqual(decodeEvent(encodeEvent(event)), event);
    }),
    { ...options, numRuns: 150 },
  );
});

test('an event has one encoding and one line of JSON, in whatever order its properties were set', (t) => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const other = shuffled({ ...event, data: shuffled(event.data) }) as unknown as typeof event;
      return (
        Buffer.compare(encodeEvent(event), encodeEvent(other)) === 0 &&
        toJsonLine(event) === toJsonLine(other)
      );
    }),
    options,
  );
  t.pass();
});

test('every payload that is no event survives CBOR and JSON', (t) => {
  for (const shape of otherPayloads) {
    fc.assert(
      fc.property(arbitraryOf(shape), (value) => {
        const encoded = encodeRecord(shape, value as never);
        const again = recordFromJson(shape, overJson(recordToJson(shape, decodeRecord(shape, encoded))));
        return Buffer.compare(encodeRecord(shape, again), encoded) === 0;
      }),
      { ...options, numRuns: 60 },
    );
  }
  t.pass();
});

test('random bytes are refused with a code, never with a crash', (t) => {
  const [request] = otherPayloads;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      mustBeCoded(() => decodeEvent(bytes));
      mustBeCoded(() => request && decodeRecord(request, bytes));
    }),
    { ...options, numRuns: 3_000 },
  );
  t.pass();
});

test('an event with a few bytes changed, added or lost is read or refused with a code', (t) => {
  const edit = fc.record({
    at: fc.nat(),
    byte: fc.nat(255),
    kind: fc.constantFrom('set', 'insert', 'delete'),
  });
  fc.assert(
    fc.property(anyEvent, fc.array(edit, { minLength: 1, maxLength: 4 }), (event, edits) => {
      const bytes = [...encodeEvent(event)];
      for (const { at, byte, kind } of edits) {
        bytes.splice(at % bytes.length, kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [byte]));
      }
      mustBeCoded(() => {
        // Whatever is still an event is carried like any other.
        const read = decodeEvent(Uint8Array.from(bytes));
        t.is(Buffer.compare(encodeEvent(read), Uint8Array.from(bytes)), 0);
      });
    }),
    { ...options, numRuns: 1_500 },
  );
  t.pass();
});

test('any JSON is read or refused with a code by both views', (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), anyEvent, fc.string(), (junk, event, name) => {
      mustBeCoded(() => fromJson(junk));
      mustBeCoded(() => fromCloudEvent(junk));
      for (const key of [...Object.keys(event), name]) {
        mustBeCoded(() => fromJson({ ...toJson(event), [key]: junk }));
        mustBeCoded(() => fromCloudEvent({ ...toCloudEvent(event), [key.toLowerCase()]: junk }));
      }
    }),
    { ...options, numRuns: 200 },
  );
  t.pass();
});
