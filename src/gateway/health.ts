import { readFile } from 'node:fs/promises';
import type { EventData } from '#events/catalog.ts';
import type { TimeQuality } from '#events/event.ts';
import type { DeviceReport } from './devices.ts';

export type Health = EventData<'gateway.health'>;

export interface HealthFacts {
  readonly uptimeUs: number;
  readonly devices: readonly DeviceReport[];
  /** Cells that can't be trusted, with the kind of their fault. */
  readonly faultyCells: readonly { readonly cell: string; readonly fault: string }[];
  readonly uplink: {
    readonly connected: boolean;
    readonly outboxEvents: number;
    readonly outboxBytes: number;
    readonly dropped: number;
  };
  readonly timeQuality: TimeQuality;
  readonly milliCelsius: number | undefined;
}

/** Makes one report after the other; rates and processor share are those since the last one. */
export class HealthReporter {
  #lastUs: number | undefined;
  #lastReadings = new Map<string, number>();
  #lastCpu = process.cpuUsage();

  /** @param nowUs monotonic time of the report */
  report(facts: HealthFacts, nowUs: number): Health {
    const first = this.#lastUs === undefined;
    const elapsedUs = Math.max(1, nowUs - (this.#lastUs ?? nowUs));
    const sensors = facts.devices.map((device) => {
      const since = device.readings - (this.#lastReadings.get(device.id) ?? 0);
      return {
        id: device.id,
        ok: device.state === 'running' && device.fault === undefined,
        ratePerMinute: first ? 0 : Math.max(0, Math.round((since * 60_000_000) / elapsedUs)),
        ...(device.fault === undefined ? {} : { fault: device.fault.code }),
      };
    });
    const cells = facts.faultyCells.map(({ cell, fault }) => ({
      id: cell,
      ok: false,
      ratePerMinute: 0,
      fault,
    }));
    const cpu = process.cpuUsage(this.#lastCpu);
    const cpuPpm = Math.round(((cpu.user + cpu.system) * 1_000_000) / elapsedUs);
    this.#lastUs = nowUs;
    this.#lastReadings = new Map(facts.devices.map((device) => [device.id, device.readings]));
    this.#lastCpu = process.cpuUsage();
    return {
      // A broker that is away is no reason to stop trusting decisions: they are kept on disk.
      ok: cells.length === 0 && sensors.every((sensor) => sensor.ok),
      uptimeS: Math.floor(facts.uptimeUs / 1_000_000),
      sensors: [...sensors, ...cells],
      outboxEvents: facts.uplink.outboxEvents,
      outboxBytes: facts.uplink.outboxBytes,
      dropped: facts.uplink.dropped,
      connected: facts.uplink.connected,
      timeQuality: facts.timeQuality,
      rssBytes: process.memoryUsage.rss(),
      ...(facts.milliCelsius === undefined ? {} : { milliCelsius: facts.milliCelsius }),
      ...(first ? {} : { cpuPpm }),
    };
  }
}

/** The processor's temperature in m°C, where Linux tells it. */
export async function processorTemperature(): Promise<number | undefined> {
  try {
    const milliCelsius = Number.parseInt(await readFile('/sys/class/thermal/thermal_zone0/temp', 'utf8'), 10);
    return Number.isNaN(milliCelsius) ? undefined : milliCelsius;
  } catch {
    return undefined;
  }
}
