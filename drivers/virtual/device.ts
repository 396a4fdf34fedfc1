import type { Reading, ReadingSink } from '#readings/readings.ts';
import type { Device, DeviceIdentity, DriverContext } from '../driver.ts';
import { FaultBus } from '../fault-bus.ts';
import { unknownCall, type WorldDevice } from './world.ts';

export interface VirtualDevicePlan {
  readonly driver: string;
  readonly identity: DeviceIdentity;
  /** Sources of the world that this device reads. */
  readonly sources: readonly string[];
  /** What goes to the sink for a reading of the world: through the bytes that the real device would send. */
  readonly transmit: (reading: Reading, sink: ReadingSink) => void;
}

/**
 * A device of a virtual world. Besides what its kind does it knows the call `disconnect`: it vanishes as if unplugged,
 * with a fault, until it is opened anew.
 */
export function virtualDevice(plan: VirtualDevicePlan, world: WorldDevice, context: DriverContext): Device {
  const faults = new FaultBus((error) => context.log.error({ error }, 'a fault listener threw'));
  let endings: (() => void)[] = [];
  let vanished = false;
  const silence = () => {
    for (const end of endings) end();
    endings = [];
  };
  return {
    identity: plan.identity,
    faults,
    async start(sink) {
      if (vanished || endings.length > 0) return;
      endings = plan.sources.map((source) =>
        world.world.listen(source, (reading) => plan.transmit(reading, sink)),
      );
      await world.started();
    },
    async stop() {
      silence();
    },
    async call(action) {
      if (action !== 'disconnect') throw unknownCall(plan.driver, action, ['disconnect']);
      silence();
      vanished = true;
      faults.emit({
        fault: 'disconnected',
        code: 'CW-DRV-005',
        message: `${context.id} was unplugged; plug it in again`,
      });
      return {};
    },
  };
}
