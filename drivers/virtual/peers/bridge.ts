import type { Clock } from '#base/clock.ts';
import { createRandom } from '#base/random.ts';
import type { DeviceIdentity } from '../../driver.ts';
import {
  ageUnitUs,
  type BridgeMessage,
  decodeHostMessage,
  encodeBridgeMessage,
  firmwareName,
  type HostMessage,
  messageIds,
  mostChannels,
  noChannel,
  noticeKinds,
  type Sample,
} from '../../load-cell/firmata-hx711/protocol.ts';
import { openFrame } from '../../load-cell/firmata-hx711/wire.ts';
import type { BytePeer, I2cPeer, PeerWire } from '../peer-ports.ts';
import { type BridgeFirmware, firmataAnswer, firmwareReport, versionReport } from './bridge-firmata.ts';
import { BridgeLine } from './bridge-line.ts';

const oldestInFrameUs = 8_000;
const settling = 4;
const noticeEveryUs = 250_000;

/** A conversion as the simulated converter made it. */
export interface TrueSample {
  readonly channel: number;
  readonly counts: number;
  readonly atUs: number;
}

export interface BridgePeerOptions {
  readonly clock: Clock;
  readonly seed?: number;
  readonly serial?: string;
  readonly firmware?: BridgeFirmware;
  /** Of the serial line; 0 for one that takes no time. */
  readonly baudRate?: number;
  /** How much slower the bridge's clock runs, parts per million; its time stamps start from `bootStampUs`. */
  readonly driftPpm?: number;
  readonly bootStampUs?: number;
  /** What the converters really do, whatever they are told, conversions a second. */
  readonly trueRate?: number;
  readonly counts?: (channel: number, atUs: number) => number;
  readonly chips?: ReadonlyMap<number, I2cPeer>;
  /** Hears of each conversion that is sent. */
  readonly onSample?: (sample: TrueSample) => void;
}

interface Waiting {
  readonly counts: number;
  readonly atUs: number;
}

/**
 * A load-cell bridge at the other end of a byte stream, by boards/firmware/load-cell-bridge/PROTOCOL.md but without its
 * firmware: for what is to be tried quickly and in virtual time. The firmware itself runs in `microcontroller/`.
 */
export class BridgePeer implements BytePeer {
  readonly identity: DeviceIdentity = { model: 'simulated bridge' };
  readonly line: BridgeLine;
  /** Neither sends nor answers: it hangs. */
  silent = false;
  /** Sends no samples though it streams and answers. */
  mute = false;
  readonly missing = new Set<number>();
  readonly stuck = new Set<number>();
  /** How the host sent START last; undefined while not streaming. */
  streaming: Extract<HostMessage, { kind: 'start' }> | undefined;
  starts = 0;
  readonly #options: BridgePeerOptions;
  readonly #chips: ReadonlyMap<number, I2cPeer>;
  readonly #firmware: BridgeFirmware;
  readonly #skews: readonly number[];
  #serial = new Uint8Array(8).fill(0xff);
  #bootUs: number;
  #resetCause = 1;
  #sequence = 0;
  #frames = 0;
  #i2cErrors = 0;
  #badCrc = 0;
  #run = 0;
  #waiting = new Map<number, Waiting>();
  #received: number[] = [];
  readonly #told = new Map<string, number>();

  constructor(options: BridgePeerOptions) {
    this.#options = options;
    this.line = new BridgeLine(options.clock, options.baudRate ?? 115_200);
    this.#chips = options.chips ?? new Map();
    this.#firmware = options.firmware ?? { name: firmwareName, version: [1, 0, 0], protocol: 1 };
    this.#bootUs = options.clock.nowUs();
    const random = createRandom(options.seed ?? 1);
    this.#skews = Array.from({ length: mostChannels }, () => random.gaussian() * 0.01);
    if (options.serial !== undefined) {
      this.#serial = new Uint8Array(8);
      this.#serial.set(Buffer.from(options.serial, 'latin1'));
    }
  }

  opened(wire: PeerWire<Uint8Array>): void {
    this.line.open(wire);
  }

  closed(): void {
    this.line.close();
  }

