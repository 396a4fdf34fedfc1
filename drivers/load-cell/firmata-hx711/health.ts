import type { CellStream } from './cells.ts';
import type { FaultLedger } from './fault-ledger.ts';
import { channelFlags, mostChannels, type Notice, noticeKinds, type StatusReport } from './protocol.ts';

/** A channel that sends nothing for so long is missing, µs, whether or not the bridge says so. */
const missingUs = 700_000;
/** Converters may take this long to send a first sample after a start, µs: power-up and four conversions at 10/s. */
export const settleUs = 1_500_000;
/** A converter's rate may be this part off: its own oscillator is good for a few per cent. */
const rateTolerance = 0.25;

/** Judges the single cells by what the bridge notices and by what comes. */
export class CellHealth {
  readonly #cells: readonly (string | undefined)[];
  readonly #stream: CellStream;
  readonly #faults: FaultLedger;
  readonly #samplesPerSecond: number;

  constructor(
    cells: readonly (string | undefined)[],
    stream: CellStream,
    faults: FaultLedger,
    samplesPerSecond: number,
  ) {
    this.#cells = cells;
    this.#stream = stream;
    this.#faults = faults;
    this.#samplesPerSecond = samplesPerSecond;
  }

  /** A notice about a channel, or one about the bridge; false for those that don't concern cells. */
  notice({ what, channel, detail }: Notice, nowUs: number): void {
    const cell = this.#cells[channel];
    if (what === noticeKinds.badCrc || what === noticeKinds.framesDropped) {
      const message =
        what === noticeKinds.badCrc
          ? 'a message to the bridge was damaged on the way; check cable and grounding'
          : `the bridge had to drop ${detail} frames; raise baudRate or lower samplesPerSecond`;
      this.#faults.pulse('integrity', 'CW-DRV-017', message, nowUs);
    }
    if (cell === undefined) return;
    if (what === noticeKinds.missing) this.#missing(cell, channel, nowUs);
    else if (what === noticeKinds.back) this.#faults.clear('missing', cell);
    else if (what === noticeKinds.stuck) this.#stuck(cell, channel, nowUs);
    else if (what === noticeKinds.unstuck) this.#faults.clear('stuck', cell);
    else if (what === noticeKinds.rejected) {
      const message = `${detail} conversions of ${named(cell, channel)} were rejected: its clock was held too long, or its data line is disturbed; check its wiring`;
      this.#faults.pulse('timing', 'CW-DRV-017', message, nowUs, cell);
    } else if (what === noticeKinds.late) {
      const message = `${detail} conversions of ${named(cell, channel)} were read too late, so that some may be lost`;
      this.#faults.pulse('timing', 'CW-DRV-017', message, nowUs, cell);
    }
  }

  /**
   * Looks at what came of each cell. `sinceUs` is when samples could come at the earliest. A cell that sends again is
   * well again, also where the bridge's notice of that was lost.
   */
  look(sinceUs: number, nowUs: number): void {
    for (let channel = 0; channel < mostChannels; channel++) {
      const cell = this.#cells[channel];
      if (cell === undefined) continue;
      const lastUs = this.#stream.lastUs(channel);
      const seenUs = Number.isNaN(lastUs) ? sinceUs : Math.max(lastUs, sinceUs);
      if (nowUs - seenUs >= missingUs && !this.#faults.has('stuck', cell))
        this.#missing(cell, channel, nowUs);
      for (const kind of ['missing', 'stuck'] as const) {
        const told = this.#faults.since(kind, cell);
        if (told !== undefined && lastUs > told) this.#faults.clear(kind, cell);
      }
    }
  }

  /** What the bridge's own status says of the channels, in case a notice was lost, and the rates that were measured. */
  status({ perChannel }: StatusReport, sinceUs: number, nowUs: number): void {
    const wrong: string[] = [];
    for (let channel = 0; channel < mostChannels; channel++) {
      const cell = this.#cells[channel];
      if (cell === undefined) continue;
      const flags = perChannel[channel]?.flags ?? 0;
      if ((flags & channelFlags.missing) !== 0) this.#missing(cell, channel, nowUs);
      if ((flags & channelFlags.stuck) !== 0) this.#stuck(cell, channel, nowUs);
      const rate = 1e6 / this.#stream.periodUs(channel);
      const off = Math.abs(rate / this.#samplesPerSecond - 1) > rateTolerance;
      if (off) wrong.push(`${named(cell, channel)} converts ${rate.toFixed(1)} times a second`);
    }
    if (nowUs - sinceUs < 2 * settleUs) return;
    if (wrong.length === 0) this.#faults.clear('configuration');
    else {
      const message = `${wrong.join(', ')} where samplesPerSecond is ${this.#samplesPerSecond}; check how RATE is wired, or set samplesPerSecond accordingly`;
      this.#faults.raise('configuration', 'CW-DRV-015', message, nowUs);
    }
  }

  #missing(cell: string, channel: number, nowUs: number): void {
    const message = `the converter of ${named(cell, channel)} sends nothing; check its supply, DOUT and clock wires`;
    this.#faults.raise('missing', 'CW-DRV-008', message, nowUs, cell);
  }

  #stuck(cell: string, channel: number, nowUs: number): void {
    const message = `the data line of ${named(cell, channel)} stays low; check DOUT for a short and the converter's supply`;
    this.#faults.raise('stuck', 'CW-DRV-015', message, nowUs, cell);
  }
}

function named(cell: string, channel: number): string {
  return `cell ${cell} (channel ${channel})`;
}
