import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  ageUnitUs,
  type BridgeMessage,
  encodeHostMessage,
  type HostMessage,
  oldestAge,
} from '#drivers/load-cell/firmata-hx711/protocol.ts';
import { FrameSplitter } from '#drivers/load-cell/firmata-hx711/splitter.ts';
import { readHex } from '#drivers/virtual/microcontroller/hex.ts';
import type { Conversion } from '#drivers/virtual/microcontroller/hx711.ts';
import { Microcontroller } from '#drivers/virtual/microcontroller/microcontroller.ts';

export const releasedFirmware = 'boards/firmware/load-cell-bridge/load-cell-bridge.hex';

/** Counts that no two conversions share soon: every bit of the word is at work, and both signs. */
export function scrambled(channel: number, conversion: number): number {
  const mixed = Math.imul((conversion + 1) * 8 + channel, 0x9e3779b1);
  // Not the ends of the scale, which stand for a cell beyond it.
  return Math.max(-0x7ffffe, Math.min(0x7ffffe, mixed >> 8));
}

/** What a channel's converter latched, and what the host read of it. */
interface Channel {
  readonly latched: Conversion[];
  readonly read: { readonly counts: number; readonly seenUs: number; readonly aged: boolean }[];
}

export interface StreamReport {
  /** Samples that are the very conversions the converter latched, in their order. */
  readonly equal: number;
  /** Samples that are not. */
  readonly wrong: number;
  /** Conversions between the first and the last one read that the host never got. */
  readonly lost: number;
  /** Frames missing by their sequence numbers. */
  readonly gaps: number;
  /** Messages with a bad checksum or cut short. */
  readonly damaged: number;
  /** Power-downs of converters beyond the one at the start. */
  readonly powerDowns: number;
  readonly badReads: number;
  readonly overwritten: number;
  /** How far off a sample's time is at most from when its conversion ended, µs. */
  readonly worstTimeUs: number;
  /** SHA-256 of everything that came over the line. */
  readonly hash: string;
}

/** The firmware with a converter on each channel, streaming to the host's own decoder, with every conversion noted. */
export class Stream {
  readonly mcu: Microcontroller;
  readonly messages: BridgeMessage[] = [];
  readonly #channels: readonly Channel[];
  readonly #splitter: FrameSplitter;
  readonly #hash = createHash('sha256');
  #gaps = 0;
  #damaged = 0;
  #next: number | undefined;

  constructor(options: { readonly hexFile?: string; readonly channels: number; readonly seed: number }) {
    const { hexFile = releasedFirmware, channels, seed } = options;
    this.#channels = Array.from({ length: channels }, () => ({ latched: [], read: [] }));
    const conversions = new Array<number>(channels).fill(0);
    this.mcu = new Microcontroller({
      program: readHex(readFileSync(hexFile, 'utf8')),
      cells: this.#channels.map((_, channel) => () => {
        conversions[channel] = (conversions[channel] ?? 0) + 1;
        return scrambled(channel, conversions[channel]);
      }),
      seed,
      onConversion: (channel, conversion) => this.#channels[channel]?.latched.push(conversion),
    });
    this.#splitter = new FrameSplitter({
      samples: (frame) => {
        if (this.#next !== undefined && frame.sequence !== this.#next) this.#gaps += 1;
        this.#next = (frame.sequence + 1) & 0xffff;
        for (let index = 0; index < frame.length; index++) {
          const age = frame.age[index] ?? 0;
          this.#channels[frame.channel[index] ?? -1]?.read.push({
            counts: frame.counts[index] ?? 0,
            seenUs: frame.timestampUs - age * ageUnitUs,
            aged: age < oldestAge,
          });
        }
      },
      message: (message) => this.messages.push(message),
      firmata: () => {},
      version: () => {},
      damaged: () => {
        this.#damaged += 1;
      },
    });
  }

  get samples(): number {
    return this.#channels.reduce((sum, { read }) => sum + read.length, 0);
  }

  tell(message: HostMessage): void {
    this.mcu.send(encodeHostMessage(message));
  }

  /** Lets `ms` pass and decodes what comes. */
  run(ms: number): void {
    const untilUs = this.mcu.nowUs + ms * 1_000;
    while (this.mcu.nowUs < untilUs) {
      this.mcu.run(Math.min(untilUs, this.mcu.nowUs + 10_000));
      const bytes = this.mcu.take();
      this.#hash.update(bytes);
      this.#splitter.push(bytes, this.mcu.nowUs);
    }
  }

  report(): StreamReport {
    const parts = this.#channels.map(compare);
    const sum = (of: (part: (typeof parts)[number]) => number) =>
      parts.reduce((total, part) => total + of(part), 0);
    const pins = this.mcu.statistics.channels;
    const total = (of: 'powerDowns' | 'badReads' | 'overwritten') =>
      pins.reduce((count, statistics) => count + (statistics?.[of] ?? 0), 0);
    return {
      equal: sum(({ equal }) => equal),
      wrong: sum(({ wrong }) => wrong),
      lost: sum(({ lost }) => lost),
      gaps: this.#gaps,
      damaged: this.#damaged,
      powerDowns: total('powerDowns') - this.#channels.length,
      badReads: total('badReads'),
      overwritten: total('overwritten'),
      worstTimeUs: Math.max(...parts.map(({ worstTimeUs }) => worstTimeUs)),
      hash: this.#hash.copy().digest('hex'),
    };
  }
}

/** Matches what was read with what was latched: each sample is looked for after the one before. */
function compare({ latched, read }: Channel) {
  const result = { equal: 0, wrong: 0, lost: 0, worstTimeUs: 0 };
  let at = -1;
  for (const sample of read) {
    const found = latched.findIndex(
      (conversion, index) =>
        index > at && index <= at + latched.length && conversion.counts === sample.counts,
    );
    if (found < 0) {
      result.wrong += 1;
      continue;
    }
    if (at >= 0) result.lost += found - at - 1;
    at = found;
    result.equal += 1;
    const atUs = latched[found]?.atUs ?? 0;
    if (sample.aged) result.worstTimeUs = Math.max(result.worstTimeUs, Math.abs(sample.seenUs - atUs));
  }
  return result;
}
