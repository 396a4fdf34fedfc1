import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Device, Driver } from '#drivers/driver.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { passTime } from '#drivers/virtual/benches.ts';
import { PeerPorts, type Peers } from '#drivers/virtual/peer-ports.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { ScaleReading } from '#readings/readings.ts';

/** A scale driver on a simulated scale, in virtual time. */
export async function openScale<Options, Peer>(
  driver: Driver<Options>,
  options: Readonly<Record<string, unknown>>,
  make: (clock: VirtualClock) => { readonly peer: Peer; readonly peers: Peers },
) {
  const clock = new VirtualClock(1_000_000);
  const { peer, peers } = make(clock);
  const ports = new PeerPorts(clock, peers);
  const readings: ScaleReading[] = [];
  const faults: DeviceFault[] = [];
  const context = { id: 'deli-scale', clock, log: silentLogger, buses: new Map<string, Device>(), ports };
  const parsed = parseDriverOptions(driver as unknown as Driver, options, 'deli-scale') as Options;
  const device = await driver.open(parsed, context);
  device.faults.subscribe((fault) => faults.push(fault));
  /** Waits for a promise while virtual time passes, at most a minute of it. */
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    for (let turn = 0; !done && turn < 6_000; turn++) await passTime(clock, 10_000, 10_000);
    return work;
  };
  return {
    clock,
    ports,
    peer,
    device,
    readings,
    faults,
    settle,
    start: () =>
      settle(
        device.start((reading) => {
          if (reading.kind === 'scale') readings.push(reading);
        }),
      ),
    stop: () => settle(device.stop()),
    pass: (us: number) => passTime(clock, us, 5_000),
    call: (action: string, args: unknown) =>
      settle(device.call?.(action, args) ?? Promise.reject(new Error())),
  };
}
