import type { PlacedCell } from './plots.ts';

/** A plate as `calibration.status` and `config.show` tell it. */
export interface PlateFacts {
  readonly id: string;
  readonly kind: string;
  readonly maxMg?: number;
  readonly intervalMg?: number;
  readonly cells: readonly PlacedCell[];
}

type Loose = Readonly<Record<string, unknown>>;
const loose = (value: unknown): Loose =>
  typeof value === 'object' && value !== null ? (value as Loose) : {};

/** Plates that can be calibrated, of such an answer; none where the device tells nothing of them. */
export function platesIn(data: Loose): readonly PlateFacts[] {
  const plates = Array.isArray(data.plates) ? data.plates.map(loose) : [];
  return plates
    .filter(({ kind }) => kind !== 'unweighed')
    .map(({ id, kind, maxMg, intervalMg, cells }) => ({
      id: String(id),
      kind: String(kind),
      ...(typeof maxMg === 'number' ? { maxMg } : {}),
      ...(typeof intervalMg === 'number' ? { intervalMg } : {}),
      cells: Array.isArray(cells) ? cells.map(loose).map(placed) : [],
    }));
}

function placed({ id, positionMm }: Loose): PlacedCell {
  const [x, y] = Array.isArray(positionMm) ? positionMm : [];
  return { id: String(id), x: Number(x) || 0, y: Number(y) || 0 };
}
