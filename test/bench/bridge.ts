import { EventEmitter } from 'node:events';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import { loadBoardLibraries } from '#drivers/load-cell/firmata-hx711/board.ts';
import { firmataHx711 } from '#drivers/load-cell/firmata-hx711/driver.ts';
import { firmataHx711Options } from '#drivers/load-cell/firmata-hx711/options.ts';
import { encodeHostMessage } from '#drivers/load-cell/firmata-hx711/protocol.ts';
import type { BytePort, PortListener } from '#drivers/ports/ports.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { BridgePeer } from '#drivers/virtual/peers/bridge.ts';
import type { Reading } from '#readings/readings.ts';
import { Weigher } from '#weighing/weigher.ts';
import { calibrationOf, defaults, plateOf } from '../weighing/bench-plate.ts';
import { runLoad } from './bridge/load.ts';
import type { BenchContext, Part } from './support/part.ts';
import { runNode } from './support/processes.ts';
import { measured } from './support/report.ts';

const name = 'bridge';
const channels = 8;
/** A full-speed USB packet: what an adapter hands over at a time. */
const chunkBytes = 64;

interface Stream {
  readonly chunks: readonly { readonly bytes: Uint8Array; readonly atUs: number }[];
  readonly samples: number;
}

interface BridgeCosts {
  readonly toMass: number[];
  readonly toReadings: number[];
  readonly firmata: number[];
  readonly firmataDecoded: number[];
  readonly samples: number;
  readonly bytes: number;
}

/** What load cells cost the host from the serial line to the plate's mass, and how it stands a fast stream. */
export const bridgePart: Part = {
  name,
  about:
    'µs CPU per cell sample from serial byte to plate mass, beside firmata-io; 8 cells × 320 SPS at 500 kBd',
  async run(context: BenchContext) {
    const args = context.quick ? ['60', '3'] : ['600', '8'];
    const { value } = await runNode<BridgeCosts>([import.meta.filename, ...args]);
    const unit = 'µs CPU/cell sample';
    const note = `${value.samples} samples of 8 cells in ${value.bytes} bytes from memory, ${chunkBytes} at a time`;
    context.say('reading 8 cells × 320 SPS at 500 kBd in real time');
    return [
      measured(name, 'serial bytes to plate mass: driver and weighing', unit, value.toMass, { note }),
      measured(name, 'of that the driver alone: bytes to readings', unit, value.toReadings),
      measured(name, 'firmata-io alone: frames found, not decoded', unit, value.firmata),
      measured(name, 'firmata-io alone: frames unpacked by its Encoder7Bit', unit, value.firmataDecoded),
      ...(await runLoad(name, context)),
    ];
  },
};

/** What eight cells send in so many seconds, as the bridge would group it, in the adapter's chunks. */
function makeStream(seconds: number): Stream {
  const clock = new VirtualClock();
  const noise = createRandom(7);
  let samples = 0;
  const peer = new BridgePeer({
    clock,
    seed: 7,
    driftPpm: 2000,
    counts: (channel) => 80_000 + 1_000 * channel + Math.round(40 * noise.gaussian()),
    onSample: () => {
      samples += 1;
    },
  });
  const chunks: { bytes: Uint8Array; atUs: number }[] = [];
  let rest = new Uint8Array();
  const send = (bytes: Uint8Array) => {
    rest = Uint8Array.from([...rest, ...bytes]);
    while (rest.length >= chunkBytes) {
      chunks.push({ bytes: rest.slice(0, chunkBytes), atUs: clock.nowUs() });
      rest = rest.slice(chunkBytes);
    }
  };
  peer.opened({ send });
  peer.received(encodeHostMessage({ kind: 'start', channels: 0xff, rate: 80, gain: 128 }));
  clock.advance(seconds * 1e6);
  return { chunks, samples };
}

