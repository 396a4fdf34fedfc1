import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { DeviceEntry } from '#config/board.ts';
import { Uplink } from '#uplink/uplink.ts';
import { CalibrationKeeper } from './calibration-keeper.ts';
import { type Begun, beginRun, runRecord } from './operations.ts';
import type { GatewaySetup } from './setup.ts';
import { Trust } from './trust.ts';
import { camerasOf } from './vision-setup.ts';

/** What a gateway is put together on: opened from disk before it decides anything. */
export interface OpenedParts {
  readonly uplink: Uplink;
  readonly cameras: readonly DeviceEntry[];
  readonly trust: Trust;
  readonly calibrations: CalibrationKeeper;
  readonly begun: Begun;
}

/** Opens them. Rejects with coded errors; what was opened is closed again, and why is noted for the next birth. */
export async function openParts(options: {
  readonly setup: GatewaySetup;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<OpenedParts> {
  const { setup, clock, log } = options;
  const { config } = setup;
  const opening = Uplink.open({
    store: config.store,
    device: config.device,
    folder: setup.dataFolder,
    encoding: config.encoding,
    broker: setup.broker,
    outbox: config.outbox,
    log,
  });
  const uplink = await opening.catch(async (error: unknown) => {
    await runRecord(setup, clock, log).failed(error);
    throw error;
  });
  const begun = await beginRun(setup, clock, log);
  try {
    const cameras = await camerasOf(setup.board, setup.driverPaths);
    const trust = await Trust.open({ ...options, uplink });
    const calibrations = await CalibrationKeeper.open({ ...options, stored: uplink.start.state });
    return { uplink, cameras, trust, calibrations, begun };
  } catch (error) {
    await begun.record.failed(error);
    await uplink.stop();
    throw error;
  }
}
