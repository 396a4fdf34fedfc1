import { differenceText, loadText } from '../mass-text.ts';
import { type DiagnosisCode, diagnosisAdvice } from './advice.ts';
import { deviation, fitLine, residuals } from './statistics.ts';
import type { CellDiagnosis, DiagnosedCell, Finding } from './types.ts';

/** Where a figure becomes a finding. */
export interface DiagnosisLimits {
  /** Noise of a cell, in d of its plate: five such cells still give a plateau (0.6 d). */
  readonly noiseDivisions: number;
  /** … but never less than this part of capacity: four times what an HX711 at 80/s makes of a 2 mV/V cell (9 ppm). */
  readonly noiseCapacityPart: number;
  /** Noise of a cell without calibration, counts: four times that of an HX711 at 80/s (39). */
  readonly noiseCounts: number;
  /** Drift over the run, in d: less doesn't show. */
  readonly driftDivisions: number;
  /** The same without calibration, counts over the run. */
  readonly driftCounts: number;
  /** Means of a second may stray by this from a straight line, in d. */
  readonly strayDivisions: number;
  /** Part of the readings that may be lost, millionths. */
  readonly lostPpm: number;
  /** The rate may be off by this part: an HX711's own oscillator is. */
  readonly ratePart: number;
  /** Single samples off the others. */
  readonly jumps: number;
  /** A tone this much above noise is no chance: 13 frequencies are tried for each of two mains. */
  readonly humStrength: number;
  /** … and matters where its amplitude is this part of the noise. */
  readonly humPart: number;
  /** Noise that goes together by more than this. */
  readonly correlation: number;
  /** An empty cell may be this part of its capacity off its calibration. */
  readonly zeroPart: number;
}

export const diagnosisLimits: DiagnosisLimits = {
  noiseDivisions: 0.2,
  noiseCapacityPart: 3.6e-5,
  noiseCounts: 160,
  driftDivisions: 0.25,
  driftCounts: 400,
  strayDivisions: 0.5,
  lostPpm: 10_000,
  ratePart: 0.2,
  jumps: 3,
  humStrength: 20,
  humPart: 0.5,
  correlation: 0.6,
  zeroPart: 0.05,
};

export function finding(code: DiagnosisCode, weight: Finding['weight'], message: string): Finding {
  return { code, weight, message, advice: diagnosisAdvice[code] };
}

export type MeasuredCell = Omit<CellDiagnosis, 'findings'>;

/** What is wrong with one cell, by its own figures. Times in s; `seconds` is how long the run lasted. */
export function judgeCell(
  measured: MeasuredCell,
  cell: DiagnosedCell,
  run: { readonly seconds: number; readonly means: readonly number[]; readonly empty: boolean },
  limits: DiagnosisLimits,
): Finding[] {
  const name = `Cell ${cell.cell}`;
  if (measured.samples === 0)
    return [finding('CW-CAL-150', 'fault', `${name} sent nothing in ${run.seconds.toFixed(0)} s.`)];
  const found = [...judgeFlow(measured, cell, name, limits)];
  if (measured.saturated > 0) {
    const message = `${name} read the end of its converter’s range ${measured.saturated} times.`;
    return [...found, finding('CW-CAL-153', 'fault', message)];
  }
  if (measured.samples >= 8 && measured.uniqueValues <= 2) {
    const message = `${name} gave ${measured.uniqueValues} different values in ${measured.samples} readings: a converter that works always sees some noise.`;
    return [...found, finding('CW-CAL-154', 'fault', message)];
  }
  if (measured.jumps >= limits.jumps) {
    const message = `${name} jumped ${measured.jumps} times for a single reading.`;
    found.push(finding('CW-CAL-158', 'doubt', message));
  }
  const strays = judgeStray(measured, cell, name, run.means, limits);
  found.push(...(strays.length > 0 ? strays : judgeDrift(measured, cell, name, run.seconds, limits)));
  found.push(...judgeNoise(measured, cell, name, limits, strays.length > 0));
  if (
    run.empty &&
    measured.loadMg !== undefined &&
    Math.abs(measured.loadMg) > limits.zeroPart * cell.capacityMg
  ) {
    const message = `${name} carries ${loadText(measured.loadMg)} by its calibration while the plate is said to be empty.`;
    found.push(finding('CW-CAL-165', 'doubt', message));
  }
  return found;
}

