import { unitsVarMg2 } from './likelihood.ts';
import type { MassMatch } from './mass-index.ts';
import type { Sightings } from './sightings.ts';
import type { Lot, Part } from './types.ts';

/** A part for a thing that was put in without a scan. */
export function unscannedPart(match: MassMatch, count: number, sightings: Sightings): Part {
  return {
    sign: 1,
    product: match.product,
    count,
    meanMg: match.meanMg * count,
    varMg2: unitsVarMg2(match, count),
    unitMeanMg: match.meanMg,
    unitVarMg2: match.varMg2,
    broad: false,
    scans: [],
    entry: sightings.supports(match.product) ? 'look' : 'weight',
  };
}

/** A part for the return of an unnamed thing that was taken out. */
export function debtPart(lot: Lot): Part {
  return {
    sign: 1,
    product: undefined,
    count: lot.count,
    meanMg: -lot.massMg,
    varMg2: lot.varMg2,
    unitMeanMg: -lot.massMg,
    unitVarMg2: 0,
    broad: false,
    scans: [],
    lot,
    entry: 'weight',
  };
}
