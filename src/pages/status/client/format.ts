import type { MeasuredStatus } from '../source.ts';

const minus = '−';
/** The space at which no line ends. */
export const noBreak = '\u00a0';

/** A product's name whose amounts stay in one piece: no line ends between `1.5` and `l`, or within `6 x 33 cl` or `n° 7`. */
export function unbroken(name: string): string {
  return name
    .replace(/(\d) (?=(?:[kmµ]?g|[mcd]?l|[mck]?m|cc|oz|lb|pz|pcs|%)(?![\p{L}\d]))/giu, `$1${noBreak}`)
    .replace(/(n°|№) (?=\d)/giu, `$1${noBreak}`)
    .replace(/(\d) ([x×]) (?=\d)/gu, `$1${noBreak}$2${noBreak}`);
}

function fixed(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  return `${value < 0 && Number(text) !== 0 ? minus : ''}${text}`;
}

/** A plate's mass as a scale shows it: rounded to its interval, in kg with the decimals that the interval has. */
export function plateMass(netMg: number | undefined, intervalMg = 1_000): { number: string; unit: string } {
  if (netMg === undefined) return { number: '—', unit: '' };
  const rounded = Math.round(netMg / intervalMg) * intervalMg;
  const decimals = intervalMg >= 1_000 ? 3 : intervalMg >= 100 ? 4 : 5;
  return { number: fixed(rounded / 1e6, decimals), unit: 'kg' };
}

/** A change of mass with its sign: `+412 g`, `−1.250 kg`. */
export function change(massMg: number): string {
  const sign = massMg > 0 ? '+' : '';
  return Math.abs(massMg) >= 999_500
    ? `${sign}${fixed(massMg / 1e6, 3)} kg`
    : `${sign}${fixed(massMg / 1e3, 0)} g`;
}

/** `99.8 %`, never `100 %` for what is not certain. */
export function probability(ppm: number): string {
  if (ppm >= 1_000_000) return '100 %';
  if (ppm >= 999_900) return '>99.9 %';
  return `${(Math.floor(ppm / 1_000) / 10).toFixed(1)} %`;
}

/** Minor units as money, with the decimals that the currency has. */
export function money(minor: number, currency: string): string {
  try {
    const format = new Intl.NumberFormat('en-IE', { style: 'currency', currency });
    return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
  } catch {
    return `${(minor / 100).toFixed(2)} ${currency}`;
  }
}

/** The time of day, local, to the second; of an event made before the clock was set, the time since the start. */
export function timeOfDay(utcMs: number, atUs?: number): string {
  if (utcMs > 0) return new Date(utcMs).toLocaleTimeString('en-GB');
  return atUs === undefined ? '—' : `+${(atUs / 1e6).toFixed(1)} s`;
}

/** `3 d 4 h`, `2 h 5 min`, `40 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

export function byteSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`;
}

/** `4.0 /s`, `12 /min`: how often a device delivers. */
export function rate(perMinute: number): string {
  return perMinute >= 120
    ? `${(perMinute / 60).toFixed(perMinute >= 1_200 ? 0 : 1)} /s`
    : `${perMinute} /min`;
}

/** `81 % on battery`, `external power`, `31.3 °C`: what a power or temperature sensor said last. */
export function measurement({ milliCelsius, externalPower, batteryPpm }: MeasuredStatus): string {
  const charge = batteryPpm === undefined ? undefined : `${Math.floor(batteryPpm / 10_000)} %`;
  const source = externalPower === undefined ? undefined : externalPower ? 'external power' : 'on battery';
  const power = [charge, source].filter((part) => part !== undefined).join(' ');
  const temperature = milliCelsius === undefined ? '' : `${fixed(milliCelsius / 1_000, 1)} °C`;
  return [power, temperature].filter((part) => part !== '').join(' · ');
}
