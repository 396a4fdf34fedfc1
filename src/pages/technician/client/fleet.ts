import { gatewayHealth } from '#events/data/gateway.ts';
import type { Infer } from '#events/fields.ts';
import { statePayload } from '#events/mqtt-payloads.ts';
import type { Heard } from './broker.ts';
import { readRecord } from './records.ts';

export type DeviceState = Infer<typeof statePayload>;
export type DeviceHealth = Infer<typeof gatewayHealth>;

/** When a calibration was made and whether it is due, as health tells it; left out by devices that don't tell. */
export interface CalibrationHealth {
  readonly revision?: number;
  /** Days since it was made. */
  readonly ageDays?: number;
  readonly due: boolean;
  /** Why, for people. */
  readonly reasons: readonly string[];
}

export interface FleetDevice {
  readonly id: string;
  readonly state: DeviceState | undefined;
  readonly health: DeviceHealth | undefined;
  readonly calibration: CalibrationHealth | undefined;
}

/** How a device is, in one word; the order is that of the list: what needs somebody first. */
export const conditions = ['offline', 'fault', 'due', 'ok', 'unknown'] as const;
export type Condition = (typeof conditions)[number];

/** What the retained topics of all devices say. */
export class Fleet {
  readonly #devices = new Map<string, FleetDevice>();

  /** Takes what came; true where it changed what is known. What can't be read changes nothing. */
  take({ device, topic, payload }: Heard): boolean {
    if (device === '_store' || (topic !== 'state' && topic !== 'health')) return false;
    const known = this.#devices.get(device) ?? {
      id: device,
      state: undefined,
      health: undefined,
      calibration: undefined,
    };
    try {
      if (payload.length === 0) return topic === 'state' && this.#devices.delete(device);
      if (topic === 'state')
        this.#devices.set(device, { ...known, state: newer(known.state, readRecord(statePayload, payload)) });
      else {
        const health = readRecord(gatewayHealth, payload);
        this.#devices.set(device, { ...known, health, calibration: calibrationIn(health) });
      }
      return true;
    } catch {
      return false;
    }
  }

  get(id: string): FleetDevice | undefined {
    return this.#devices.get(id);
  }

  /** All devices, what needs somebody first, then by name. */
  list(): readonly FleetDevice[] {
    const rank = (device: FleetDevice) => conditions.indexOf(conditionOf(device));
    return [...this.#devices.values()].sort(
      (a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id, 'en', { numeric: true }),
    );
  }
}

/** A will that names an older connection than the last birth comes late and means nothing; it also has none of its facts. */
function newer(known: DeviceState | undefined, next: DeviceState): DeviceState {
  if (next.online) return next;
  if (known?.online === true && known.ledger === next.ledger && next.connection < known.connection)
    return known;
  return { ...known, ...next };
}

/** How a device is. */
export function conditionOf({ state, health, calibration }: FleetDevice): Condition {
  if (state === undefined) return 'unknown';
  if (!state.online) return 'offline';
  if (state.mode === 'safe') return 'fault';
  if (health === undefined) return 'unknown';
  if (!health.ok || faultsOf(health).length > 0) return 'fault';
  return calibration?.due === true ? 'due' : 'ok';
}

/** Sensors that are not well, and what else is wrong, as `id: code`. */
export function faultsOf(health: DeviceHealth): readonly { readonly id: string; readonly code: string }[] {
  const sensors = health.sensors
    .filter(({ ok, fault }) => !ok || fault !== undefined)
    .map(({ id, fault }) => ({ id, code: fault ?? 'no fresh readings' }));
  const keys = health.keys?.fault === undefined ? [] : [{ id: 'keys', code: health.keys.fault }];
  return [...sensors, ...keys];
}

const daySeconds = 86_400;

/** What health says of the calibration. */
function calibrationIn({ calibration }: DeviceHealth): CalibrationHealth | undefined {
  if (calibration === undefined) return undefined;
  const { revision, ageS, due, reasons } = calibration;
  return {
    due,
    reasons: reasons.map(({ at, message }) => (at === undefined ? message : `${at}: ${message}`)),
    ...(revision === undefined ? {} : { revision }),
    ...(ageS === undefined ? {} : { ageDays: Math.floor(ageS / daySeconds) }),
  };
}
