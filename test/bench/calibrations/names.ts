/** What the fleet and who calibrates it both have to know. */
export const store = 'bench-store';

export const deviceOf = (number: number) => `cart-${String(number).padStart(4, '0')}`;

/** Another run on the same machine has another broker. */
export const handsOf = (broker: string, number: number) =>
  `bench-${new URL(broker).port}-${deviceOf(number)}`;

export const cells = [
  { id: 'cell-fl', positionMm: [-220, 330], capacityMg: 10_000_000 },
  { id: 'cell-fr', positionMm: [220, 330], capacityMg: 10_000_000 },
  { id: 'cell-rl', positionMm: [-220, -330], capacityMg: 10_000_000 },
  { id: 'cell-rr', positionMm: [220, -330], capacityMg: 10_000_000 },
];
