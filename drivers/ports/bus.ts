import type { Device } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { BytePort, I2cPort, PortBus } from './ports.ts';

/** A stream of bytes through another device of the profile. Rejects with CW-DRV-004 where it isn't open, CW-DRV-002 where it has none. */
export async function openBusBytes(buses: ReadonlyMap<string, Device>, bus: string): Promise<BytePort> {
  const device = busOf(buses, bus);
  if (device.openBytes !== undefined) return device.openBytes();
  throw new DriverError('CW-DRV-002', `device ${bus} offers no stream of bytes; name a device that does`);
}

/** An I²C bus of another device of the profile. Rejects as `openBusBytes` does. */
export async function openBusI2c(buses: ReadonlyMap<string, Device>, bus: string): Promise<I2cPort> {
  const device = busOf(buses, bus);
  if (device.openI2c !== undefined) return device.openI2c();
  throw new DriverError('CW-DRV-002', `device ${bus} offers no I²C bus; name a device that does`);
}

function busOf(buses: ReadonlyMap<string, Device>, bus: string): Device & PortBus {
  const device: (Device & PortBus) | undefined = buses.get(bus);
  if (device !== undefined) return device;
  throw new DriverError('CW-DRV-004', `it is reached through device ${bus}, which is not open yet`);
}
