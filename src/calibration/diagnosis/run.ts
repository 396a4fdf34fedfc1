import { usPerSecond } from '#base/units.ts';
import { findHum } from './hum.ts';
import {
  type DiagnosisLimits,
  diagnosisLimits,
  finding,
  judgeCell,
  type MeasuredCell,
} from './judge-cell.ts';
import {
  correlation,
  deviation,
  evenTimes,
  fitLine,
  residuals,
  robustDeviation,
  type Samples,
  secondMeans,
} from './statistics.ts';
import type { CellDiagnosis, Coupling, DiagnosedCell, Diagnosis, Finding } from './types.ts';

/** Ends of the range of HX711 and NAU7802. */
const maximumCode = 0x7fffff;
const minimumCode = -0x800000;
/** A single sample this many robust deviations away is a jump. */
const jumpDeviations = 10;
/** Fewest common samples that say anything of coupling. */
const fewestPairs = 50;
/** More samples than these of one cell are not kept: 60 s at 320/s. */
const mostSamples = 20_000;
/** Two inputs that read the very same number so often have one signal: noise of their own would tell them apart. */
const samePart = 0.9;

interface DiagnosisOptions {
  readonly cells: readonly DiagnosedCell[];
  /** The technician says that the plates are empty: zero can be held against the calibration. */
  readonly empty?: boolean;
  readonly limits?: Partial<DiagnosisLimits>;
}

interface Channel {
  readonly cell: DiagnosedCell;
  readonly samples: Samples;
  lost: number;
  last: number;
}

/** A cell's samples with what a line leaves of them. */
interface Detrended {
  readonly cell: DiagnosedCell;
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly counts: readonly number[];
  readonly ratePerS: number;
}

/**
 * The noise and drift test: takes what the cells of some plates deliver for some 10 s while nobody touches them, and says
 * what is wrong with which, and what to do. Pure: readings come in, a verdict comes out.
 */
export class DiagnosisRun {
  readonly #channels = new Map<string, Channel>();
  readonly #empty: boolean;
  readonly #limits: DiagnosisLimits;
  #fromUs = Number.POSITIVE_INFINITY;
  #toUs = Number.NEGATIVE_INFINITY;

  constructor(options: DiagnosisOptions) {
    for (const cell of options.cells) {
      const samples = { atUs: [], counts: [], numbers: [] };
      this.#channels.set(cell.cell, { cell, samples, lost: 0, last: -1 });
    }
    this.#empty = options.empty ?? false;
    this.#limits = { ...diagnosisLimits, ...options.limits };
  }

  /** One conversion; cells that are not diagnosed are ignored. `sequence` is the converter's running number (32 bits). */
  sample(cell: string, atUs: number, counts: number, sequence: number): void {
    const channel = this.#channels.get(cell);
    if (channel === undefined || channel.samples.counts.length >= mostSamples) return;
    const { samples } = channel;
    const number = sequence >>> 0;
    const step = channel.last < 0 ? 1 : (number - channel.last) >>> 0;
    if (step === 0 || step >= 0x80000000) {
      // Repeated, or started anew: what came between is not known.
      channel.lost++;
      if (step === 0) return;
    }
    const onward = step >= 0x80000000 ? 1 : step;
    channel.lost += onward - 1;
    channel.last = number;
    samples.numbers.push((samples.numbers.at(-1) ?? -1) + onward);
    samples.atUs.push(atUs);
    samples.counts.push(counts);
    this.#fromUs = Math.min(this.#fromUs, atUs);
    this.#toUs = Math.max(this.#toUs, atUs);
  }

