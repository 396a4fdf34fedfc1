import type { PipelineInput } from '#pipeline/inputs.ts';
import type { CellReading } from '#readings/readings.ts';
import type { TraceHeader, Truth } from './format.ts';

interface OpenRun {
  readonly t: number;
  readonly source: string;
  readonly counts: number[];
  readonly sequence: number | undefined;
  periodUs: number;
  lastT: number;
}

/** A run is written after this many samples at the latest, so that a cut recording loses little. */
const maxRun = 160;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Writes inputs as trace lines so that replay gives them back in the very same order. Samples of a cell that are evenly
 * spaced share a line. Every method takes inputs in the order in which the pipeline took them.
 */
export class TraceRecorder {
  readonly #write: (line: string) => void;
  readonly #originUs: number;
  /** In the order in which their lines will stand in the file. */
  #runs: OpenRun[] = [];
  readonly #sequences = new Map<string, number>();
  readonly #keep: (path: string, name: string) => void;
  #lastT = 0;
  /** Catalogues and planograms of the store's that lie beside the trace. */
  #kept = 0;

  /**
   * @param write takes one line without its line break
   * @param keep puts a file beside the trace under a name
   */
  constructor(
    write: (line: string) => void,
    header: TraceHeader,
    keep: (path: string, name: string) => void = () => {},
  ) {
    this.#write = write;
    this.#keep = keep;
    this.#originUs = header.originUs ?? 0;
    write(JSON.stringify(header));
  }

  input(input: PipelineInput): void {
    if (input.kind === 'cell') this.#sample(input);
    else if (input.kind === 'store') this.#line(input.atUs, { message: this.#filesOf(input.files) });
    else {
      const line = toLine(input, this.#originUs);
      if (line !== undefined) this.#line(input.atUs, line);
    }
  }

  /** A picture that lies beside the trace; of simulated cameras alone: those of real ones are never recorded. */
  frame(source: string, atUs: number, path: string): void {
    this.#line(atUs, { source, frame: path });
  }

  truth(truth: Truth, atUs: number): void {
    this.#line(atUs, { truth });
  }

  /** Writes what is still open and the end of the recording. */
  end(atUs: number): void {
    this.#line(atUs, { end: true });
  }

  /** Writes what is still open (a recording in progress can be read up to here). */
  flush(): void {
    for (const run of this.#runs) {
      this.#write(
        JSON.stringify({
          t: run.t,
          source: run.source,
          counts: run.counts.length === 1 ? run.counts[0] : run.counts,
          ...(run.counts.length > 1 ? { periodUs: run.periodUs } : {}),
          ...(run.sequence === undefined ? {} : { sequence: run.sequence }),
        }),
      );
    }
    this.#runs = [];
  }

  #filesOf(files: Extract<PipelineInput, { kind: 'store' }>['files']): object {
    this.#kept += 1;
    return Object.fromEntries(
      Object.entries(files).map(([what, path]) => {
        const name = `${what}-${this.#kept}.json`;
        this.#keep(path, name);
        return [what, name];
      }),
    );
  }

  #line(atUs: number, fields: object): void {
    this.flush();
    this.#lastT = Math.max(this.#lastT, atUs - this.#originUs);
    this.#write(JSON.stringify({ t: this.#lastT, ...fields }));
  }

  #sample({ source, atUs, counts, sequence }: CellReading): void {
    const t = Math.max(this.#lastT, atUs - this.#originUs);
    this.#lastT = t;
    const expected = this.#sequences.get(source) ?? 0;
    this.#sequences.set(source, sequence + 1);
    const index = this.#runs.findIndex((run) => run.source === source);
    const run = this.#runs[index];
    if (run !== undefined && sequence === expected && this.#continues(run, index, t)) {
      if (run.counts.length === 1) run.periodUs = t - run.t;
      run.counts.push(counts);
      run.lastT = t;
      return;
    }
    // Lines must stand in order of their first sample, so one run that ends closes all.
    if (run !== undefined) this.flush();
    this.#runs.push({
      t,
      source,
      counts: [counts],
      sequence: sequence === expected ? undefined : sequence,
      periodUs: 0,
      lastT: t,
    });
  }

  #continues(run: OpenRun, index: number, t: number): boolean {
    if (run.counts.length >= maxRun || t <= run.lastT) return false;
    if (run.counts.length > 1 && t - run.lastT !== run.periodUs) return false;
    // At one instant, samples come back in the order of their lines: one that came after a later line's can't join.
    for (let i = index + 1; i < this.#runs.length; i++) if (this.#runs[i]?.lastT === t) return false;
    return true;
  }
}

function toLine(input: PipelineInput, originUs: number): object | undefined {
  switch (input.kind) {
    case 'motion':
      return { source: input.source, acceleration: input.accelerationMmS2 };
    case 'scan':
      return { source: input.source, ...scanText(input.data), symbology: input.symbology };
    case 'scale':
      return {
        source: input.source,
        massMg: input.massMg,
        stable: input.stable,
        ...(input.status === undefined ? {} : { status: input.status }),
        ...(input.certificateId === undefined ? {} : { certificate: input.certificateId }),
      };
    case 'power':
      return {
        source: input.source,
        power: {
          external: input.externalPower,
          ...(input.batteryPpm === undefined ? {} : { batteryPpm: input.batteryPpm }),
        },
      };
    case 'tag':
      return { source: input.source, tag: Buffer.from(input.epc).toString('hex') };
    case 'temperature':
      return { source: input.source, temperature: input.milliCelsius };
    case 'device-fault':
      return { source: input.source, ...input.fault };
    case 'command':
      return {
        command: input.command,
        args: input.args,
        ...(input.transaction === undefined ? {} : { transaction: input.transaction }),
      };
    case 'sighting':
      return {
        source: input.source,
        sighting: {
          ...(input.plate === undefined ? {} : { plate: input.plate }),
          outcome: input.outcome,
          things: input.things,
          // What settled before the recording began has no time in it.
          ...(input.settledAtUs === undefined || input.settledAtUs < originUs
            ? {}
            : { settled: input.settledAtUs - originUs }),
        },
      };
    case 'clock':
      return { clock: { utcMs: input.utcMs, quality: input.quality } };
    case 'capacity':
      return { full: input.full };
    case 'calibration':
      return { calibration: input.calibration };
    case 'end':
      return { end: true };
    case 'cell': // runs of samples share a line
    case 'store': // its files are kept beside the trace
    case 'frame': // pictures stay on the device
    case 'position':
      return undefined;
  }
}

/** As text where that gives the same bytes back, else in hexadecimal. */
function scanText(data: Uint8Array): { scan: string } | { scanHex: string } {
  try {
    const text = decoder.decode(data);
    if (Buffer.compare(Buffer.from(text, 'utf8'), data) === 0) return { scan: text };
  } catch {
    // Not UTF-8: kept as it came.
  }
  return { scanHex: Buffer.from(data).toString('hex') };
}
