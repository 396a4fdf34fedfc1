import { z } from 'zod';

type Schema = z.core.$ZodType;

/** The schema inside defaults and optionals. */
export function unwrapSchema(schema: Schema): Schema {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.unwrap();
  }
  return inner;
}

/** The keys of an object schema; none for anything else. */
export function keysOf(schema: Schema | undefined): string[] {
  const inner = schema === undefined ? undefined : unwrapSchema(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The schema of the value at `path`, as far as the schema says; `undefined` beyond it. */
export function schemaAt(schema: Schema, path: readonly PropertyKey[]): Schema | undefined {
  let current: Schema | undefined = schema;
  for (const part of path) {
    if (current === undefined) return undefined;
    current = childSchema(unwrapSchema(current), part);
  }
  return current;
}

function childSchema(parent: Schema, part: PropertyKey): Schema | undefined {
  if (parent instanceof z.ZodObject) {
    return Object.hasOwn(parent.shape, part) ? (Reflect.get(parent.shape, part) as Schema) : undefined;
  }
  if (parent instanceof z.ZodArray) return parent.element;
  if (parent instanceof z.ZodRecord) return parent.valueType;
  if (parent instanceof z.ZodTuple) return parent.def.items[Number(part)];
  return undefined;
}

/** Whether texts stay texts there: a string, an enumeration, or anything the schema leaves open. */
export function takesText(schema: Schema | undefined): boolean {
  if (schema === undefined) return true;
  const inner = unwrapSchema(schema);
  return inner instanceof z.ZodString || inner instanceof z.ZodEnum || inner instanceof z.ZodUnknown;
}