  /** How long it has run, s. */
  get seconds(): number {
    return Number.isFinite(this.#fromUs) ? (this.#toUs - this.#fromUs) / usPerSecond : 0;
  }

  result(): Diagnosis {
    const { seconds } = this;
    const detrended: Detrended[] = [];
    const measured = [...this.#channels.values()].map((channel) => {
      const left = detrend(channel);
      detrended.push(left);
      const figures = this.#measure(channel, left);
      const means = secondMeans(left.times, left.counts);
      const run = { seconds, means, empty: this.#empty };
      return { figures, findings: judgeCell(figures, channel.cell, run, this.#limits) };
    });
    const couplings = pairsOf(detrended);
    // A plate that was touched moves all of its cells together; that is no coupling.
    const touched = measured.filter(({ findings }) => findings.some(({ code }) => code === 'CW-CAL-161'));
    const coupled = this.#judgeCouplings(couplings, new Set(touched.map(({ figures }) => figures.cell)));
    const cells = measured.map(({ figures, findings }): CellDiagnosis => {
      return { ...figures, findings: [...findings, ...(coupled.get(figures.cell) ?? [])] };
    });
    const all = cells.flatMap(({ findings }) => findings);
    const verdict = all.some(({ weight }) => weight === 'fault')
      ? 'fault'
      : all.length > 0
        ? 'doubt'
        : 'good';
    return { seconds, verdict, cells, couplings };
  }

  #measure({ cell, samples, lost }: Channel, left: Detrended): MeasuredCell {
    const { counts } = samples;
    const line = fitLine(left.times, counts);
    const slope = cell.milligramsPerCount;
    const noiseCounts = deviation(left.values, 2);
    const bulk = robustDeviation(left.values);
    const low = counts.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
    const high = counts.reduce((most, one) => Math.max(most, one), Number.NEGATIVE_INFINITY);
    return {
      cell: cell.cell,
      plate: cell.plate,
      samples: counts.length,
      lost,
      ratePerS: left.ratePerS,
      meanCounts: line.meanY,
      noiseCounts,
      spanCounts: counts.length === 0 ? 0 : high - low,
      uniqueValues: new Set(counts).size,
      saturated: counts.filter((one) => one >= maximumCode || one <= minimumCode).length,
      jumps: left.values.filter((one) => Math.abs(one) > jumpDeviations * Math.max(bulk, 1)).length,
      driftCountsPerS: line.slope,
      hum: findHum(left.times, left.values, left.ratePerS),
      ...(slope === undefined
        ? {}
        : { noiseMg: noiseCounts * Math.abs(slope), driftMgPerS: line.slope * slope }),
      ...(slope === undefined || cell.zeroCounts === undefined
        ? {}
        : { loadMg: (line.meanY - cell.zeroCounts) * slope }),
    };
  }

  #judgeCouplings(couplings: readonly Coupling[], touched: ReadonlySet<string>): Map<string, Finding[]> {
    const found = new Map<string, Finding[]>();
    for (const { cells, correlation: r } of couplings) {
      const same = this.#isSame(cells);
      if (!same && (Math.abs(r) < this.#limits.correlation || cells.some((cell) => touched.has(cell))))
        continue;
      for (const [one, other] of [cells, [cells[1], cells[0]] as const]) {
        const message = same
          ? `Cell ${one} reads the very same as cell ${other}.`
          : `The noise of cell ${one} goes together with that of cell ${other} (correlation ${r.toFixed(2)}).`;
        const entry = finding(same ? 'CW-CAL-160' : 'CW-CAL-159', same ? 'fault' : 'doubt', message);
        found.set(one, [...(found.get(one) ?? []), entry]);
      }
    }
    return found;
  }

  #isSame([a, b]: Coupling['cells']): boolean {
    const [one, other] = [
      this.#channels.get(a)?.samples.counts ?? [],
      this.#channels.get(b)?.samples.counts ?? [],
    ];
    const common = Math.min(one.length, other.length);
    let same = 0;
    for (let i = 0; i < common; i++) if (one[i] === other[i]) same++;
    return same >= samePart * common;
  }
}

function detrend({ cell, samples }: Channel): Detrended {
  const times = evenTimes(samples);
  const { counts } = samples;
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const steps = (samples.numbers.at(-1) ?? 0) - (samples.numbers[0] ?? 0);
  return {
    cell,
    times: times.map((time) => time + (samples.atUs[0] ?? 0) / usPerSecond),
    values: residuals(times, counts, fitLine(times, counts)),
    counts,
    ratePerS: span > 0 ? steps / span : 0,
  };
}

function pairsOf(all: readonly Detrended[]): Coupling[] {
  const found: Coupling[] = [];
  all.forEach((a, index) => {
    for (const b of all.slice(index + 1)) {
      const half = 0.5 / Math.max(1, Math.min(a.ratePerS, b.ratePerS));
      const r = correlation(a, b, half, fewestPairs);
      if (r !== undefined) found.push({ cells: [a.cell.cell, b.cell.cell], correlation: r });
    }
  });
  return found.sort((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation));
}
