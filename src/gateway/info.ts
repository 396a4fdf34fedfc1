import type { PlainMap } from '#events/fields.ts';
import type { Stock } from '#pipeline/shop.ts';
import type { Uplink } from '#uplink/uplink.ts';
import type { DeviceReport } from './devices.ts';
import type { GatewaySetup } from './setup.ts';

/** What `gateway.info` answers. */
export function gatewayInfo(
  setup: GatewaySetup,
  { boot, ledger }: Uplink['start'],
  { catalogue, planogram }: Stock,
  reports: readonly DeviceReport[],
  run: { readonly sequence: number; readonly uptimeS: number; readonly late: number },
): PlainMap {
  const { config, board, versions, calibration } = setup;
  return {
    store: config.store,
    device: config.device,
    board: board.name,
    software: versions.software,
    boot,
    ledger,
    sequence: run.sequence,
    catalogue: catalogue.version,
    products: catalogue.products.length,
    ...(planogram === undefined ? {} : { planogram: planogram.version }),
    ...(calibration === undefined ? {} : { calibration: calibration.revision }),
    uptimeS: run.uptimeS,
    lateInputs: run.late,
    devices: reports.map(({ id, driver, state, fault }) => ({
      id,
      driver,
      state,
      ...(fault === undefined ? {} : { fault: fault.code }),
    })),
  };
}
