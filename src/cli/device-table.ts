import type { DeviceIdentity } from '#drivers/driver.ts';
import { type AttachedRow, type DeviceRow, isUsable } from './device-inspection.ts';
import { printable } from './terminal.ts';

const widest = 98;
const states = {
  found: 'ok',
  'in use': 'in use',
  held: 'HELD',
  forbidden: 'FORBIDDEN',
  missing: 'MISSING',
} as const satisfies Record<DeviceRow['state'], string>;

/** Vendor, model, serial number, firmware and address, as far as the device told them. */
export function describeIdentity({ vendor, model, serial, firmware, address }: DeviceIdentity): string {
  return [vendor, model, serial, firmware, address].filter((part) => part !== undefined).join(' ');
}

/** The profile's entries as lines: one each, what is wrong beneath, with room for a terminal of 100 columns. */
export function deviceLines(rows: readonly DeviceRow[]): string[] {
  const ids = longest(rows.map(({ id }) => id));
  const drivers = longest(rows.map(({ driver }) => driver));
  const words = Math.max(states.missing.length, longest(rows.map(({ state }) => states[state])));
  const lines = rows.flatMap((row) => {
    const { id, driver, state, identity, message, rule } = row;
    const start = `${states[state].padEnd(words)}  ${id.padEnd(ids)}  ${driver.padEnd(drivers)}`;
    if (!isUsable(row)) {
      const said = rule === undefined ? message : message?.replace(rule, 'below');
      const rest = rule === undefined ? [] : [`${' '.repeat(words + 2)}rule: ${rule}`];
      return [start.trimEnd(), ...wrap(said ?? '', words + 2), ...rest];
    }
    return hang(start, message ?? describeIdentity(identity));
  });
  return lines.map(printable);
}

/**
 * What is attached, as lines: kind, node, what it is, and which entry means it. What belongs to the machine itself
 * (its fans, its own buttons) is counted unless an entry means it or `all` is asked for.
 */
export function attachedLines(rows: readonly AttachedRow[], all: boolean): string[] {
  const shown = rows.filter((row) => all || row.usedBy.length > 0 || isOfInterest(row));
  const hidden = rows.length - shown.length;
  const kinds = longest(shown.map(({ kind }) => kind));
  const nodes = Math.min(longest(shown.map(({ node }) => node)), 24);
  const lines = shown.flatMap((row) => {
    const start = `${row.kind.padEnd(kinds)}  ${row.node.padEnd(nodes)}`;
    const rule = row.missingRule === undefined ? [] : [`         rule: ${row.missingRule}`];
    return [...hang(start, describe(row)), ...rule];
  });
  if (shown.length === 0) lines.push('nothing that a driver could open');
  if (hidden > 0) lines.push(`and ${hidden} of the machine's own, shown with --all`);
  // Devices and processes name themselves.
  return lines.map(printable);
}

function isOfInterest({ kind, vendorId }: AttachedRow): boolean {
  return (
    kind === 'iio' ||
    kind === 'i2c' ||
    (vendorId !== undefined && kind !== 'hwmon' && kind !== 'power_supply')
  );
}

function describe(row: AttachedRow): string {
  const { vendorId, productId, identity, topology, usagePages, usedBy, holder, missingRule } = row;
  const name = [identity.vendor, identity.model].filter((part) => part !== undefined).join(' ');
  const facts = [
    vendorId === undefined ? '' : `${vendorId}:${productId ?? '????'}`,
    name,
    identity.serial === undefined ? '' : `serial ${identity.serial}`,
    topology === undefined ? '' : `at ${topology}`,
    stableAddress(row),
    usagePages === undefined ? '' : `usage ${usagePages.map((page) => `0x${page.toString(16)}`).join(' ')}`,
    holder === undefined ? '' : `held by process ${holder.pid} (${holder.name})`,
    missingRule === undefined ? '' : 'NO PERMISSION',
  ].filter((fact) => fact !== '');
  return `${usedBy.length === 0 ? 'unused' : usedBy.join(', ')}: ${facts.join(', ')}`.replace(/: $/, '');
}

/** What is worth writing into a profile besides the facts that are shown anyway. */
function stableAddress({ identity, topology, node }: AttachedRow): string {
  const { address, model } = identity;
  if (address === undefined || address === node || address === model || address === topology) return '';
  return address;
}

const longest = (texts: readonly string[]) => Math.max(0, ...texts.map(({ length }) => length));

/** A line whose rest hangs under itself where it is long. */
function hang(start: string, rest: string): string[] {
  if (start.length + 2 + rest.length <= widest) return [`${start}  ${rest}`.trimEnd()];
  return start.length > 60 ? [start.trimEnd(), ...wrap(rest, 9)] : hangUnder(start, rest);
}

function hangUnder(start: string, rest: string): string[] {
  const [first = '', ...others] = wrap(rest, start.length + 2);
  return [`${start}  ${first.trimStart()}`, ...others];
}

/** Words of a text in lines, indented by so many spaces. A word that is longer than a line gets one of its own. */
function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent + line.length + 1 + word.length > widest) {
      lines.push(' '.repeat(indent) + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' ? lines : [...lines, ' '.repeat(indent) + line];
}
