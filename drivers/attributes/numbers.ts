import { DriverError } from '../errors.ts';
import type { AttributePort } from '../ports/ports.ts';

/** Decimal numbers as the kernel writes them into attributes. */
const decimal = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i;

/** A number in an attribute's text. Throws DriverError CW-DRV-006 where it is none. */
export function attributeNumber(name: string, text: string): number {
  const value = decimal.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  throw new DriverError('CW-DRV-006', `the attribute ${name} holds ${JSON.stringify(shown)}, not a number`);
}

/** Numbers in an attribute, between spaces (or commas and semicolons). Throws DriverError CW-DRV-006. */
export function attributeNumbers(name: string, text: string): number[] {
  return text
    .split(/[\s,;]+/)
    .filter((part) => part !== '')
    .map((part) => attributeNumber(name, part));
}

/** Rejects with CW-DRV-006, and as the port does. */
export async function readNumber(port: AttributePort, name: string): Promise<number> {
  return attributeNumber(name, await port.read(name));
}

/** The first of the names that the device has. */
export function firstOf(names: readonly string[], has: ReadonlySet<string>): string | undefined {
  return names.find((name) => has.has(name));
}
