import { setTimeout } from 'node:timers/promises';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { LoadCellBridge } from '#drivers/load-cell/firmata-hx711/bridge.ts';
import { createSystemPorts, openDevice } from '#drivers/registry.ts';
import { Weigher } from '#weighing/weigher.ts';
import { calibrationOf, defaults, plateOf } from '../../weighing/bench-plate.ts';

/** What came of the stream. */
export interface LoadResult {
  readonly samples: number;
  /** Samples that were sent and did not become readings. */
  readonly lost: number;
  readonly framesLost: number;
  readonly damaged: number;
  readonly seconds: number;
  /** Of one core. */
  readonly cpuShare: number;
  readonly grossMg: number | undefined;
}

const channels = 8;
const warmUpMs = 3_000;

/** Reads the bridge at a port (`/…`: a serial port's path, else a TCP port) and weighs, as the gateway does. */
async function main(where: string, baudRate: number, seconds: number): Promise<LoadResult> {
  const cells = Array.from({ length: channels }, (_, channel) => `cell-${channel}`);
  const plate = plateOf(channels);
  const weigher = new Weigher({
    plates: [plate],
    calibration: calibrationOf(plate),
    config: defaults,
    sink: () => {},
  });
  const way = where.startsWith('/')
    ? { port: { path: where } }
    : { tcp: { host: '127.0.0.1', port: Number(where) } };
  const buses = new Map();
  const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses });
  const context = { id: 'bridge', clock: systemClock, log: silentLogger, buses, ports };
  const options = { ...way, cells, baudRate };
  const device = (await openDevice(
    { id: 'bridge', driver: 'firmata-hx711', options },
    context,
  )) as LoadCellBridge;
  const last = new Map<string, number>();
  let samples = 0;
  let lost = 0;
  await device.start((reading) => {
    if (reading.kind !== 'cell') return;
    const index = reading.counts & 0xff;
    const before = last.get(reading.source);
    if (before !== undefined) lost += (index - before - 1) & 0xff;
    last.set(reading.source, index);
    samples += 1;
    weigher.cell(reading.source, reading.atUs, reading.counts, reading.sequence);
  });
  await setTimeout(warmUpMs);
  const first = samples;
  const cpu = process.cpuUsage();
  const began = performance.now();
  await setTimeout(seconds * 1000);
  const used = process.cpuUsage(cpu);
  const wallMs = performance.now() - began;
  const result = {
    samples: samples - first,
    lost,
    framesLost: device.counts.framesLost,
    damaged: device.counts.damaged,
    seconds: wallMs / 1000,
    cpuShare: (used.user + used.system) / 1000 / wallMs,
    grossMg: weigher.status(plate.id).grossMg,
  };
  await device.stop();
  return result;
}

const [where = '', baudRate = '500000', seconds = '30'] = process.argv.slice(2);
console.log(JSON.stringify(await main(where, Number(baudRate), Number(seconds))));
