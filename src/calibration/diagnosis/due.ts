import { differenceText, loadText } from '../mass-text.ts';
import type { SpanDrift, ZeroDrift } from './drift.ts';
import type { OverloadState } from './overloads.ts';

/** Why a scale should be calibrated anew. */
export const dueCodes = [
  'never',
  'age',
  'overload',
  'zero-drift',
  'known-items',
  'temperature',
  'hardware',
] as const;
type DueCode = (typeof dueCodes)[number];

export interface DueReason {
  readonly code: DueCode;
  /** Plate or cell that it is about. */
  readonly at?: string;
  readonly message: string;
}

/** From when on a calibration is due. */
export interface DueLimits {
  /** Verified scales are reverified every one to two years in most countries; carts are knocked about: one. */
  readonly ageDays: number;
  /** An overload beyond this part of capacity may bend a cell; makers promise 1.5 at best, and what was seen is not the peak. */
  readonly overloadPart: number;
  /** Lighter ones are no harm once; so many are a habit. */
  readonly overloads: number;
  /** Half of what zero-setting may take out in all (4 % of Max, R 76-1, 4.5.1): something has moved. */
  readonly zeroPartOfMax: number;
  /** Twice the tolerance of a full scale of 3,000 e in service (±3 e) would be 2,000 ppm; catalogue masses are no weights. */
  readonly spanPpm: number;
  /** … believed where it is this many standard errors, over so many products. */
  readonly spanSigmas: number;
  readonly products: number;
  /** Slope of cheap cells: up to 50 ppm/K, so 20 K are 1,000 ppm, the tolerance of a scale of 1,000 e at Max. */
  readonly kelvin: number;
}

export const dueLimits: DueLimits = {
  ageDays: 365,
  overloadPart: 1.2,
  overloads: 10,
  zeroPartOfMax: 0.02,
  spanPpm: 3_000,
  spanSigmas: 3,
  products: 10,
  kelvin: 20,
};

/** What is known of a plate since it was calibrated. */
export interface PlateCare {
  readonly plate: string;
  readonly maxMg: number;
  readonly intervalMg: number;
  readonly zero?: ZeroDrift | undefined;
  readonly span?: SpanDrift | undefined;
  /** Coldest and warmest since, and at the calibration, m°C; `compensated` where weighing takes drift out. */
  readonly temperature?:
    | {
        readonly lowMilliCelsius: number;
        readonly highMilliCelsius: number;
        readonly referenceMilliCelsius: number;
        readonly compensated: boolean;
      }
    | undefined;
}

export interface CareFacts {
  readonly calibrated: boolean;
  /** Since the calibration, s; undefined where its time or the present one is not known. */
  readonly ageS?: number | undefined;
  /** Of cells and plates. */
  readonly overloads: OverloadState;
  /** What each of them may carry, mg. */
  readonly capacities: Readonly<Record<string, number>>;
  readonly plates: readonly PlateCare[];
  /** The bridge or its gain is not the one that was calibrated. */
  readonly hardwareChanged: boolean;
}

/** Every reason to calibrate anew; none where nothing speaks for it. */
export function judgeDue(facts: CareFacts, changed: Partial<DueLimits> = {}): DueReason[] {
  const limits = { ...dueLimits, ...changed };
  if (!facts.calibrated) {
    return [{ code: 'never', message: 'There is no calibration; nothing is weighed.' }];
  }
  const found: DueReason[] = [];
  const days = Math.floor((facts.ageS ?? 0) / 86_400);
  if (days >= limits.ageDays) {
    const message = `The calibration is ${days} days old; after ${limits.ageDays} it is due.`;
    found.push({ code: 'age', message });
  }
  if (facts.hardwareChanged) {
    const message = 'The bridge is not the one that was calibrated: its plates are not weighed.';
    found.push({ code: 'hardware', message });
  }
  found.push(...overloadReasons(facts, limits));
  for (const plate of facts.plates) found.push(...plateReasons(plate, limits));
  return found;
}

function overloadReasons(facts: CareFacts, limits: DueLimits): DueReason[] {
  return Object.entries(facts.overloads).flatMap(([id, { count, worstMg }]): DueReason[] => {
    const capacity = facts.capacities[id];
    if (capacity === undefined) return [];
    const heavy = worstMg >= limits.overloadPart * capacity;
    if (!heavy && count < limits.overloads) return [];
    const times = count === 1 ? 'once' : `${count} times`;
    const message = `${id} was overloaded ${times}, with ${loadText(worstMg)} at worst; it may carry ${loadText(capacity)}.`;
    return [{ code: 'overload', at: id, message }];
  });
}

function plateReasons(plate: PlateCare, limits: DueLimits): DueReason[] {
  const { plate: at, zero, span, temperature, maxMg, intervalMg } = plate;
  const found: DueReason[] = [];
  if (zero !== undefined && Math.abs(zero.mg) > limits.zeroPartOfMax * maxMg) {
    const message = `The empty plate ${at} has moved by ${differenceText(zero.mg, intervalMg)} since it was calibrated.`;
    found.push({ code: 'zero-drift', at, message });
  }
  if (span !== undefined && isSpanOff(span, limits)) {
    const percent = (span.ppm / 10_000).toFixed(2);
    const message = `Things of ${span.products} known products weigh ${span.ppm > 0 ? '+' : ''}${percent} % of what the catalogue says on plate ${at}.`;
    found.push({ code: 'known-items', at, message });
  }
  if (temperature !== undefined && !temperature.compensated) {
    const { lowMilliCelsius: low, highMilliCelsius: high, referenceMilliCelsius: reference } = temperature;
    const farthest = Math.max(high - reference, reference - low) / 1_000;
    if (farthest > limits.kelvin) {
      const message = `Plate ${at} was ${farthest.toFixed(0)} °C from the temperature it was calibrated at.`;
      found.push({ code: 'temperature', at, message });
    }
  }
  return found;
}

function isSpanOff({ ppm, sigmaPpm, products }: SpanDrift, limits: DueLimits): boolean {
  if (products < limits.products) return false;
  return Math.abs(ppm) > limits.spanPpm && Math.abs(ppm) > limits.spanSigmas * sigmaPpm;
}
