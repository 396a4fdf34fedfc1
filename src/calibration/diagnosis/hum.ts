import type { Hum } from './types.ts';

/** The mains may be off by so much (EN 50160: ±1 % in rare cases, nearly always ±0.2 Hz), searched in steps, Hz. */
const searchHz = 0.3;
const stepHz = 0.05;
/** An alias nearer to 0 Hz than this drowns in drift. */
const visibleHz = 0.5;

/** Where a tone of `hertz` appears at `ratePerS` samples a second: it folds back at half the rate. */
export function aliasOf(hertz: number, ratePerS: number): number {
  return ratePerS > 0 ? Math.abs(hertz - ratePerS * Math.round(hertz / ratePerS)) : 0;
}

/**
 * Hum of the mains in what a line leaves of a cell's counts. It is looked for at the mains frequency itself, by the
 * samples' times (so that sampling folds it down as it did the tone), like Goertzel's filter does at one bin.
 * @param times s
 */
export function findHum(times: readonly number[], values: readonly number[], ratePerS: number): Hum[] {
  return ([50, 60] as const).map((mainsHz) => {
    const aliasHz = aliasOf(mainsHz, ratePerS);
    const visible = aliasHz >= visibleHz && values.length >= 32;
    if (!visible) return { mainsHz, aliasHz, visible, amplitudeCounts: 0, strength: 0 };
    let best = { amplitudeCounts: 0, strength: 0 };
    for (let offset = -searchHz; offset <= searchHz + 1e-9; offset += stepHz) {
      const found = tone(times, values, mainsHz + offset);
      if (found.amplitudeCounts > best.amplitudeCounts) best = found;
    }
    return { mainsHz, aliasHz, visible, ...best };
  });
}

/** Amplitude of a tone, and its power over the noise's share of one frequency: N·A² / (4·σ²), exponential for noise alone. */
function tone(
  times: readonly number[],
  values: readonly number[],
  hertz: number,
): { amplitudeCounts: number; strength: number } {
  const omega = 2 * Math.PI * hertz;
  let [re, im, square] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const [value, phase] = [values[i] ?? 0, omega * (times[i] ?? 0)];
    re += value * Math.cos(phase);
    im += value * Math.sin(phase);
    square += value * value;
  }
  const n = values.length;
  const amplitude = (2 / n) * Math.hypot(re, im);
  const noise = Math.max(square / n - (amplitude * amplitude) / 2, 1e-3 * (square / n), 1e-12);
  return { amplitudeCounts: amplitude, strength: (n * amplitude * amplitude) / (4 * noise) };
}