/** The driver itself, open and streaming: what its port is handed becomes readings. */
async function openDriver(sink: (reading: Reading) => void): Promise<PortListener<Uint8Array>> {
  const clock = new VirtualClock();
  const ports = new PeerPorts(clock, { bytes: new BridgePeer({ clock, baudRate: 0 }) });
  const { promise, resolve } = Promise.withResolvers<PortListener<Uint8Array>>();
  const tapped = Object.create(ports, {
    bytes: {
      value: async (request: Parameters<PeerPorts['bytes']>[0]): Promise<BytePort> => {
        const port = await ports.bytes(request);
        return {
          identity: port.identity,
          listen: (listener) => {
            resolve(listener);
            port.listen(listener);
          },
          write: (bytes) => port.write(bytes),
          close: () => port.close(),
        };
      },
    },
  }) as PeerPorts;
  const cells = Array.from({ length: channels }, (_, channel) => `cell-${channel}`);
  const options = firmataHx711Options.parse({ port: { path: 'memory' }, cells });
  const context = { id: 'bridge', clock, log: silentLogger, buses: new Map(), ports: tapped };
  const device = await firmataHx711.open(options, context);
  await device.start(sink);
  return promise;
}

async function driverCost(stream: Stream, sink: (reading: Reading) => void): Promise<number> {
  const listener = await openDriver(sink);
  return (
    cpuOf(() => {
      for (const { bytes, atUs } of stream.chunks) listener.data(bytes, atUs);
    }) / stream.samples
  );
}

async function massCost(stream: Stream): Promise<number> {
  const plate = plateOf(channels);
  const weigher = new Weigher({
    plates: [plate],
    calibration: calibrationOf(plate),
    config: defaults,
    sink: () => {},
  });
  let cells = 0;
  const cost = await driverCost(stream, (reading) => {
    if (reading.kind !== 'cell') return;
    cells += 1;
    weigher.cell(reading.source, reading.atUs, reading.counts, reading.sequence);
  });
  const { grossMg } = weigher.status(plate.id);
  if (grossMg === undefined || cells < stream.samples - channels * 3) {
    throw new Error(`${cells} of ${stream.samples} samples arrived; the plate weighs ${grossMg} mg`);
  }
  return cost;
}

/** The same bytes through firmata-io by itself, which has no checksum and knows nothing of load cells. */
async function firmataCost(stream: Stream, decode: boolean): Promise<number> {
  const { Firmata } = await loadBoardLibraries();
  const { default: encoder } = await import('firmata-io/lib/encoder7bit.js');
  const transport = Object.assign(new EventEmitter(), { write: () => {} });
  const io = new Firmata(transport, { reportVersionTimeout: 60_000 });
  let frames = 0;
  let sum = 0;
  io.sysexResponse(8, (data) => {
    frames += 1;
    if (!decode) return;
    const bytes = encoder.from7BitArray(data);
    for (let at = 8; at + 2 < bytes.length - 2; at += 4) {
      sum += (((bytes[at + 2] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at] ?? 0) << 8)) >> 8;
    }
  });
  transport.emit('data', Uint8Array.of(0xf9, 2, 7));
  const cost =
    cpuOf(() => {
      for (const { bytes } of stream.chunks) transport.emit('data', bytes);
    }) / stream.samples;
  io.clearSysexResponse(8);
  if (frames === 0 || (decode && sum === 0)) throw new Error('firmata-io found no frame in the stream');
  return cost;
}

/** Processor time of this process, the collector's threads included, µs. */
function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const used = process.cpuUsage(before);
  return used.user + used.system;
}

async function measure(seconds: number, runs: number): Promise<BridgeCosts> {
  const stream = makeStream(seconds);
  const costs = { toMass: [], toReadings: [], firmata: [], firmataDecoded: [] } as Record<string, number[]>;
  // Interleaved, so that a slow moment of the machine falls on all; the first round is cold.
  for (let run = 0; run < runs; run++) {
    const round = {
      toMass: await massCost(stream),
      toReadings: await driverCost(stream, () => {}),
      firmata: await firmataCost(stream, false),
      firmataDecoded: await firmataCost(stream, true),
    };
    if (run > 0) for (const [key, cost] of Object.entries(round)) costs[key]?.push(cost);
  }
  const { toMass = [], toReadings = [], firmata = [], firmataDecoded = [] } = costs;
  const bytes = stream.chunks.length * chunkBytes;
  return { toMass, toReadings, firmata, firmataDecoded, samples: stream.samples, bytes };
}

if (import.meta.main) {
  const [seconds = '60', runs = '3'] = process.argv.slice(2);
  console.log(JSON.stringify(await measure(Number(seconds), Number(runs))));
  process.exit(0);
}
