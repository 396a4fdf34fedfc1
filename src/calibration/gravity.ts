/** Where a scale stands. */
export interface Site {
  readonly latitudeMicroDegrees: number;
  /** Above sea level, m. */
  readonly heightM: number;
}

/**
 * Acceleration of gravity at a place, µm/s²: the international gravity formula of 1967 in the form that WELMEC 2 and
 * makers of scales use, g = 9.780327·(1 + 0.0053024·sin²φ − 0.0000058·sin²2φ) − 3.086e-6·h, m/s² and m. It is right to
 * some 50 ppm (local masses are not in it).
 */
export function localGravityUmS2(site: Site): number {
  const latitude = (site.latitudeMicroDegrees * 1e-6 * Math.PI) / 180;
  const sin2 = Math.sin(latitude) ** 2;
  const sin2Double = Math.sin(2 * latitude) ** 2;
  const g = 9.780327 * (1 + 0.0053024 * sin2 - 0.0000058 * sin2Double) - 3.086e-6 * site.heightM;
  return Math.round(g * 1e6);
}

/** Factor on every indication, g of calibration over g of use: 1 where either is unknown. Both in µm/s². */
export function gravityFactor(calibrated: number | undefined, used: number | undefined): number {
  return calibrated === undefined || used === undefined ? 1 : calibrated / used;
}
