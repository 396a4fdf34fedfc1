/**
 * How heavy packaging is: plausible figures for a demo, not measured ones. Mass in grams = fixed + perUnit × net
 * (g or ml), which gives a litre carton 30 g, a 1.5 l PET bottle 36 g, a 0.75 l wine bottle 445 g and a 400 g can
 * 55 g. `spread` is the standard deviation of that mass as a share of it.
 */
export const packagings = {
  film: { fixed: 1.5, perUnit: 0.01, spread: 0.05 },
  paper: { fixed: 3, perUnit: 0.01, spread: 0.05 },
  box: { fixed: 12, perUnit: 0.07, spread: 0.04 },
  carton: { fixed: 6, perUnit: 0.024, spread: 0.03 },
  'plastic bottle': { fixed: 9, perUnit: 0.018, spread: 0.03 },
  'glass bottle': { fixed: 130, perUnit: 0.42, spread: 0.025 },
  'beer bottle': { fixed: 60, perUnit: 0.42, spread: 0.025 },
  jar: { fixed: 55, perUnit: 0.4, spread: 0.025 },
  can: { fixed: 15, perUnit: 0.1, spread: 0.02 },
  cup: { fixed: 3, perUnit: 0.022, spread: 0.04 },
  tray: { fixed: 8, perUnit: 0.06, spread: 0.04 },
  tub: { fixed: 8, perUnit: 0.03, spread: 0.04 },
  pulp: { fixed: 10, perUnit: 0.07, spread: 0.06 },
  foil: { fixed: 1, perUnit: 0.008, spread: 0.05 },
  /** A bag of brine: the liquid weighs most, and varies most. */
  brine: { fixed: 4, perUnit: 0.75, spread: 0.08 },
} as const;

export type Packaging = keyof typeof packagings;

/**
 * Tolerable negative error of a prepackage, in grams, by nominal quantity in g or ml (EU Directive 76/211/EEC,
 * Annex I, 2.4). Quantities above 10,000 do not occur here.
 */
export function tolerableNegativeError(nominal: number): number {
  if (nominal <= 50) return nominal * 0.09;
  if (nominal <= 100) return 4.5;
  if (nominal <= 200) return nominal * 0.045;
  if (nominal <= 300) return 9;
  if (nominal <= 500) return nominal * 0.03;
  if (nominal <= 1000) return 15;
  return nominal * 0.015;
}

export interface MassModel {
  /** Net quantity, g or ml. */
  readonly net: number;
  /** g/ml; 1 for quantities in grams. */
  readonly density: number;
  readonly packaging: Packaging;
  /** -1…1: how this maker's package differs from the usual one (7 % at most). */
  readonly character: number;
}

/** Mean and standard deviation of what a unit weighs on a plate, mg. */
export function grossMass(model: MassModel): { mean: number; sd: number } {
  const { fixed, perUnit, spread } = packagings[model.packaging];
  const pack = (fixed + perUnit * model.net) * (1 + 0.07 * model.character);
  // 97.5 % of packages lie above nominal − TNE, so TNE = 1.96 σ of the fill.
  const fillSd = (tolerableNegativeError(model.net) / 1.96) * model.density;
  const packSd = pack * spread;
  return {
    mean: Math.round((model.net * model.density + pack) * 1000),
    sd: Math.round(Math.hypot(fillSd, packSd) * 1000),
  };
}
