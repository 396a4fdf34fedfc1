import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Device, Driver } from '#drivers/driver.ts';
import type { Ports } from '#drivers/ports/ports.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { passTime } from '#drivers/virtual/benches.ts';
import { PeerPorts, type Peers } from '#drivers/virtual/peer-ports.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { ScanReading } from '#readings/readings.ts';
import { HeldUpTimers } from '../support/held-up-timers.ts';

export const fuzzRuns = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);
export const fuzzSeed = 20_261_123;

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A scanner's driver, open and started on a simulated peer. */
export interface ScannerRig {
  readonly clock: VirtualClock;
  readonly ports: PeerPorts;
  readonly device: Device;
  readonly scans: ScanReading[];
  readonly faults: DeviceFault[];
  /** Symbology and text of each scan. */
  texts(): string[];
  /** Fault kinds in order, with `!` in front of those that ended. */
  faultKinds(): string[];
  pass(ms: number): Promise<void>;
  /** The process is held up. */
  holdUp(ms: number): void;
  counts(): Promise<unknown>;
}

export async function scannerRig(
  driver: Driver,
  peers: Peers | ((clock: VirtualClock) => Peers),
  options: unknown,
  list?: Ports['list'],
): Promise<ScannerRig> {
  const clock = new VirtualClock(1_000_000);
  const timers = new HeldUpTimers(clock);
  const ports = new PeerPorts(clock, typeof peers === 'function' ? peers(clock) : peers);
  if (list !== undefined) ports.list = list;
  const device = await driver.open(parseDriverOptions(driver, options, 'scanner'), {
    id: 'scanner',
    clock: timers,
    log: silentLogger,
    buses: new Map(),
    ports,
  });
  const scans: ScanReading[] = [];
  const faults: DeviceFault[] = [];
  device.faults.subscribe((fault) => faults.push(fault));
  await device.start((reading) => {
    if (reading.kind === 'scan') scans.push(reading);
  });
  return {
    clock,
    ports,
    device,
    scans,
    faults,
    texts: () => scans.map(({ data, symbology }) => `${symbology} ${Buffer.from(data).toString('latin1')}`),
    faultKinds: () => faults.map(({ fault, cleared }) => (cleared === true ? `!${fault}` : fault)),
    pass: (ms) => passTime(clock, ms * 1000, 10_000),
    holdUp: (ms) => timers.holdUp(ms * 1000),
    counts: async () => device.call?.('counts', {}),
  };
}
