import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Device } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { openBusBytes, openBusI2c } from './bus.ts';
import type { ByteRequest, I2cRequest, Ports } from './ports.ts';

export interface SystemPortsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The profile's devices through which others are reached. */
  readonly buses: ReadonlyMap<string, Device>;
}

/** Ports of the machine itself: its kernel's devices and its network. What a kind needs is loaded when it is first opened. */
export function createSystemPorts({ clock, buses }: SystemPortsOptions): Ports {
  const unknown = (): Promise<never> =>
    Promise.reject(new DriverError('CW-DRV-004', 'this kind of port can not be opened on this machine'));
  return {
    async bytes(request: ByteRequest) {
      if (request.via === 'bus') return openBusBytes(buses, request.bus);
      if (request.via === 'tcp') return (await import('./tcp.ts')).openTcp(request.host, request.port, clock);
      return unknown();
    },
    async i2c(request: I2cRequest) {
      if (request.via === 'bus') return openBusI2c(buses, request.bus);
      return unknown();
    },
    reports: unknown,
    input: unknown,
    attributes: unknown,
    lines: unknown,
    list: async () => [],
  };
}