function* judgeFlow(
  measured: MeasuredCell,
  cell: DiagnosedCell,
  name: string,
  limits: DiagnosisLimits,
): Generator<Finding> {
  const sent = measured.samples + measured.lost;
  if (measured.lost * 1e6 > limits.lostPpm * sent) {
    yield finding('CW-CAL-151', 'doubt', `${name} lost ${measured.lost} of ${sent} readings.`);
  }
  const { samplesPerSecond: wanted } = cell;
  if (wanted === undefined || measured.samples < 4) return;
  if (Math.abs(measured.ratePerS - wanted) > limits.ratePart * wanted) {
    const message = `${name} gives ${measured.ratePerS.toFixed(1)} readings a second, where ${wanted} are set.`;
    yield finding('CW-CAL-152', 'doubt', message);
  }
}

/** Text of a figure in g where it is calibrated, else in counts. */
function amount(counts: number, cell: DiagnosedCell): string {
  const { milligramsPerCount: slope } = cell;
  return slope === undefined
    ? `${counts.toFixed(0)} counts`
    : `${differenceText(Math.abs(counts * slope), cell.divisionMg).slice(1)} (${Math.abs(counts).toFixed(0)} counts)`;
}

/** A limit in d of the plate, or in counts where it isn't calibrated. */
function inCounts(cell: DiagnosedCell, divisions: number, counts: number): number {
  const { milligramsPerCount: slope } = cell;
  return slope === undefined ? counts : Math.abs((divisions * cell.divisionMg) / slope);
}

function judgeStray(
  measured: MeasuredCell,
  cell: DiagnosedCell,
  name: string,
  means: readonly number[],
  limits: DiagnosisLimits,
): Finding[] {
  if (means.length < 4) return [];
  const seconds = means.map((_, index) => index);
  const left = residuals(seconds, means, fitLine(seconds, means));
  const stray = Math.max(...left.map(Math.abs));
  const chance = (6 * measured.noiseCounts) / Math.sqrt(Math.max(1, measured.ratePerS));
  // Low noise that wanders is in the means as well: they may stray by some of it whatever the rate.
  const allowed = Math.max(
    inCounts(cell, limits.strayDivisions, limits.driftCounts / 2),
    Math.min(chance, deviation(left, 2) * 6),
  );
  if (stray <= allowed) return [];
  return [finding('CW-CAL-161', 'doubt', `${name} moved by ${amount(stray, cell)} during the test.`)];
}

function judgeDrift(
  measured: MeasuredCell,
  cell: DiagnosedCell,
  name: string,
  seconds: number,
  limits: DiagnosisLimits,
): Finding[] {
  const drift = Math.abs(measured.driftCountsPerS * seconds);
  // Standard error of the slope of white noise over the run: σ·√12 / (T·√n); 5 of them are no chance.
  const chance = (5 * measured.noiseCounts * Math.sqrt(12)) / Math.sqrt(Math.max(1, measured.samples));
  if (drift <= Math.max(inCounts(cell, limits.driftDivisions, limits.driftCounts), chance)) return [];
  const message = `${name} drifted by ${amount(drift, cell)} in ${seconds.toFixed(0)} s.`;
  return [finding('CW-CAL-156', 'doubt', message)];
}

function judgeNoise(
  measured: MeasuredCell,
  cell: DiagnosedCell,
  name: string,
  limits: DiagnosisLimits,
  moved: boolean,
): Finding[] {
  const found: Finding[] = [];
  for (const hum of measured.hum) {
    if (!hum.visible || hum.strength < limits.humStrength) continue;
    if (hum.amplitudeCounts < limits.humPart * measured.noiseCounts) continue;
    const message = `${name} hums at ${hum.mainsHz} Hz (seen at ${hum.aliasHz.toFixed(1)} Hz) with an amplitude of ${amount(hum.amplitudeCounts, cell)}.`;
    found.push(finding('CW-CAL-157', 'doubt', message));
  }
  const { milligramsPerCount: slope } = cell;
  const limit =
    slope === undefined
      ? limits.noiseCounts
      : Math.max(limits.noiseDivisions * cell.divisionMg, limits.noiseCapacityPart * cell.capacityMg) /
        Math.abs(slope);
  if (!moved && measured.noiseCounts > limit) {
    const message = `${name} has noise of ${amount(measured.noiseCounts, cell)}; ${amount(limit, cell)} would be fine.`;
    found.push(finding('CW-CAL-155', 'doubt', message));
  }
  return found;
}
