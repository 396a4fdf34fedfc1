import { type DeviceIdentity, type Driver, type DriverContext, driverContract } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import type { Attached, ByteRequest, SerialMatch } from '../../ports/ports.ts';
import { type FirmataHx711Options, firmataHx711Options } from './options.ts';

/** USB ids of what ATmega328P boards are sold with: the maker's own, and the serial adapters on the copies. */
const bridgeAdapters: readonly { readonly vendorId: string; readonly productIds?: readonly string[] }[] = [
  { vendorId: '2341' }, // Arduino
  { vendorId: '2a03' }, // Arduino.org
  { vendorId: '1a86', productIds: ['7523', '5523', '55d4'] }, // CH340, CH341, CH9102
  { vendorId: '0403', productIds: ['6001', '6015'] }, // FT232R, FT231X
  { vendorId: '10c4', productIds: ['ea60'] }, // CP2102
];

/** Eight HX711 behind a microcontroller that speaks Firmata: boards/firmware/load-cell-bridge. */
export const firmataHx711: Driver<FirmataHx711Options> = {
  contract: driverContract,
  name: 'firmata-hx711',
  kind: 'load-cell',
  options: firmataHx711Options,
  async discover(context): Promise<DeviceIdentity[]> {
    return candidates(await context.ports.list('serial')).map(({ identity }) => identity);
  },
  async open(options, context) {
    // Loaded when there is a bridge: a gateway without one starts no later.
    const { openBridge } = await import('./open.ts');
    return openBridge(options, context, () => requestOf(options, context));
  },
};

async function requestOf(options: FirmataHx711Options, context: DriverContext): Promise<ByteRequest> {
  const { tcp, bus, baudRate } = options;
  if (tcp !== undefined) return { via: 'tcp', ...tcp };
  if (bus !== undefined) return { via: 'bus', bus };
  const match = options.port ?? (await onlyCandidate(context));
  return { via: 'serial', match, settings: { baudRate } };
}

function candidates(attached: readonly Attached[]): readonly Attached[] {
  return attached.filter(({ vendorId, productId }) =>
    bridgeAdapters.some(
      (adapter) =>
        adapter.vendorId === vendorId &&
        (adapter.productIds === undefined || adapter.productIds.includes(productId ?? '')),
    ),
  );
}

async function onlyCandidate({ ports }: DriverContext): Promise<SerialMatch> {
  const attached = await ports.list('serial');
  const found = candidates(attached);
  const [only] = found;
  // No serial port at all: that is for the ports to say. Those of a recording can not be listed, but opened.
  if (attached.length === 0) return {};
  if (only === undefined) {
    throw new DriverError(
      'CW-DRV-004',
      `no serial port looks like a load-cell bridge; plug it in, or say with options.port where it is`,
    );
  }
  if (found.length > 1) {
    const list = found.map((one) => describe(one, found));
    throw new DriverError(
      'CW-DRV-014',
      `${found.length} serial ports look like a load-cell bridge: ${list.join('; ')}; say which with options.port, as given before each`,
      { details: { ports: list } },
    );
  }
  const { vendorId, productId, topology, identity } = only;
  return { vendorId, productId, topology, serial: identity.serial };
}

/**
 * `port: { serial: "A1" } (/dev/ttyUSB0, FT232R)`: what to write into the profile to mean this one of all, and what it is.
 */
function describe({ node, identity, topology }: Attached, all: readonly Attached[]): string {
  const { serial, address, model } = identity;
  // Copies of a board may share a serial number.
  const alone = all.filter((other) => other.identity.serial === serial).length === 1;
  const facts = [
    ['serial', alone ? serial : undefined],
    ['topology', topology],
    ['path', address ?? node],
  ] as const;
  const [key, value] = facts.find(([, text]) => text !== undefined) ?? ['path', node];
  const what = [node, model, serial === undefined ? undefined : topology].filter(
    (part) => part !== undefined,
  );
  return `port: { ${key}: ${JSON.stringify(value)} } (${what.join(', ')})`;
}
