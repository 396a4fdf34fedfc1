import { readFile } from 'node:fs/promises';
import type { EventData } from '#events/catalog.ts';
import type { TimeQuality } from '#events/event.ts';
import type { DeviceReport } from './devices.ts';
import type { LastMeasurements } from './measurements.ts';

export type Health = EventData<'gateway.health'>;

export interface HealthFacts {
  readonly uptimeUs: number;
  readonly devices: readonly DeviceReport[];
  /** What power and temperature sensors said last. */
  readonly measurements: Pick<LastMeasurements, 'of'>;
  /** Cells that can't be trusted, with the kind of their fault. */
  readonly faultyCells: readonly { readonly cell: string; readonly fault: string }[];
  readonly uplink: {
    readonly connected: boolean;
    readonly outboxEvents: number;
    readonly outboxBytes: number;
    readonly dropped: number;
  };
  readonly timeQuality: TimeQuality;
  /** Of what looks through the cameras, where the board has some. */
  readonly vision?: Health['vision'];
  /** Whose commands are taken, where that is restricted. */
  readonly keys?: Health['keys'] | undefined;
  /** How the calibration of the scales stands. */
  readonly calibration?: Health['calibration'];
  /** Of the machine, its supply, its disk and its certificate. */
  readonly operations?: Pick<Health, 'certificate' | 'power' | 'storage' | 'warnings'>;
  /** How updates stand, where the device takes some. */
  readonly update?: Health['update'];
  /** Which root runs, on machines with two of them. */
  readonly root?: Health['root'];
  readonly milliCelsius: number | undefined;
}

/** Rates over less than this say nothing, µs: a report that follows another at once repeats the last ones. */
const shortestSpanUs = 1_000_000;

/** Makes one report after the other; rates and processor share are measured over a second at least. */
export class HealthReporter {
  #measuredUs: number | undefined;
  #readings = new Map<string, number>();
  #cpu = process.cpuUsage();
  #ratesPerMinute = new Map<string, number>();
  #cpuPpm: number | undefined;

  /** @param nowUs monotonic time of the report */
  report(facts: HealthFacts, nowUs: number): Health {
    this.#measure(facts.devices, nowUs);
    const sensors = facts.devices.map((device) => ({
      id: device.id,
      ok: device.state === 'running' && device.fault === undefined,
      ratePerMinute: this.#ratesPerMinute.get(device.id) ?? 0,
      ...(device.fault === undefined ? {} : { fault: device.fault.code }),
      // What a device that is gone said last is no longer so.
      ...(device.state === 'running' ? facts.measurements.of(device.id) : undefined),
    }));
    const cells = facts.faultyCells.map(({ cell, fault }) => ({
      id: cell,
      ok: false,
      ratePerMinute: 0,
      fault,
    }));
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
      ...(facts.vision === undefined ? {} : { vision: facts.vision }),
      ...(facts.keys === undefined ? {} : { keys: facts.keys }),
      ...(facts.calibration === undefined ? {} : { calibration: facts.calibration }),
      ...(facts.update === undefined ? {} : { update: facts.update }),
      ...(facts.root === undefined ? {} : { root: facts.root }),
      ...facts.operations,
      ...(this.#cpuPpm === undefined ? {} : { cpuPpm: this.#cpuPpm }),
    };
  }

  #measure(devices: readonly DeviceReport[], nowUs: number): void {
    const spanUs = nowUs - (this.#measuredUs ?? nowUs);
    if (this.#measuredUs !== undefined) {
      if (spanUs < shortestSpanUs) return;
      for (const { id, readings } of devices) {
        const since = readings - (this.#readings.get(id) ?? 0);
        this.#ratesPerMinute.set(id, Math.max(0, Math.round((since * 60_000_000) / spanUs)));
      }
      const { user, system } = process.cpuUsage(this.#cpu);
      this.#cpuPpm = Math.round(((user + system) * 1_000_000) / spanUs);
    }
    this.#measuredUs = nowUs;
    this.#readings = new Map(devices.map(({ id, readings }) => [id, readings]));
    this.#cpu = process.cpuUsage();
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
