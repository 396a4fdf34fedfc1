import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Device } from '../driver.ts';
import { openBusBytes, openBusI2c } from './bus.ts';
import type { Attached, BytePort, ByteRequest, I2cPort, I2cRequest, Ports } from './ports.ts';
import { machineRoot, type System, type SystemRoot } from './root.ts';

export interface SystemPortsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The profile's devices through which others are reached. */
  readonly buses: ReadonlyMap<string, Device>;
  /** Where the kernel shows its devices; the machine's own unless given. */
  readonly root?: SystemRoot;
  /** Sees which device is meant before it is opened; what it rejects with is what the opening rejects with. */
  readonly beforeOpen?: (device: Attached) => Promise<void>;
}

/**
 * Ports of the machine itself: its kernel's devices and its network. What a kind of port needs is loaded when the first
 * one is opened, so that a gateway without it starts no later.
 */
export function createSystemPorts(options: SystemPortsOptions): Ports {
  const { clock, log, buses, root = machineRoot, beforeOpen = async () => {} } = options;
  const system = { clock, log, root, beforeOpen };
  return {
    bytes: (request) => openBytes(request, buses, system),
    i2c: (request) => openI2c(request, buses, system),
    reports: async (request) => (await import('./hid.ts')).openHid(request, system),
    input: async (request) => (await import('./input.ts')).openInput(request, system),
    attributes: async (request) => (await import('./attributes.ts')).openAttributes(request, system),
    lines: async (request) => (await import('./gpio.ts')).openLines(request, system),
    video: async (request) => (await import('./video.ts')).openVideo(request, system),
    program: async (request) => (await import('./program.ts')).openProgram(request, system),
    pictures: async (request) => (await import('./pictures.ts')).openPictures(request),
    list: async (kind) => (await import('./list.ts')).listAttached(kind, root),
  };
}

async function openBytes(
  request: ByteRequest,
  buses: ReadonlyMap<string, Device>,
  system: System,
): Promise<BytePort> {
  switch (request.via) {
    case 'serial':
      return (await import('./serial.ts')).openSerial(request.match, request.settings, system);
    case 'tcp':
      return (await import('./tcp.ts')).openTcp(request.host, request.port, system.clock);
    case 'bus':
      return openBusBytes(buses, request.bus);
  }
}

async function openI2c(
  request: I2cRequest,
  buses: ReadonlyMap<string, Device>,
  system: System,
): Promise<I2cPort> {
  if (request.via === 'bus') return openBusI2c(buses, request.bus);
  return (await import('./i2c-dev.ts')).openI2cDev(request.adapter, system);
}
