import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCatalogue } from '#catalogue/load.ts';
import { root } from '../support/processes.ts';

/** A shelf of many plates for the comparison: the same numbers for the feed, for the gateway and for the peer's flow. */
export interface Layout {
  readonly plates: number;
  readonly cellsPerPlate: number;
  readonly cells: number;
  /** Samples of each cell between two changes of a plate's load. */
  readonly holdRounds: number;
  readonly zeroCounts: number;
  readonly milligramsPerCount: number;
  /** What is taken from and put back on each plate, mg. */
  readonly unitMg: readonly number[];
  readonly gtins: readonly string[];
}

/** Products of the demo catalogue with a mass that a plate tells apart from noise. */
export async function makeLayout(plates: number, cellsPerPlate: number, holdRounds: number): Promise<Layout> {
  const catalogue = await loadCatalogue(join(root, 'config/catalogues/demo.json'));
  const goods = catalogue.products.flatMap((product) =>
    product.gtin !== undefined && product.grossMg !== undefined && product.grossMg.mean > 100_000
      ? [{ gtin: product.gtin, mg: Math.round(product.grossMg.mean) }]
      : [],
  );
  const chosen = Array.from({ length: plates }, (_, i) => goods[i % goods.length]);
  return {
    plates,
    cellsPerPlate,
    cells: plates * cellsPerPlate,
    holdRounds,
    zeroCounts: 100_000,
    milligramsPerCount: 2,
    unitMg: chosen.map((good) => good?.mg ?? 0),
    gtins: chosen.map((good) => good?.gtin ?? ''),
  };
}

export const cellName = (layout: Layout, cell: number) =>
  `p${Math.floor(cell / layout.cellsPerPlate)}-c${cell % layout.cellsPerPlate}`;

/** Writes configuration, board, calibration and planogram of the gateway; answers with the configuration's path. */
export async function writeGatewayConfig(
  folder: string,
  layout: Layout,
  feedPort: number,
  brokerUrl: string,
): Promise<string> {
  const names = Array.from({ length: layout.cells }, (_, cell) => cellName(layout, cell));
  const plates = Array.from({ length: layout.plates }, (_, plate) => ({
    id: `p${plate}`,
    kind: 'shelf',
    maxMg: 15_000_000,
    intervalMg: 5_000,
    divisionMg: 2_000,
    deadLoadMg: 800_000,
    cells: names.slice(plate * layout.cellsPerPlate, (plate + 1) * layout.cellsPerPlate).map((id, i) => ({
      id,
      positionMm: [i % 2 === 0 ? -50 : 50, i < 2 ? 50 : -50],
      capacityMg: 20_000_000,
    })),
  }));
  const board = {
    profile: 1,
    name: 'bench-shelf',
    devices: [{ id: 'feed', driver: 'bench-tcp-cells', options: { port: feedPort, cells: names } }],
    plates,
  };
  const cell = { zeroCounts: layout.zeroCounts, milligramsPerCount: layout.milligramsPerCount };
  const calibration = {
    calibration: 1,
    revision: 1,
    plates: Object.fromEntries(
      plates.map((plate) => [
        plate.id,
        { cells: Object.fromEntries(plate.cells.map(({ id }) => [id, cell])) },
      ]),
    ),
  };
  const planogram = {
    planogram: 1,
    version: 'bench',
    plates: plates.map((plate, i) => ({ plate: plate.id, gtin: layout.gtins[i] })),
  };
  const config = {
    cartwright: 1,
    store: 'bench',
    device: 'shelf',
    board: join(folder, 'board.yaml'),
    calibration: 'calibration.json',
    catalogue: join(root, 'config/catalogues/demo.json'),
    planogram: 'planogram.json',
    data: 'data',
    drivers: [join(root, 'test/bench/peer/tcp-cells.js')],
    status: { enabled: false },
    display: { enabled: false },
    broker: { url: brokerUrl },
  };
  const write = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
  await write('board.yaml', board);
  await write('calibration.json', calibration);
  await write('planogram.json', planogram);
  await write('cartwright.yaml', config);
  return join(folder, 'cartwright.yaml');
}
