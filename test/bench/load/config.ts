import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../support/processes.ts';

export const cellNames = Array.from({ length: 8 }, (_, channel) => `cell-${channel}`);
export const baudRate = 500_000;
export const picture = { width: 1280, height: 720, framesPerSecond: 15, buffers: 4 };

/** What is attached to the gateway, and where. */
export interface Attached {
  readonly probePort: number;
  /** Path of the bridge's serial line, or a TCP port. */
  readonly bridge?: string | undefined;
  readonly scannerPort?: number | undefined;
  readonly camera?: boolean | undefined;
}

/** Writes the gateway's configuration for that load; answers with its path. */
export async function writeLoadConfig(
  folder: string,
  brokerUrl: string,
  attached: Attached,
): Promise<string> {
  const { probePort, bridge, scannerPort, camera = false } = attached;
  const way = bridge?.startsWith('/')
    ? { port: { path: bridge } }
    : { tcp: { host: '127.0.0.1', port: Number(bridge) } };
  const devices = [
    { id: 'probe', driver: 'bench-probe', options: { port: probePort } },
    ...(bridge === undefined
      ? []
      : [{ id: 'bridge', driver: 'firmata-hx711', options: { ...way, baudRate, cells: cellNames } }]),
    ...(scannerPort === undefined
      ? []
      : [{ id: 'scanner', driver: 'bench-hid-pos-scanner', options: { port: scannerPort } }]),
    ...(camera ? [{ id: 'camera', driver: 'bench-camera', options: picture }] : []),
  ];
  const halves = [cellNames.slice(0, 4), cellNames.slice(4)];
  const weighed = halves.map((cells, half) => ({
    id: `half-${half}`,
    kind: 'shelf',
    maxMg: 15_000_000,
    intervalMg: 5_000,
    cells: cells.map((id, i) => ({
      id,
      positionMm: [i % 2 === 0 ? -100 : 100, i < 2 ? 100 : -100],
      capacityMg: 10_000_000,
    })),
  }));
  const plates = bridge === undefined ? [{ id: 'rack', kind: 'unweighed' }] : weighed;
  const cell = (id: string) => ({ zeroCounts: 80_128 + 256 * cellNames.indexOf(id), milligramsPerCount: 2 });
  const calibration = {
    calibration: 1,
    revision: 1,
    plates: Object.fromEntries(
      halves.map((cells, half) => [
        `half-${half}`,
        { cells: Object.fromEntries(cells.map((id) => [id, cell(id)])) },
      ]),
    ),
  };
  const config = {
    cartwright: 1,
    store: 'bench',
    device: 'load',
    board: join(folder, 'board.yaml'),
    ...(bridge === undefined ? {} : { calibration: 'calibration.json' }),
    catalogue: join(root, 'config/catalogues/demo.json'),
    data: 'data',
    drivers: [join(root, 'test/bench/load/drivers.ts')],
    status: { enabled: false },
    display: { enabled: false },
    broker: { url: brokerUrl },
  };
  const write = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  await write('board.yaml', { profile: 1, name: 'bench-load', devices, plates });
  await write('calibration.json', calibration);
  await write('cartwright.yaml', config);
  return join(folder, 'cartwright.yaml');
}
