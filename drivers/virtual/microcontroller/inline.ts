import type { Clock } from '#base/clock.ts';
import type { Running, RunningEvents } from './running.ts';
import { Simulator, type SimulatorOptions } from './simulator.ts';

/** How often bytes are handed over, µs: a USB adapter does it every millisecond. */
const sliceUs = 1_000;

/** Runs a simulator in this thread, in slices of the clock given: in virtual time, as tests do. */
export function runInline(options: SimulatorOptions, clock: Clock, events: RunningEvents): Running {
  const simulator = new Simulator(options, clock.nowUs());
  let cancel = () => {};
  const arm = () => {
    cancel = clock.after(sliceUs, () => {
      const atUs = clock.nowUs();
      const bytes = simulator.run(atUs);
      arm();
      if (bytes.length > 0) events.bytes(bytes, atUs);
    });
  };
  arm();
  return {
    send: (bytes) => simulator.mcu.send(bytes),
    feed: (batch) => simulator.feed(batch),
    pressReset: () => simulator.mcu.pressReset(),
    beginFault: async (id, fault) => simulator.beginFault(id, fault),
    endFault: async (id) => simulator.endFault(id),
    statistics: async () => simulator.statistics(),
    stop: async () => cancel(),
  };
}
