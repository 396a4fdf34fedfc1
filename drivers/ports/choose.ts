import { DriverError } from '../errors.ts';
import type { Attached, UsbMatch } from './ports.ts';

/** True where all that is asked for is so. A topology without its interface stands for all interfaces of the device. */
export function matchesUsb(attached: Attached, match: UsbMatch): boolean {
  const { vendorId, productId, serial, topology } = match;
  return (
    (vendorId === undefined || attached.vendorId === vendorId.toLowerCase()) &&
    (productId === undefined || attached.productId === productId.toLowerCase()) &&
    (serial === undefined || attached.identity.serial === serial) &&
    (topology === undefined ||
      attached.topology === topology ||
      attached.topology?.startsWith(`${topology}:`) === true)
  );
}

/**
 * The one that is meant. `what` says in words what is looked for. Throws CW-DRV-004, listing what `attached` has
 * instead, or CW-DRV-014, listing all that match.
 */
export function chooseOne(
  what: string,
  attached: readonly Attached[],
  matches: (one: Attached) => boolean,
): Attached {
  // A device with several collections is listed once for each.
  const found = distinctNodes(attached.filter(matches));
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  if (first === undefined) {
    const others = distinctNodes(attached);
    const instead = others.length === 0 ? 'nor is anything of its kind' : `attached instead: ${list(others)}`;
    throw new DriverError('CW-DRV-004', `${what} is not attached; ${instead}; check its cable and power`, {
      details: { attached: others.map(describeAttached) },
    });
  }
  throw new DriverError(
    'CW-DRV-014',
    `${found.length} attached devices match ${what}: ${list(found)}; say which by its serial number, or by topology where it has none`,
    { details: { matches: found.map(describeAttached) } },
  );
}

function distinctNodes(all: readonly Attached[]): Attached[] {
  return [...new Map(all.map((one) => [one.node, one])).values()];
}

/** More than so many devices are counted, not named. */
const mostNamed = 8;

function list(all: readonly Attached[]): string {
  const named = all.slice(0, mostNamed).map(describeAttached);
  return [...named, ...(all.length > mostNamed ? [`and ${all.length - mostNamed} more`] : [])].join(', ');
}

/** `1a86:7523 QinHeng USB Serial, serial A1, at 1-1.2:1.0 (/dev/ttyUSB0)`: what a profile can bind it by. */
export function describeAttached({ vendorId, productId, identity, topology, node }: Attached): string {
  const ids = vendorId === undefined ? undefined : `${vendorId}:${productId ?? '????'}`;
  const name = [identity.vendor, identity.model].filter((part) => part !== undefined).join(' ');
  const facts = [
    [ids, name].filter((part) => part !== undefined && part !== '').join(' '),
    ...(identity.serial === undefined ? [] : [`serial ${identity.serial}`]),
    ...(topology === undefined ? [] : [`at ${topology}`]),
  ].filter((part) => part !== '');
  return facts.length === 0 ? node : `${facts.join(', ')} (${node})`;
}

/** `the serial port of 0403:6001, serial A1`: what a request looks for. */
export function describeMatch(
  kind: string,
  match: UsbMatch & { name?: string | undefined; path?: string | undefined },
): string {
  const { vendorId, productId, serial, topology, name, path } = match;
  const facts = [
    ...(path === undefined ? [] : [path]),
    ...(name === undefined ? [] : [`name ${name}`]),
    ...(vendorId === undefined && productId === undefined ? [] : [`${vendorId ?? '*'}:${productId ?? '*'}`]),
    ...(serial === undefined ? [] : [`serial ${serial}`]),
    ...(topology === undefined ? [] : [`at ${topology}`]),
  ];
  return facts.length === 0 ? `the ${kind}` : `the ${kind} ${facts.join(', ')}`;
}
