import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../support/processes.ts';
import { allPlates, milligramsPerCount, zeroCounts } from './drivers.ts';
import { placeIn, writeFrames } from './pictures.ts';
import type { Side, Timeline } from './timeline.ts';

export const picture = { width: 1280, height: 720, framesPerSecond: 15 };
export const place = { store: 'bench', device: 'eyes' };

const plateOf = (side: Side, at: number) => `${side}-${at}`;

/** Writes the gateway's configuration: plates of two sides, one of which a camera sees; answers with its path. */
export async function writeEyesConfig(
  folder: string,
  brokerUrl: string,
  probePort: number,
  timeline: Timeline,
): Promise<string> {
  const frames = join(folder, 'frames.yuv');
  await writeFrames(frames, picture);
  const devices = [
    { id: 'probe', driver: 'bench-probe', options: { port: probePort } },
    {
      id: 'cells',
      driver: 'bench-cells',
      options: { ...timeline, cells: allPlates.map(({ cell }) => cell) },
    },
    { id: 'camera', driver: 'bench-eye', options: { ...timeline, ...picture, frames } },
  ];
  const plates = allPlates.map(({ side, place: at, cell }) => ({
    id: plateOf(side, at),
    kind: 'shelf',
    maxMg: 15_000_000,
    intervalMg: 5_000,
    cells: [{ id: cell, positionMm: [0, 0], capacityMg: 20_000_000 }],
    cameras: side === 'seen' ? [{ id: 'camera', region: placeIn(picture, at) }] : [],
  }));
  const calibrated = allPlates.map(({ side, place: at, cell }) => [
    plateOf(side, at),
    { cells: { [cell]: { zeroCounts: zeroCounts + 30, milligramsPerCount } } },
  ]);
  const config = {
    cartwright: 1,
    ...place,
    board: join(folder, 'board.yaml'),
    calibration: 'calibration.json',
    catalogue: join(root, 'config/catalogues/demo.json'),
    data: 'data',
    encoding: 'json',
    drivers: ['load', 'eyes'].map((part) => join(root, `test/bench/${part}/drivers.ts`)),
    status: { enabled: false },
    display: { enabled: false },
    vision: { backend: 'onnx-int8', threads: 1 },
    broker: { url: brokerUrl },
  };
  const write = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  await write('board.yaml', { profile: 1, name: 'bench-eyes', devices, plates });
  await write('calibration.json', { calibration: 1, revision: 1, plates: Object.fromEntries(calibrated) });
  await write('cartwright.yaml', config);
  return join(folder, 'cartwright.yaml');
}
