const mgPerKg = 1_000_000;
const number = (digits: number) =>
  new Intl.NumberFormat('en-GB', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: 'auto',
  });
const three = number(3);
const whole = number(0);

const minus = (text: string) => text.replace('-', '−');

/** `12.345 kg` */
export function kilograms(mg: number | undefined): string {
  return mg === undefined ? '–' : `${minus(three.format(mg / mgPerKg))} kg`;
}

/** `10 kg`, `500 g`: a test weight as people call it. */
export function weightName(mg: number): string {
  if (mg >= mgPerKg) return `${Number((mg / mgPerKg).toFixed(6))} kg`;
  return mg >= 1_000 ? `${Number((mg / 1_000).toFixed(3))} g` : `${mg} mg`;
}

/** `+1.2 g`; the sign always. */
export function grams(mg: number): string {
  const text = (Math.abs(mg) / 1_000).toFixed(Math.abs(mg) < 100_000 ? 1 : 0);
  return `${mg < 0 ? '−' : '+'}${text} g`;
}

export function counts(value: number): string {
  return minus(whole.format(value));
}

/** `4 min 05 s` */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  if (s < 172_800) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
  return `${Math.floor(s / 86_400)} days`;
}

/** `23 Nov 2026, 17:04:05` */
export function moment(ms: number): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' }).format(ms);
}

/** A test weight, as `calibration.begin` takes it. */
export interface TypedWeight {
  readonly id: string;
  readonly massMg: number;
  /** Class of OIML R 111. */
  readonly class?: string;
}

/**
 * Reads weights as people type them: `2 kg, 5kg M1, 500 g`, or, with a name, `W7=5 kg F2`. Each gets an id of its own, of its
 * mass where it has no name. Undefined where something is no weight.
 */
export function readWeights(typed: string): readonly TypedWeight[] | undefined {
  const taken = new Set<string>();
  const found = typed
    .split(/[,;\n]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part): TypedWeight | undefined => {
      const [, name, amount = '', unit = '', ofClass] =
        /^(?:([\w.-]{1,40})\s*=\s*)?(\d+(?:\.\d+)?)\s*(kg|g|mg)(?:\s+(E2|F1|F2|M1|M2|M3))?$/i.exec(part) ??
        [];
      const factor = { kg: mgPerKg, g: 1_000, mg: 1 }[unit.toLowerCase()];
      if (factor === undefined) return undefined;
      const massMg = Math.round(Number(amount) * factor);
      const id = unique(name ?? `${amount}${unit.toLowerCase()}`, taken);
      return { id, massMg, ...(ofClass === undefined ? {} : { class: ofClass.toUpperCase() }) };
    });
  const weights = found.filter((weight) => weight !== undefined);
  return weights.length === found.length && weights.every(({ massMg }) => massMg > 0) ? weights : undefined;
}

function unique(name: string, taken: Set<string>): string {
  let id = name;
  for (let next = 2; taken.has(id); next++) id = `${name}-${next}`;
  taken.add(id);
  return id;
}
