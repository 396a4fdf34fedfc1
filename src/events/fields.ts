/**
 * The small language in which the event contract is written. One table per record drives the CBOR keys, the checks,
 * the CDDL and the TypeScript types, so they cannot disagree.
 *
 * In memory an event is a plain object with names; `uuid` and `hex` fields are text, `bytes` are Uint8Array;
 * what a newer version added is kept under `"~N"` (N the integer key) and written back.
 */
export interface IntegerShape {
  readonly shape: 'int';
  readonly minimum: number;
  readonly maximum: number;
}
export interface TextShape {
  readonly shape: 'text';
}
/** 16 bytes on the wire, `xxxxxxxx-xxxx-8xxx-…` in memory and in JSON. */
export interface UuidShape {
  readonly shape: 'uuid';
}
/** A fixed number of bytes on the wire, lower-case hexadecimal in memory and in JSON. */
export interface HexShape {
  readonly shape: 'hex';
  readonly bytes: number;
}
export interface BytesShape {
  readonly shape: 'bytes';
}
export interface BooleanShape {
  readonly shape: 'bool';
}
/** Text on the wire. A value that this version doesn't know is carried, not refused: newer versions may add some. */
export interface ChoiceShape<Values extends readonly string[] = readonly string[]> {
  readonly shape: 'choice';
  readonly values: Values;
}
/** A map whose content the contract doesn't fix: arguments of a command, data of an answer (there, all keys are text). */
export interface MapShape {
  readonly shape: 'map';
  readonly keys: 'text' | 'any';
}
export interface ArrayShape<Item extends Shape = Shape> {
  readonly shape: 'array';
  readonly item: Item;
}
export interface RecordShape<Fields extends FieldTable = FieldTable> {
  readonly shape: 'record';
  /** The rule's name in the CDDL. */
  readonly name: string;
  readonly fields: Fields;
}

export type Shape =
  | IntegerShape
  | TextShape
  | UuidShape
  | HexShape
  | BytesShape
  | BooleanShape
  | ChoiceShape
  | MapShape
  | ArrayShape
  | RecordShape;

/**
 * A value whose shape this version doesn't know. Integer keys of a map are written `"~5"`, and text keys that begin
 * with a tilde get a second one, so that the two can't be confused.
 */
export type PlainValue = null | boolean | number | string | Uint8Array | readonly PlainValue[] | PlainMap;
export interface PlainMap {
  readonly [key: string]: PlainValue;
}

export interface Field<Of extends Shape = Shape, Optional extends boolean = boolean> {
  readonly key: number;
  readonly of: Of;
  readonly optional: Optional;
  readonly doc: string;
}
export type FieldTable = Readonly<Record<string, Field>>;

/** The in-memory type of a shape. */
export type Infer<S extends Shape> =
  S extends RecordShape<infer Fields>
    ? InferFields<Fields>
    : S extends ArrayShape<infer Item>
      ? readonly Infer<Item>[]
      : S extends ChoiceShape<infer Values>
        ? Values[number]
        : S extends IntegerShape
          ? number
          : S extends BooleanShape
            ? boolean
            : S extends BytesShape
              ? Uint8Array
              : S extends MapShape
                ? PlainMap
                : string;

type RequiredNames<Fields extends FieldTable> = {
  [Name in keyof Fields]: Fields[Name]['optional'] extends true ? never : Name;
}[keyof Fields];
type OptionalNames<Fields extends FieldTable> = Exclude<keyof Fields, RequiredNames<Fields>>;
export type InferFields<Fields extends FieldTable> = {
  readonly [Name in RequiredNames<Fields>]: Infer<Fields[Name]['of']>;
} & { readonly [Name in OptionalNames<Fields>]?: Infer<Fields[Name]['of']> | undefined };

/** Integers of events stay within ±(2⁵³ − 1), so that every language reads them exactly. */
export const maxInteger = Number.MAX_SAFE_INTEGER;

export const int: IntegerShape = { shape: 'int', minimum: -maxInteger, maximum: maxInteger };
export const uint: IntegerShape = { shape: 'int', minimum: 0, maximum: maxInteger };
export const ppmShape: IntegerShape = { shape: 'int', minimum: 0, maximum: 1_000_000 };
export const text: TextShape = { shape: 'text' };
export const uuid: UuidShape = { shape: 'uuid' };
export const bytes: BytesShape = { shape: 'bytes' };
export const bool: BooleanShape = { shape: 'bool' };
export const textMap: MapShape = { shape: 'map', keys: 'text' };
export const anyMap: MapShape = { shape: 'map', keys: 'any' };
export const hex = (length: number): HexShape => ({ shape: 'hex', bytes: length });
export const choice = <const Values extends readonly string[]>(...values: Values): ChoiceShape<Values> => ({
  shape: 'choice',
  values,
});
export const array = <Item extends Shape>(item: Item): ArrayShape<Item> => ({ shape: 'array', item });
export const record = <const Fields extends FieldTable>(
  name: string,
  fields: Fields,
): RecordShape<Fields> => ({
  shape: 'record',
  name,
  fields,
});
/** A field that is always there. */
export const must = <Of extends Shape>(key: number, of: Of, doc: string): Field<Of, false> => ({
  key,
  of,
  optional: false,
  doc,
});
/** A field that may be left out. */
export const may = <Of extends Shape>(key: number, of: Of, doc: string): Field<Of, true> => ({
  key,
  of,
  optional: true,
  doc,
});
