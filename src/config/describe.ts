import { z } from 'zod';

/** The part of JSON Schema that our formats use, as zod writes it. */
interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema | false;
  readonly prefixItems?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | false;
}

/** One key of a format, for documentation. */
export interface KeyDescription {
  /** `broker.url`, `plates[].cells[].id`, `plates.<id>.cells`. */
  readonly path: string;
  readonly type: string;
  /** `ms`, `mg`; empty where it has none. */
  readonly unit: string;
  readonly range: string;
  /** JSON of the default; `undefined` where there is none. */
  readonly default?: string;
  readonly required: boolean;
  readonly description: string;
  /** The key holds other keys, which follow. */
  readonly group: boolean;
}

/** Units by the end of a key's name; the longest that fits counts. */
const unitSuffixes: readonly (readonly [suffix: string, unit: string])[] = [
  ['DivisionsPerS', 'd/s'],
  ['SamplesPerSecond', '1/s'],
  ['samplesPerSecond', '1/s'],
  ['milligramsPerCount', 'mg/count'],
  ['milligramsPerKelvin', 'mg/K'],
  ['MicroDegrees', 'µ°'],
  ['MilliCelsius', 'm°C'],
  ['Milliradians', 'mrad'],
  ['MgPerS', 'mg/s'],
  ['Divisions', 'd'],
  ['PpmPerKelvin', 'ppm/K'],
  ['PpmPerKg', 'ppm/kg'],
  ['heightM', 'm'],
  ['MmS2', 'mm/s²'],
  ['UmS2', 'µm/s²'],
  ['Counts', 'counts'],
  ['Bytes', 'bytes'],
  ['Ppm', 'ppm'],
  ['Ms', 'ms'],
  ['Us', 'µs'],
  ['Mg', 'mg'],
  ['Mm', 'mm'],
  ['S', 's'],
];

/** Every key of a schema in the order in which it is written, groups before their keys. */
export function describeSchema(schema: z.ZodType): KeyDescription[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return describeObject(root, '');
}

function describeObject(schema: JsonSchema, prefix: string): KeyDescription[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    describeKey(
      child,
      prefix === '' ? key : `${prefix}.${key}`,
      key,
      schema.required?.includes(key) === true,
    ),
  );
}

function describeKey(schema: JsonSchema, path: string, key: string, required: boolean): KeyDescription[] {
  const inner = innerKeys(schema, path);
  const simpleDefault = schema.default !== undefined && schema.properties === undefined;
  return [
    {
      path,
      type: typeOf(schema),
      unit: unitSuffixes.find(([suffix]) => key.endsWith(suffix))?.[1] ?? '',
      range: rangeOf(schema),
      ...(simpleDefault ? { default: JSON.stringify(schema.default) } : {}),
      required,
      description: schema.description ?? '',
      group: inner.length > 0,
    },
    ...inner,
  ];
}

function innerKeys(schema: JsonSchema, path: string): KeyDescription[] {
  if (schema.properties !== undefined) return describeObject(schema, path);
  if (schema.items) return innerKeys(schema.items, `${path}[]`);
  if (schema.additionalProperties) return innerKeys(schema.additionalProperties, `${path}.<id>`);
  return [];
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((item) => `\`${String(item)}\``).join(', ');
  if (schema.prefixItems !== undefined) {
    return `[${schema.prefixItems.map((item) => typeOf(item)).join(', ')}]`;
  }
  if (schema.type === 'array') return schema.items ? `list of ${typeOf(schema.items)}` : 'list';
  if (schema.type === 'object') return schema.additionalProperties ? 'map by id' : 'map';
  return (
    { string: 'text', integer: 'integer', number: 'number', boolean: 'true, false' }[schema.type ?? ''] ??
    'any'
  );
}

/** Bounds in words; those of the number type itself say nothing and are left out. */
function rangeOf(schema: JsonSchema): string {
  const parts: string[] = [];
  const low = schema.minimum;
  const high = schema.maximum === Number.MAX_SAFE_INTEGER ? undefined : schema.maximum;
  if (low !== undefined && low !== Number.MIN_SAFE_INTEGER) {
    parts.push(high === undefined ? `≥ ${low}` : `${low} … ${high}`);
  } else if (schema.exclusiveMinimum !== undefined) {
    parts.push(
      high === undefined ? `> ${schema.exclusiveMinimum}` : `> ${schema.exclusiveMinimum}, ≤ ${high}`,
    );
  } else if (high !== undefined) parts.push(`≤ ${high}`);
  if (schema.minItems !== undefined && schema.prefixItems === undefined) {
    parts.push(
      schema.maxItems === undefined
        ? `≥ ${schema.minItems} entries`
        : `${schema.minItems} … ${schema.maxItems} entries`,
    );
  }
  if (schema.pattern !== undefined) parts.push(`\`${schema.pattern}\``);
  if (schema.maxLength !== undefined) parts.push(`≤ ${schema.maxLength} characters`);
  return parts.join(', ');
}
