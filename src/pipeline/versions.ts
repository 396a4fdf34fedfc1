import { software } from '#base/software.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { Calibration } from '#config/board.ts';
import type { Versions } from '#events/event.ts';

/** What decisions are made with, as every event carries it. */
export function versionsOf(
  catalogue: Catalogue,
  planogram: Planogram | undefined,
  calibration: Calibration | undefined,
): Versions {
  return {
    software,
    catalogue: catalogue.version,
    ...(planogram === undefined ? {} : { planogram: planogram.version }),
    ...(calibration === undefined ? {} : { calibration: calibration.revision }),
  };
}
