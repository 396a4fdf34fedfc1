import type { Catalogue, Product } from '#catalogue/products.ts';
import type { Board, Calibration } from '#config/board.ts';
import { boardNames, loadBoard } from '#config/load.ts';
import type { SimulationItem } from '#simulation/items.ts';
import { parseScenario, type Scenario } from '#simulation/scenario.ts';

export { boardNames, loadBoard };

const products: readonly Product[] = [
  {
    key: 'gtin:04006381333931',
    gtin: '04006381333931',
    name: 'A jar',
    sale: 'each',
    priceMinor: 199,
    grossMg: { mean: 412_000, sd: 2_600 },
    look: '04006381333931',
  },
  {
    key: 'gtin:00000080019442',
    gtin: '00000080019442',
    name: 'A tin',
    sale: 'each',
    priceMinor: 239,
    grossMg: { mean: 170_228, sd: 3_271 },
    look: '00000080019442',
  },
  {
    key: 'plu:4011',
    plu: '4011',
    name: 'Bananas',
    sale: 'weight',
    priceMinorPerKg: 179,
    grossMg: { mean: 900_000, sd: 180_000 },
    look: '4011',
  },
];

export const smallCatalogue: Catalogue = {
  version: 'test-1',
  currency: 'EUR',
  products,
  byKey: new Map(products.map((product) => [product.key, product])),
  byGtin: new Map(products.flatMap((product) => (product.gtin ? [[product.gtin, product]] : []))),
  byPlu: new Map(products.flatMap((product) => (product.plu ? [[product.plu, product]] : []))),
  byLook: new Map(products.map((product) => [product.look, [product]])),
  variableMeasure: [
    { prefix: '20', item: [2, 5], value: [8, 4], meaning: 'price', decimals: 2, verifier: 7 },
    { prefix: '21', item: [2, 5], value: [7, 5], meaning: 'mass', decimals: 3 },
  ],
};

/** A scenario for the demo cart and the small catalogue. */
export function scenarioOf(steps: readonly unknown[], more: Record<string, unknown> = {}): Scenario {
  return parseScenario(
    {
      scenario: 1,
      name: 'test',
      title: 'A test',
      board: 'demo-cart',
      catalogue: 'none.json',
      steps,
      ...more,
    },
    '/nowhere',
  );
}

/** Mean mass on a plate from `fromUs` to `untilUs`, by the calibration: what a scale would show, mg. */
export function weigh(
  items: readonly SimulationItem[],
  board: Board,
  calibration: Calibration,
  plate: string,
  [fromUs, untilUs]: readonly [number, number],
): { meanMg: number; sdMg: number } {
  const cells = calibration.plates[plate]?.cells ?? {};
  const samples = new Map<number, number>();
  for (const item of items) {
    if (item.kind !== 'input' || item.input.kind !== 'cell') continue;
    const { source, counts, atUs } = item.input;
    const cell = cells[source];
    if (cell === undefined || atUs < fromUs || atUs >= untilUs) continue;
    samples.set(atUs, (samples.get(atUs) ?? 0) + (counts - cell.zeroCounts) * cell.milligramsPerCount);
  }
  const masses = [...samples.values()];
  if (masses.length === 0) throw new Error(`no sample of ${plate} on board ${board.name}`);
  const meanMg = masses.reduce((sum, mass) => sum + mass, 0) / masses.length;
  const sdMg = Math.sqrt(masses.reduce((sum, mass) => sum + (mass - meanMg) ** 2, 0) / masses.length);
  return { meanMg, sdMg };
}
