import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import type { Calibration, DeviceEntry } from '#config/board.ts';
import { findDriver, systemAttachments } from '#drivers/registry.ts';
import { judgeHardware } from './calibrated-hardware.ts';
import { DeviceSupervisor, type SupervisorOptions } from './devices.ts';
import type { GatewaySetup } from './setup.ts';

interface SupervisionOptions extends Pick<SupervisorOptions, 'tapPorts' | 'onReading' | 'onFault'> {
  readonly clock: Clock;
  readonly log: Logger;
  /** Those that the vision process opens. */
  readonly cameras: readonly DeviceEntry[];
  readonly calibration: () => Calibration | undefined;
}

/** Supervises the devices of a board but for its cameras, as they are attached to this machine. */
export function superviseDevices(setup: GatewaySetup, options: SupervisionOptions): DeviceSupervisor {
  const { cameras, calibration, ...rest } = options;
  return new DeviceSupervisor({
    ...rest,
    entries: setup.board.devices.filter((entry) => !cameras.includes(entry)),
    // Jitter of reconnects must differ between devices, so it is the one thing here that isn't reproducible.
    random: createRandom((Date.now() ^ process.pid) >>> 0),
    findDriver: (name) => findDriver(name, setup.driverPaths),
    attachments: systemAttachments(options.clock),
    judge: judgeHardware(setup.board, calibration),
  });
}
