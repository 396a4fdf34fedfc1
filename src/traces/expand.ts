import type { PipelineInput } from '#pipeline/inputs.ts';
import type { CountsLine, TraceLine, Truth } from './format.ts';

/** Where an expanded trace goes: cell samples apart, because there are so many. */
export interface TraceSink {
  cell(source: string, atUs: number, counts: number, sequence: number): void;
  input(input: PipelineInput): void;
  truth(truth: Truth, atUs: number): void;
}

interface Run {
  readonly line: CountsLine;
  readonly firstSequence: number;
  next: number;
  nextAtUs: number;
}

/**
 * Turns lines into inputs in order of time: runs of samples interleave with each other and with later lines by sample
 * time, ties by the order in the file.
 */
export class TraceExpander {
  readonly #sink: TraceSink;
  readonly #originUs: number;
  readonly #sequences = new Map<string, number>();
  /** In file order, which settles ties. */
  readonly #runs: Run[] = [];
  #lastUs = 0;

  constructor(sink: TraceSink, originUs: number) {
    this.#sink = sink;
    this.#originUs = originUs;
    this.#lastUs = originUs;
  }

  line(line: TraceLine): void {
    const atUs = this.#originUs + line.t;
    this.#drain(atUs);
    this.#lastUs = Math.max(this.#lastUs, atUs);
    if (line.kind === 'counts') {
      const firstSequence = line.sequence ?? this.#sequences.get(line.source) ?? 0;
      this.#sequences.set(line.source, firstSequence + line.counts.length);
      this.#runs.push({ line, firstSequence, next: 0, nextAtUs: atUs });
    } else if (line.kind === 'truth') {
      this.#sink.truth(line.truth, atUs);
    } else {
      const input = toInput(line, atUs, this.#originUs);
      if (input !== undefined) this.#sink.input(input);
    }
  }

  /** Gives out the samples still waiting and answers with the time of the last thing in the trace. */
  finish(): number {
    this.#drain(Number.POSITIVE_INFINITY);
    return this.#lastUs;
  }

  #drain(untilUs: number): void {
    while (this.#runs.length > 0) {
      let earliest: Run | undefined;
      let index = 0;
      for (let i = 0; i < this.#runs.length; i++) {
        const run = this.#runs[i];
        if (run !== undefined && (earliest === undefined || run.nextAtUs < earliest.nextAtUs)) {
          earliest = run;
          index = i;
        }
      }
      if (earliest === undefined || earliest.nextAtUs > untilUs) return;
      const { line, next, nextAtUs, firstSequence } = earliest;
      this.#lastUs = Math.max(this.#lastUs, nextAtUs);
      this.#sink.cell(line.source, nextAtUs, line.counts[next] ?? 0, firstSequence + next);
      earliest.next += 1;
      earliest.nextAtUs += line.periodUs;
      if (earliest.next >= line.counts.length) this.#runs.splice(index, 1);
    }
  }
}

const encoder = new TextEncoder();

function toInput(line: TraceLine, atUs: number, originUs: number): PipelineInput | undefined {
  switch (line.kind) {
    case 'acceleration':
      return { kind: 'motion', source: line.source, atUs, accelerationMmS2: line.acceleration };
    case 'scan':
      return {
        kind: 'scan',
        source: line.source,
        atUs,
        data: encoder.encode(line.scan),
        symbology: line.symbology,
      };
    case 'scanHex': {
      const data = Uint8Array.from(Buffer.from(line.scanHex, 'hex'));
      return { kind: 'scan', source: line.source, atUs, data, symbology: line.symbology };
    }
    case 'massMg': {
      const { source, massMg, stable, status, certificate } = line;
      return {
        kind: 'scale',
        source,
        atUs,
        massMg,
        stable,
        ...(status === undefined ? {} : { status }),
        ...(certificate === undefined ? {} : { certificateId: certificate }),
      };
    }
    case 'command': {
      const { command, args, transaction } = line;
      return { kind: 'command', atUs, command, args, ...(transaction === undefined ? {} : { transaction }) };
    }
    case 'fault': {
      const { source, fault, code, message, channel, cleared } = line;
      return {
        kind: 'device-fault',
        source,
        atUs,
        fault: {
          fault,
          code,
          message,
          ...(channel === undefined ? {} : { channel }),
          ...(cleared === undefined ? {} : { cleared }),
        },
      };
    }
    case 'clock':
      return { kind: 'clock', atUs, utcMs: line.clock.utcMs, quality: line.clock.quality };
    case 'sighting': {
      const { plate, outcome, things, settled } = line.sighting;
      return {
        kind: 'sighting',
        source: line.source,
        atUs,
        outcome,
        things,
        ...(plate === undefined ? {} : { plate }),
        ...(settled === undefined ? {} : { settledAtUs: originUs + settled }),
      };
    }
    case 'power': {
      const { external, batteryPpm } = line.power;
      return {
        kind: 'power',
        source: line.source,
        atUs,
        externalPower: external,
        ...(batteryPpm === undefined ? {} : { batteryPpm }),
      };
    }
    case 'tag':
      return { kind: 'tag', source: line.source, atUs, epc: Uint8Array.from(Buffer.from(line.tag, 'hex')) };
    case 'temperature':
      return { kind: 'temperature', source: line.source, atUs, milliCelsius: line.temperature };
    case 'full':
      return { kind: 'capacity', atUs, full: line.full };
    case 'calibration':
      return { kind: 'calibration', atUs, calibration: line.calibration };
    case 'end':
      return { kind: 'end', atUs };
    case 'counts': // interleaved by the expander
    case 'truth': // never shown to the pipeline
    case 'frame': // looked at only with --reinfer, by the vision room
    case 'message': // from the store: `replay` reads the files that it names
    case 'unknown':
      return undefined;
  }
}
