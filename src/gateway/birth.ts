import type { Infer } from '#events/fields.ts';
import type { statePayload } from '#events/mqtt-payloads.ts';
import type { DeviceReport } from './devices.ts';

type Born = NonNullable<Infer<typeof statePayload>['devices']>[number];

/** A device as the birth on `state` names it: what it is, as far as it has said. */
export function bornDevice({ id, driver, identity }: Pick<DeviceReport, 'id' | 'driver' | 'identity'>): Born {
  const { vendor, model, serial, firmware } = identity;
  return {
    id,
    driver,
    ...(vendor === undefined ? {} : { vendor }),
    ...(model === undefined ? {} : { model }),
    ...(serial === undefined ? {} : { serial }),
    ...(firmware === undefined ? {} : { firmware }),
  };
}
