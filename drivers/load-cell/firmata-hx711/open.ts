import type { DriverContext } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import type { BytePort, ByteRequest } from '../../ports/ports.ts';
import { JohnnyFiveBoard, loadBoardLibraries } from './board.ts';
import { LoadCellBridge } from './bridge.ts';
import { greet } from './greeting.ts';
import { BridgeLink } from './link.ts';
import { cellsByChannel, type FirmataHx711Options } from './options.ts';
import { serialText } from './protocol.ts';

/**
 * Opens the bridge at a port that is asked for by `request`. Rejects with CW-DRV-016 for another firmware, CW-DRV-011
 * where it doesn't answer, CW-DRV-004 where it is another bridge, and as its port does.
 */
export async function openBridge(
  options: FirmataHx711Options,
  context: DriverContext,
  request: () => Promise<ByteRequest>,
): Promise<LoadCellBridge> {
  // Before anything waits on the context's clock: loading takes time of the machine.
  const libraries = await loadBoardLibraries();
  const asked = await request();
  const port = await context.ports.bytes(asked);
  const link = new BridgeLink(port, context.clock);
  const johnnyFive = new JohnnyFiveBoard({
    libraries,
    send: (bytes) => link.write(bytes),
    clock: context.clock,
    log: context.log,
  });
  try {
    return await meet(options, context, { request: asked, port, link, johnnyFive });
  } catch (error) {
    johnnyFive.close();
    await link.close();
    throw error;
  }
}

interface Opened {
  readonly request: ByteRequest;
  readonly port: BytePort;
  readonly link: BridgeLink;
  readonly johnnyFive: JohnnyFiveBoard;
}

async function meet(
  options: FirmataHx711Options,
  context: DriverContext,
  { request, port, link, johnnyFive }: Opened,
): Promise<LoadCellBridge> {
  const where = port.identity.address ?? describeRequest(request);
  const cells = cellsByChannel(options);
  link.listen();
  const identity = await greet(link, context.clock, where);
  const serial = serialText(identity.serial);
  if (options.serial !== undefined && options.serial !== serial) {
    throw new DriverError(
      'CW-DRV-004',
      `the bridge at ${where} has ${serial === undefined ? 'no serial number' : `serial number ${serial}`}, not ${options.serial}; are two bridges swapped?`,
    );
  }
  if (cells.length > identity.channels) {
    throw new DriverError(
      'CW-DRV-002',
      `${context.id} names ${cells.length} channels; the bridge at ${where} has ${identity.channels}`,
    );
  }
  const bridge = new LoadCellBridge({
    id: context.id,
    link,
    identity,
    address: port.identity.address,
    johnnyFive,
    cells,
    samplesPerSecond: options.samplesPerSecond,
    gain: options.gain,
    // Start bit, eight bits, stop bit; beyond a server or another device the line's speed isn't known.
    byteUs: request.via === 'serial' ? 10e6 / options.baudRate : 0,
    clock: context.clock,
    log: context.log,
  });
  await johnnyFive.open();
  return bridge;
}

function describeRequest(request: ByteRequest): string {
  if (request.via === 'tcp') return `${request.host}:${request.port}`;
  if (request.via === 'bus') return `device ${request.bus}`;
  const { path, serial, topology } = request.match;
  return path ?? serial ?? topology ?? 'the serial port';
}
