import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import type { LoadCellBridge } from '#drivers/load-cell/firmata-hx711/bridge.ts';
import { findDriver } from '#drivers/registry.ts';
import { DeviceSupervisor } from '#gateway/devices.ts';
import type { CellReading } from '#readings/readings.ts';

/** What the process tells four times a second, one JSON object a line. */
export interface ReaderReport {
  readonly state: string;
  readonly serial: string | undefined;
  /** johnny-five's own board is ready. */
  readonly boardReady: boolean;
  readonly cells: Readonly<
    Record<string, { readonly readings: number; readonly counts: number; readonly disorders: number }>
  >;
  /** Code and kind of each fault and of its end, in order. */
  readonly faults: readonly string[];
  /** Reading stamps that lay ahead of the clock. */
  readonly ahead: number;
  readonly openFiles: number;
}

/**
 * Reads a bridge at a serial port as the gateway does: supervisor, driver, system ports. A process of its own, as
 * serial ports are opened in main threads only.
 */
async function main(path: string, cells: readonly string[]): Promise<void> {
  const { readdirSync } = await import('node:fs');
  const seen = new Map<string, { readings: number; counts: number; disorders: number; last: CellReading }>();
  const faults: string[] = [];
  let ahead = 0;
  const supervisor = new DeviceSupervisor({
    entries: [{ id: 'bridge', driver: 'firmata-hx711', options: { port: { path }, cells: [...cells] } }],
    clock: systemClock,
    log: silentLogger,
    random: createRandom(1),
    findDriver,
    onReading: (reading) => {
      if (reading.kind !== 'cell') return;
      if (reading.atUs > systemClock.nowUs()) ahead += 1;
      const cell = seen.get(reading.source) ?? { readings: 0, counts: 0, disorders: 0, last: reading };
      seen.set(reading.source, cell);
      if (reading.atUs < cell.last.atUs) cell.disorders += 1;
      cell.readings += 1;
      cell.counts = reading.counts;
      cell.last = reading;
    },
    onFault: (_source, { fault, code, cleared }) =>
      faults.push(`${fault} ${code}${cleared === true ? ' over' : ''}`),
  });
  const report = () => {
    const [device] = supervisor.reports();
    const bridge = supervisor.device('bridge') as LoadCellBridge | undefined;
    const value: ReaderReport = {
      state: device?.state ?? 'closed',
      serial: device?.identity.serial,
      boardReady: device?.state === 'running' && bridge?.board.isReady === true,
      cells: Object.fromEntries([...seen].map(([cell, { last: _, ...counts }]) => [cell, counts])),
      faults,
      ahead,
      openFiles: readdirSync('/proc/self/fd').length,
    };
    process.stdout.write(`${JSON.stringify(value)}\n`);
  };
  const timer = setInterval(report, 250);
  process.once('SIGTERM', () => {
    clearInterval(timer);
    void supervisor.stop().then(report);
  });
  await supervisor.start();
}

const [path = '', ...cells] = process.argv.slice(2);
await main(path, cells);
