import { EventError } from './errors.ts';
import type { AnyEvent, CartEvent } from './event.ts';
import { fromJson, type Json, type JsonObject, toJson } from './json.ts';
import { isPlainObject } from './plain.ts';

/**
 * The CloudEvents 1.0 view, in its JSON format. Attributes are lower-case letters and digits; integers, which may
 * need 64 bits, are text, for CloudEvents has 32-bit integers only.
 */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** RFC 3339; left out where the clock was unset or the year is beyond 9999. */
  readonly time?: string;
  readonly datacontenttype: 'application/json';
  readonly data: JsonObject;
  /** Extension attributes: text each. */
  readonly [attribute: string]: Json;
}

/** What precedes our types: `cartwright.item.added`. */
const typePrefix = 'cartwright.';
/** The last millisecond that RFC 3339 can write. */
const lastTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const decimal = /^(?:0|-?[1-9]\d*)$/;
/** Zero-padded to this width, sequences sort as text: the documented Sequence extension asks for that. */
const sequenceDigits = 16;

const malformed = (message: string) => new EventError('CW-EVT-012', message);

/**
 * An event in its CloudEvents view. Nothing is lost: fromCloudEvent gives the same event. Throws an EventError
 * (CW-EVT-007 … 010) where the event could not be encoded.
 */
export function toCloudEvent(event: CartEvent | AnyEvent): CloudEvent {
  const { id, ledger, sequence, type, source, boot, atUs, time, timeQuality, ...rest } = toJson(event);
  const { session, causes, versions, data, ...unknown } = rest;
  const utcMs = Number(time);
  return {
    specversion: '1.0',
    id: String(id),
    // A path reference: also a source with a colon, or nothing, in it stays a valid URI reference.
    source: `/${encodeURI(String(source))}`,
    type: `${typePrefix}${String(type)}`,
    ...(utcMs > 0 && utcMs <= lastTime ? { time: new Date(utcMs).toISOString() } : { utcms: String(utcMs) }),
    datacontenttype: 'application/json',
    ledger: String(ledger),
    sequence: String(sequence).padStart(sequenceDigits, '0'),
    boot: String(boot),
    atus: String(atUs),
    timequality: String(timeQuality),
    ...(session === undefined ? {} : { session }),
    ...(causes === undefined ? {} : { causes: (causes as string[]).join(',') }),
    ...versionAttributes(versions as JsonObject),
    ...(Object.keys(unknown).length === 0 ? {} : { unknownfields: JSON.stringify(unknown) }),
    data: data as JsonObject,
  };
}

function versionAttributes(versions: JsonObject): Record<string, string> {
  const { software, catalogue, planogram, model, calibration, ...unknown } = versions;
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries({ software, catalogue, planogram, model, calibration })) {
    if (value !== undefined) attributes[`${name}version`] = String(value);
  }
  if (Object.keys(unknown).length > 0) attributes.unknownversions = JSON.stringify(unknown);
  return attributes;
}

/**
 * The event of a CloudEvents view, parsed from JSON. Attributes that aren't ours are passed over, since anybody on the
 * way may add some (`traceparent`). Throws an EventError, and nothing else, where it is none of our events.
 */
export function fromCloudEvent(value: unknown): AnyEvent {
  if (!isPlainObject(value)) throw malformed('a CloudEvent is a JSON object');
  const read = new AttributeReader(value);
  if (read.text('specversion') !== '1.0') throw malformed('specversion must be "1.0"');
  const type = read.text('type');
  if (!type.startsWith(typePrefix)) throw malformed(`type must begin with "${typePrefix}"`);
  const session = read.maybeText('session');
  const causes = read.maybeText('causes');
  return fromJson({
    id: read.text('id'),
    ledger: read.text('ledger'),
    sequence: read.sequence(),
    type: type.slice(typePrefix.length),
    source: read.source(),
    boot: read.integer('boot'),
    atUs: read.integer('atus'),
    time: read.time(),
    timeQuality: read.text('timequality'),
    ...(session === undefined ? {} : { session }),
    ...(causes === undefined ? {} : { causes: causes === '' ? [] : causes.split(',') }),
    versions: read.versions(),
    data: value.data,
    ...read.unknown('unknownfields'),
  });
}

class AttributeReader {
  readonly #attributes: Readonly<Record<string, unknown>>;

  constructor(attributes: Readonly<Record<string, unknown>>) {
    this.#attributes = attributes;
  }

  maybeText(name: string): string | undefined {
    // CloudEvents takes an attribute that is null for one that is absent.
    const value = Object.hasOwn(this.#attributes, name) ? (this.#attributes[name] ?? undefined) : undefined;
    if (value !== undefined && typeof value !== 'string')
      throw malformed(`the attribute ${name} must be text`);
    return value;
  }

  text(name: string): string {
    const value = this.maybeText(name);
    if (value === undefined) throw malformed(`the attribute ${name} is missing`);
    return value;
  }

  integer(name: string): number {
    return parseInteger(name, this.text(name));
  }

  sequence(): number {
    return parseInteger('sequence', this.text('sequence').replace(/^0+(?=\d)/, ''));
  }

  source(): string {
    const source = this.text('source');
    if (!source.startsWith('/')) throw malformed('source must begin with a slash');
    try {
      return decodeURI(source.slice(1));
    } catch {
      throw malformed('source holds a percent sign that encodes nothing');
    }
  }

  /** UTC in ms. */
  time(): number {
    const text = this.maybeText('time');
    if (text === undefined) return this.integer('utcms');
    const utcMs = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
    // Date.parse takes the 30th of February for the 2nd of March.
    if (Number.isNaN(utcMs) || new Date(utcMs).toISOString() !== text) {
      throw malformed('time must be RFC 3339 in UTC with milliseconds, as 2026-11-22T10:00:00.000Z');
    }
    return utcMs;
  }

  versions(): Record<string, unknown> {
    const versions: Record<string, unknown> = { software: this.text('softwareversion') };
    for (const name of ['catalogue', 'planogram', 'model']) {
      const value = this.maybeText(`${name}version`);
      if (value !== undefined) versions[name] = value;
    }
    const calibration = this.maybeText('calibrationversion');
    if (calibration !== undefined) versions.calibration = parseInteger('calibrationversion', calibration);
    return { ...versions, ...this.unknown('unknownversions') };
  }

  /** Fields of a newer version, which have no attribute of their own. */
  unknown(name: string): Record<string, unknown> {
    const text = this.maybeText(name);
    if (text === undefined) return {};
    let fields: unknown;
    try {
      fields = JSON.parse(text);
    } catch {
      throw malformed(`the attribute ${name} must hold JSON`);
    }
    if (!isPlainObject(fields) || !Object.keys(fields).every((key) => key.startsWith('~'))) {
      throw malformed(`the attribute ${name} must hold a JSON object whose names begin with "~"`);
    }
    return fields;
  }
}

function parseInteger(name: string, text: string): number {
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw malformed(`the attribute ${name} must hold an integer in decimal`);
  return value;
}
