import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { z } from 'zod';
import type { Clock } from '#base/clock.ts';
import type { Device, Driver, DriverContext } from '#drivers/driver.ts';
import type { PortListener, Ports, ReportPort } from '#drivers/ports/ports.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { hidPosReportBytes } from '#drivers/scanner/hid-pos-report.ts';
import { hidPosScanner } from '#drivers/scanner/hid-pos-scanner.ts';

/**
 * Drivers of the load benchmark, loaded into the gateway as a maker's own would be: the shipped HID POS driver on
 * reports that come over TCP, a camera that is only simulated, and a probe that measures the process from inside.
 */
const overTcp = z.strictObject({ port: z.int().min(1).max(65_535) });
const identity = { vendor: 'cartwright', model: 'bench' };
const noFaults = { subscribe: () => () => {} };

/** What the probe answers, a line of JSON. */
export interface ProbeAnswer {
  /** How much later than due the event loop came round, ms. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Frames that the camera filled, and those that found all buffers full. */
  readonly frames: number;
  readonly framesDropped: number;
}

const counted = { frames: 0, dropped: 0 };

const scanner: Driver<z.infer<typeof overTcp>> = {
  contract: 1,
  name: 'bench-hid-pos-scanner',
  kind: 'scanner',
  options: overTcp,
  open({ port }, context) {
    const ports = Object.create(context.ports, {
      reports: { value: () => openReports(port, context.clock) },
      list: { value: async () => [] },
    }) as Ports;
    const options = parseDriverOptions(hidPosScanner as Driver, {}, context.id);
    return (hidPosScanner as Driver).open(options, { ...context, ports });
  },
};

/** A scanner's reports from a TCP port, one after the other. */
async function openReports(port: number, clock: Clock): Promise<ReportPort> {
  let listener: PortListener<Uint8Array> | undefined;
  let rest = new Uint8Array();
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('data', (bytes) => {
    const atUs = clock.nowUs();
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let at = 0;
    for (; at + hidPosReportBytes <= all.length; at += hidPosReportBytes) {
      listener?.data(Uint8Array.from(all.subarray(at, at + hidPosReportBytes)), atUs);
    }
    rest = Uint8Array.from(all.subarray(at));
  });
  await connected(socket);
  return {
    identity,
    listen: (to) => {
      listener = to;
    },
    write: async () => {},
    sendFeature: async () => {},
    getFeature: async (_id, bytes) => new Uint8Array(bytes),
    close: async () => {
      socket.destroy();
    },
  };
}

const cameraOptions = z.strictObject({
  width: z.int().positive(),
  height: z.int().positive(),
  framesPerSecond: z.number().positive(),
  buffers: z.int().min(1),
});

/**
 * A camera as the kernel's would be: it fills buffers in time, whether anybody looks or not, and drops what finds all
 * of them full. The processor pays for one copy of each frame.
 */
const camera: Driver<z.infer<typeof cameraOptions>> = {
  contract: 1,
  name: 'bench-camera',
  kind: 'camera',
  options: cameraOptions,
  async open({ width, height, framesPerSecond, buffers }, context) {
    const bytes = (width * height * 3) / 2;
    const picture = new Uint8Array(bytes).fill(0x80);
    const ring = Array.from({ length: buffers }, () => new Uint8Array(bytes));
    const periodUs = 1e6 / framesPerSecond;
    let cancel = () => {};
    const start: Device['start'] = async (sink) => {
      const startUs = context.clock.nowUs();
      let taken = 0;
      const wake = () => {
        cancel = context.clock.after(startUs + (taken + 1) * periodUs - context.clock.nowUs(), look);
      };
      const look = () => {
        const filled = Math.floor((context.clock.nowUs() - startUs) / periodUs);
        counted.dropped += Math.max(0, filled - taken - buffers);
        taken = Math.max(taken, filled - buffers);
        for (; taken < filled; taken++) {
          const data = ring[taken % buffers] ?? picture;
          picture[taken % bytes] = taken & 0xff;
          data.set(picture);
          const atUs = Math.round(startUs + (taken + 1) * periodUs);
          sink({ kind: 'frame', source: context.id, atUs, width, height, format: 'yuv420', data });
          counted.frames += 1;
        }
        wake();
      };
      wake();
    };
    return { identity, faults: noFaults, start, stop: async () => cancel() };
  },
};

/** Answers on a TCP connection of its own, a line for each byte that comes: what was since the last one. */
const probe: Driver<z.infer<typeof overTcp>> = {
  contract: 1,
  name: 'bench-probe',
  kind: 'bus',
  options: overTcp,
  async open({ port }, _context: DriverContext) {
    const socket = connect({ host: '127.0.0.1', port });
    await connected(socket);
    const delay = monitorEventLoopDelay({ resolution: probeEveryMs });
    socket.on('data', () => {
      socket.write(`${JSON.stringify(look(delay))}\n`);
      delay.reset();
      counted.frames = 0;
      counted.dropped = 0;
    });
    return {
      identity,
      faults: noFaults,
      start: async () => {
        delay.enable();
      },
      stop: async () => {
        delay.disable();
        socket.destroy();
      },
    };
  },
};

const probeEveryMs = 10;

function look(delay: ReturnType<typeof monitorEventLoopDelay>): ProbeAnswer {
  // The histogram holds the whole time between two looks.
  const late = (ns: number) => Math.max(0, ns / 1e6 - probeEveryMs);
  return {
    delayMs: { p50: late(delay.percentile(50)), p99: late(delay.percentile(99)), max: late(delay.max) },
    frames: counted.frames,
    framesDropped: counted.dropped,
  };
}

function connected(socket: Socket): Promise<void> {
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.on('error', () => socket.destroy());
      resolve();
    });
    socket.once('error', reject);
  });
}

export const drivers = [scanner, camera, probe];
