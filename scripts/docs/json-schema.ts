import type { Field, FieldTable, RecordShape, Shape } from '#events/fields.ts';

/** A JSON Schema (draft 7, which AsyncAPI 3 builds on). */
export type JsonSchema = { readonly [keyword: string]: unknown };

const reference = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

/** The JSON view of a record as a schema; records within it are referred to and put into `schemas` by their names. */
export function recordSchema(shape: RecordShape, schemas: Map<string, JsonSchema>): JsonSchema {
  if (!schemas.has(shape.name)) {
    schemas.set(shape.name, {});
    schemas.set(shape.name, tableSchema(shape.fields, schemas));
  }
  return reference(shape.name);
}

/** The same for a table of fields that has no name of its own. */
export function tableSchema(fields: FieldTable, schemas: Map<string, JsonSchema>): JsonSchema {
  const entries: [string, Field][] = Object.entries(fields);
  return {
    type: 'object',
    required: entries.filter(([, { optional }]) => !optional).map(([name]) => name),
    properties: Object.fromEntries(
      entries.map(([name, { key, of, doc }]) => {
        const schema = shapeSchema(of, schemas);
        const described = { description: doc, 'x-cbor-key': key };
        // Beside $ref, draft 7 ignores everything else.
        return [name, '$ref' in schema ? { allOf: [schema], ...described } : { ...schema, ...described }];
      }),
    ),
    // Keys that a newer version added.
    patternProperties: { '^~-?[0-9]+$': {} },
    additionalProperties: false,
  };
}

function shapeSchema(shape: Shape, schemas: Map<string, JsonSchema>): JsonSchema {
  switch (shape.shape) {
    case 'int':
      return { type: 'integer', minimum: shape.minimum, maximum: shape.maximum };
    case 'text':
      return { type: 'string' };
    case 'choice':
      return { type: 'string', examples: [...shape.values] };
    case 'uuid':
      return { type: 'string', format: 'uuid' };
    case 'hex':
      return { type: 'string', pattern: `^[0-9a-f]{${2 * shape.bytes}}$` };
    case 'bytes':
      return {
        type: 'object',
        required: ['~b64'],
        properties: { '~b64': { type: 'string', contentEncoding: 'base64' } },
        additionalProperties: false,
      };
    case 'bool':
      return { type: 'boolean' };
    case 'map':
      return { type: 'object' };
    case 'array':
      return { type: 'array', items: shapeSchema(shape.item, schemas) };
    case 'record':
      return recordSchema(shape, schemas);
  }
}
