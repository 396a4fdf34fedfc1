import { mgPerGram, mgPerKilogram } from '#base/units.ts';

/** `5 kg`, `12.005 kg`, `7 g`, `1.4 g`: a load as it is written on weights, without digits that say nothing. */
export function loadText(massMg: number): string {
  const whole = Math.round(massMg);
  return Math.abs(whole) >= mgPerKilogram
    ? `${trimmed(whole / mgPerKilogram, 6)} kg`
    : `${trimmed(whole / mgPerGram, 3)} g`;
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/**
 * `+0.32 g`: a signed difference in g with as many digits as make sense beside an interval: a hundredth of it, at most
 * three. What rounds to nothing bears no sign.
 */
export function differenceText(differenceMg: number, intervalMg: number): string {
  const hundredth = intervalMg / 100 / mgPerGram;
  const digits = Math.max(0, Math.min(3, Math.ceil(-Math.log10(hundredth) - 1e-9)));
  const grams = Number((differenceMg / mgPerGram).toFixed(digits));
  const sign = grams > 0 ? '+' : grams < 0 ? '−' : '±';
  return `${sign}${Math.abs(grams).toFixed(digits)} g`;
}
