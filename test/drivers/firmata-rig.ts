import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Device } from '#drivers/driver.ts';
import type { LoadCellBridge } from '#drivers/load-cell/firmata-hx711/bridge.ts';
import { firmataHx711 } from '#drivers/load-cell/firmata-hx711/driver.ts';
import type { Ports } from '#drivers/ports/ports.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { passTime } from '#drivers/virtual/benches.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { BridgePeer, type BridgePeerOptions, type TrueSample } from '#drivers/virtual/peers/bridge.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { CellReading } from '#readings/readings.ts';

export const four = ['a', 'b', 'c', 'd'];
export const anyPort = { path: '/dev/serial/by-id/test' };
export const second = 1_000_000;

export interface Rig {
  readonly clock: VirtualClock;
  readonly peer: BridgePeer;
  readonly ports: PeerPorts;
  readonly truth: TrueSample[];
  readonly readings: CellReading[];
  readonly faults: DeviceFault[];
  open(options?: Record<string, unknown>, ports?: Ports): Promise<LoadCellBridge>;
  start(device: Device): Promise<void>;
  pass(us: number): Promise<void>;
  settle<T>(work: Promise<T>): Promise<T>;
}

/** The driver in front of a simulated bridge, in virtual time. */
export function rig(options: Partial<BridgePeerOptions> = {}): Rig {
  const clock = new VirtualClock(50 * second);
  const truth: TrueSample[] = [];
  let count = 0;
  const peer = new BridgePeer({
    clock,
    serial: 'CW000042',
    counts: () => count++,
    onSample: (sample) => truth.push(sample),
    ...options,
  });
  const ports = new PeerPorts(clock, { bytes: peer });
  const readings: CellReading[] = [];
  const faults: DeviceFault[] = [];
  const pass = (us: number) => passTime(clock, us);
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    // Loading libraries takes real time, in which virtual time stands still.
    for (let turns = 0; !done && turns < 200 && ports.open === 0; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    while (!done) await pass(10_000);
    return work;
  };
  return {
    clock,
    peer,
    ports,
    truth,
    readings,
    faults,
    pass,
    settle,
    async open(chosen = {}, through = ports) {
      const parsed = parseDriverOptions(firmataHx711, { port: anyPort, cells: four, ...chosen }, 'bridge');
      const opening = firmataHx711.open(parsed as never, {
        id: 'bridge',
        clock,
        log: silentLogger,
        buses: new Map(),
        ports: through,
      });
      const device = (await settle(opening)) as LoadCellBridge;
      device.faults.subscribe((fault) => faults.push(fault));
      return device;
    },
    start: (device) =>
      settle(
        device.start((reading) => {
          if (reading.kind === 'cell') readings.push(reading);
        }),
      ),
  };
}

/** Faults as a row of words: whose, which, and whether it is over. */
export const told = (faults: readonly DeviceFault[]) =>
  faults.map(
    ({ fault, code, channel, cleared }) =>
      `${channel ?? 'bridge'} ${fault} ${code}${cleared === true ? ' over' : ''}`,
  );
