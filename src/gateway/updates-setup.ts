import { readFileSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { TimeQuality } from '#events/event.ts';
import type { Pipeline } from '#pipeline/pipeline.ts';
import type { Uplink } from '#uplink/uplink.ts';
import type { DecisionLoop } from './decisions.ts';
import type { DeviceReport } from './devices.ts';
import type { LastMeasurements } from './measurements.ts';
import type { GatewaySetup } from './setup.ts';
import { GatewayUpdates } from './updates.ts';

interface UpdatesParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly uplink: Pick<Uplink, 'subscribe' | 'start'>;
  readonly loop: Pick<DecisionLoop, 'append' | 'saveState'> & { readonly pipeline: Pipeline };
  readonly measurements: Pick<LastMeasurements, 'of'>;
  readonly devices: () => readonly DeviceReport[];
  readonly timeQuality: () => TimeQuality;
}

/** The driver of boards whose firmware comes with releases, and its name there. */
const boardDriver = 'firmata-hx711';
const boardFirmware = 'load-cell-bridge';

/** Puts the part together that takes releases of this software. */
export function gatewayUpdates(setup: GatewaySetup, parts: UpdatesParts): GatewayUpdates {
  const { config, broker, dataFolder } = setup;
  const { clock, log, uplink, loop } = parts;
  const firmware = releaseFirmware();
  return new GatewayUpdates({
    place: config,
    config: config.updates,
    caFile: broker.caFile,
    dataFolder,
    ...{ clock, log, uplink, loop, stored: uplink.start.state },
    clockTrusted: () => parts.timeQuality() !== 'unset',
    busy: () => busyWith(parts, config.updates.leastBatteryPpm),
    firmwareBehind: () =>
      firmware === undefined
        ? []
        : parts
            .devices()
            .filter(({ driver, identity }) => driver === boardDriver && identity?.firmware !== undefined)
            .filter(({ identity }) => identity?.firmware !== firmware)
            .map(({ id, identity }) => `${id}: ${identity?.firmware}, not ${firmware}`),
  });
}

function busyWith({ loop, measurements, devices }: UpdatesParts, leastPpm: number): string | undefined {
  const { pipeline } = loop;
  if (pipeline.session !== undefined) return 'somebody shops';
  if (pipeline.upkeep.maintained.length > 0) return 'plates are in maintenance or being calibrated';
  for (const { id } of devices()) {
    const { externalPower, batteryPpm } = measurements.of(id) ?? {};
    if (externalPower !== true && batteryPpm !== undefined && batteryPpm < leastPpm) {
      return `the battery has ${Math.round(batteryPpm / 10_000)} % left, and no power comes from outside`;
    }
  }
  return undefined;
}

/** What firmware the release that runs here brings; undefined where it is no release. */
function releaseFirmware(): string | undefined {
  try {
    const text = readFileSync(new URL('../../release.json', import.meta.url), 'utf8');
    const { firmware } = JSON.parse(text) as { firmware?: Readonly<Record<string, string>> };
    return firmware?.[boardFirmware];
  } catch {
    return undefined;
  }
}
