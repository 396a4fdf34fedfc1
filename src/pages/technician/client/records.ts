import type { Infer, RecordShape, Shape } from '#events/fields.ts';
import { fromHex, toHex } from './bytes.ts';
import { type Cbor, decodeCbor, encodeCbor } from './cbor.ts';

/** The first byte of JSON; no map of the contract begins so. */
const brace = 0x7b;

/**
 * Reads a payload of the contract by its table, CBOR or JSON as it comes. What the table does not know is left out, what is
 * missing is missing: devices are older or newer than this page. Throws an Error where it is neither.
 */
export function readRecord<Of extends RecordShape>(shape: Of, payload: Uint8Array): Infer<Of> {
  if (payload[0] === brace) return JSON.parse(new TextDecoder().decode(payload)) as Infer<Of>;
  return named(shape, decodeCbor(payload)) as Infer<Of>;
}

/** Writes a payload as deterministic CBOR. */
export function writeRecord(
  shape: RecordShape,
  value: Readonly<Record<string, unknown>>,
): Uint8Array<ArrayBuffer> {
  const map = new Map<number, Cbor>();
  for (const [name, field] of Object.entries(shape.fields)) {
    const inner = value[name];
    if (inner !== undefined) map.set(field.key, wire(field.of, inner));
  }
  return encodeCbor(map);
}

function wire(shape: Shape, value: unknown): Cbor {
  return shape.shape === 'hex' ? fromHex(String(value)) : (value as Cbor);
}

function named(shape: Shape, value: Cbor): unknown {
  switch (shape.shape) {
    case 'record': {
      if (!(value instanceof Map)) throw new Error(`${shape.name} is no map`);
      const found: [string, unknown][] = [];
      for (const [name, field] of Object.entries(shape.fields)) {
        const inner = value.get(field.key);
        if (inner !== undefined) found.push([name, named(field.of, inner)]);
      }
      return Object.fromEntries(found);
    }
    case 'array':
      return Array.isArray(value) ? value.map((item) => named(shape.item, item as Cbor)) : [];
    case 'hex':
    case 'uuid':
      return value instanceof Uint8Array ? toHex(value) : value;
    default:
      return plain(value);
  }
}

/** Maps with text keys as objects. */
function plain(value: Cbor): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, inner]) => [String(key), plain(inner as Cbor)]));
  }
  return Array.isArray(value) ? value.map((item) => plain(item as Cbor)) : value;
}
