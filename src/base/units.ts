/** Units are integers and part of every name: `massMg`, `atUs`, `priceMinor`, `probabilityPpm`. These are the factors. */
export const usPerMs = 1_000;
export const usPerSecond = 1_000_000;
export const usPerMinute = 60 * usPerSecond;
export const mgPerGram = 1_000;
export const mgPerKilogram = 1_000_000;
export const ppm = 1_000_000;

/** Standard gravity in mm/s² (CGPM 1901), the unit of a motion reading. */
export const standardGravityMmS2 = 9_806.65;

/** A probability 0…1 as integer parts per million, clamped. */
export function toPpm(probability: number): number {
  return Math.round(Math.min(1, Math.max(0, probability)) * ppm);
}

/** `412 g`, `1.250 kg`, `-35 g`: a mass as a person reads it. */
export function formatMass(massMg: number): string {
  const grams = massMg / mgPerGram;
  return Math.abs(grams) >= 1000 ? `${(grams / 1000).toFixed(3)} kg` : `${grams.toFixed(0)} g`;
}

/** `EUR 12.34`: minor units of a currency as a person reads them. `decimals` per ISO 4217 (2 unless told). */
export function formatMoney(minor: number, currency: string, decimals = 2): string {
  const sign = minor < 0 ? '-' : '';
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const rest = decimals === 0 ? '' : `.${digits.slice(-decimals)}`;
  return `${currency} ${sign}${whole}${rest}`;
}