  /** As by its watchdog: everything begins anew, and it introduces itself. */
  reset(cause = 8, introduces = true): void {
    this.#stop();
    this.line.flush();
    this.#received = [];
    this.#resetCause = cause;
    this.#bootUs = this.#options.clock.nowUs();
    if (introduces) this.#introduce();
  }

  /** Frames in between are lost in the bridge: their sequence numbers are used up. */
  dropFrames(count: number): void {
    this.#sequence = (this.#sequence + count) & 0xffff;
    this.#notice(noticeKinds.framesDropped, noChannel, count);
  }

  /** A notice, at most four a second of one kind and channel. */
  notice(what: number, channel: number, detail = 0): void {
    this.#notice(what, channel, detail);
  }

  received(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === 0xf9) this.#send(versionReport);
      else if (byte === 0xff) this.#stop();
      else if (byte === 0xf0) this.#received = [byte];
      else if (this.#received.length > 0) {
        this.#received.push(byte);
        if (byte === 0xf7) this.#message(Uint8Array.from(this.#received.splice(0)));
        else if (byte >= 0x80 || this.#received.length > 70) this.#received = [];
      }
    }
  }

  #message(message: Uint8Array): void {
    const id = message[1] ?? 0;
    if (id > 0x0f) {
      const answer = firmataAnswer(message, this.#firmware, this.#chips, (address) => {
        this.#i2cErrors += 1;
        this.#notice(noticeKinds.i2cSilent, noChannel, address);
      });
      if (answer !== undefined) this.#send(answer);
      return;
    }
    if (this.#firmware.protocol === undefined) return;
    const payload = new Uint8Array(128);
    const length = openFrame(id, message, 2, message.length - 1, payload);
    if (length < 0) {
      this.#badCrc += 1;
      this.#notice(noticeKinds.badCrc, noChannel, this.#badCrc);
      return;
    }
    const decoded = decodeHostMessage(id, payload.subarray(0, length));
    if (decoded === undefined) this.#tell({ kind: 'answer', of: id, result: 1 });
    else this.#obey(decoded);
  }

  #obey(message: HostMessage): void {
    const answer = (result: number) => this.#tell({ kind: 'answer', of: messageIds[message.kind], result });
    switch (message.kind) {
      case 'start':
        if (message.channels === 0 || ![10, 80].includes(message.rate)) answer(2);
        else {
          answer(0);
          this.#start(message);
        }
        return;
      case 'stop':
        this.#stop();
        answer(0);
        return;
      case 'setSerial':
        if (this.streaming === undefined) this.#serial = Uint8Array.from(message.serial);
        answer(this.streaming === undefined ? 0 : 3);
        return;
      case 'restart':
        answer(0);
        this.#options.clock.after(20_000, () => this.reset(8));
        return;
      case 'status':
        this.#tell(this.#status());
        return;
      case 'echo':
        this.#tell({ kind: 'echoReply', bytes: message.bytes });
        return;
      case 'identify':
        this.#identify();
        return;
      default:
        answer(this.streaming === undefined ? 3 : 0);
    }
  }

  #introduce(): void {
    this.#send(versionReport);
    this.#send(firmwareReport(this.#firmware));
    this.#identify();
  }

  #identify(): void {
    const { protocol, version } = this.#firmware;
    if (protocol === undefined) return;
    const resetCause = this.#resetCause;
    this.#tell({
      kind: 'identity',
      protocol,
      version,
      channels: mostChannels,
      signature: 0x950f,
      serial: this.#serial,
      resetCause,
    });
  }

  #status(): BridgeMessage {
    const { streaming } = this;
    return {
      kind: 'statusReport',
      resetCause: this.#resetCause,
      uptimeMs: Math.floor((this.#options.clock.nowUs() - this.#bootUs) / 1000),
      streaming: streaming !== undefined,
      channels: streaming?.channels ?? 0,
      rate: streaming?.rate ?? 0,
      frames: this.#frames,
      framesDropped: 0,
      badCrc: this.#badCrc,
      receiveErrors: 0,
      i2cErrors: this.#i2cErrors,
      perChannel: Array.from({ length: mostChannels }, (_, channel) => ({
        flags:
          streaming !== undefined && (streaming.channels >> channel) & 1
            ? 1 | (this.missing.has(channel) ? 2 : 0) | (this.stuck.has(channel) ? 8 : 0)
            : 0,
        conversions: 0,
        rejected: 0,
        late: 0,
      })),
    };
  }

  #start(message: Extract<HostMessage, { kind: 'start' }>): void {
    this.#stop();
    this.streaming = message;
    this.starts += 1;
    this.#sequence = 0;
    this.#frames = 0;
    const run = this.#run;
    for (let channel = 0; channel < mostChannels; channel++) {
      if (((message.channels >> channel) & 1) === 0) continue;
      const rate = (this.#options.trueRate ?? message.rate) * (1 + (this.#skews[channel] ?? 0));
      const firstUs = this.#options.clock.nowUs() + settling * (1e6 / rate);
      this.#convert(run, channel, firstUs, 1e6 / rate, 0);
    }
  }

  #stop(): void {
    this.streaming = undefined;
    this.#waiting.clear();
    this.#told.clear();
    this.#run += 1;
  }

  /** The next conversion of a channel, and all after it. */
  #convert(run: number, channel: number, firstUs: number, periodUs: number, index: number): void {
    const atUs = Math.round(firstUs + (index + 1) * periodUs);
    this.#options.clock.after(atUs - this.#options.clock.nowUs(), () => {
      if (run !== this.#run) return;
      this.#converted(channel, atUs);
      this.#convert(run, channel, firstUs, periodUs, index + 1);
    });
  }

  #converted(channel: number, atUs: number): void {
    for (const [faulty, kind, end] of [
      [this.missing, noticeKinds.missing, noticeKinds.back],
      [this.stuck, noticeKinds.stuck, noticeKinds.unstuck],
    ] as const) {
      if (faulty.has(channel)) {
        if (!this.#told.has(`${kind}/${channel}`)) this.#notice(kind, channel, 0);
        return;
      }
      if (this.#told.delete(`${kind}/${channel}`)) this.#notice(end, channel, 0);
    }
    if (this.mute) return;
    if (this.#waiting.has(channel)) this.#flush();
    const counts = this.#options.counts?.(channel, atUs) ?? 100_000 + 1000 * channel;
    this.#waiting.set(channel, { counts, atUs });
    const run = this.#run;
    const [oldest] = [...this.#waiting.values()];
    if (this.#waiting.size === bits(this.streaming?.channels ?? 0)) this.#flush();
    else if (this.#waiting.size === 1 && oldest !== undefined) {
      this.#options.clock.after(oldestInFrameUs, () => {
        if (run === this.#run && this.#waiting.get(channel) === oldest) this.#flush();
      });
    }
  }

  #flush(): void {
    const nowUs = this.#options.clock.nowUs();
    const samples: Sample[] = [];
    for (const [channel, { counts, atUs }] of [...this.#waiting].sort(([a], [b]) => a - b)) {
      const age = Math.min(255, Math.floor(Math.max(0, nowUs - atUs) / ageUnitUs));
      samples.push({ channel, age, counts });
      this.#options.onSample?.({ channel, counts, atUs });
    }
    this.#waiting.clear();
    const { driftPpm = 0, bootStampUs = 0 } = this.#options;
    const stamp = Math.floor((nowUs - this.#bootUs) * (1 - driftPpm / 1e6) + bootStampUs);
    const timestampUs = stamp % 0x1_0000_0000;
    this.#tell({ kind: 'samples', sequence: this.#sequence, timestampUs, samples });
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#frames += 1;
  }

  #notice(what: number, channel: number, detail: number): void {
    const key = `${what}/${channel}`;
    const nowUs = this.#options.clock.nowUs();
    if (nowUs - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < noticeEveryUs) return;
    this.#told.set(key, nowUs);
    this.#tell({ kind: 'notice', what, channel, detail });
  }

  #tell(message: BridgeMessage): void {
    this.#send(encodeBridgeMessage(message));
  }

  #send(bytes: Uint8Array): void {
    if (!this.silent) this.line.send(bytes);
  }
}

function bits(mask: number): number {
  let count = 0;
  for (let left = mask; left !== 0; left >>= 1) count += left & 1;
  return count;
}
