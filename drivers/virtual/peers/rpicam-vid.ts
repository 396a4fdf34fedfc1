import type { Clock } from '#base/clock.ts';
import type { DeviceIdentity } from '../../driver.ts';
import type { ProgramRequest } from '../../ports/ports.ts';
import type { ProgramPeer, ProgramWire } from '../peer-ports.ts';
import { jpegMarkers } from './test-picture.ts';

const oneCamera = [
  'Available cameras',
  '-----------------',
  '0 : imx708 [4608x2592 10-bit RGGB] (/base/axi/pcie@1000120000/rp1/i2c@88000/imx708@1a)',
  "    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]",
  '                             2304x1296 [56.03 fps - (0, 0)/4608x2592 crop]',
  '',
].join('\n');

/** `rpicam-vid` with one camera: prints its list, or writes frames in pieces until it is ended. */
export class RpicamVidPeer implements ProgramPeer {
  readonly identity: DeviceIdentity = { model: 'rpicam-vid' };
  /** What `--list-cameras` prints. */
  list = oneCamera;
  /** Command lines that it was started with, the list apart. */
  readonly runs: (readonly string[])[] = [];
  /** It makes this size of whatever it is asked for. */
  substitute: { readonly width: number; readonly height: number } | undefined;
  /** Bytes that each row has behind its pixels. */
  padding = 0;
  silent = false;
  /** Ends right after its start, having said this. */
  refusal: string | undefined;
  /** Writes half of each frame only. */
  cutOff = false;
  /** It says nothing of its streams. */
  taciturn = false;
  readonly #clock: Clock;
  readonly #pieceBytes: number;
  #messages: string[] = [];
  #wire: ProgramWire | undefined;
  #cancel: (() => void) | undefined;
  #count = 0;

  constructor(clock: Clock, pieceBytes = 1000) {
    this.#clock = clock;
    this.#pieceBytes = pieceBytes;
  }

  started({ arguments: args }: ProgramRequest, wire: ProgramWire): void {
    this.#messages = [];
    if (args.includes('--list-cameras')) {
      wire.send(Buffer.from(this.list));
      wire.exit(0);
      return;
    }
    this.runs.push(args);
    if (this.refusal !== undefined) {
      this.#messages = [this.refusal];
      wire.exit(255);
      return;
    }
    this.#wire = wire;
    const option = (name: string) => args[args.indexOf(`--${name}`) + 1] ?? '';
    const asked = { width: Number(option('width')), height: Number(option('height')) };
    const { width, height } = this.substitute ?? asked;
    if (!this.taciturn) {
      const streams = `(0) ${width}x${height}-YUV420 (1) 1536x864-BGGR_PISP_COMP1`;
      this.#messages.push(`[0:00:01.5] [42]  INFO Camera camera.cpp:1183 configuring streams: ${streams}`);
    }
    this.#next(1_000_000 / Number(option('framerate')), () =>
      option('codec') === 'mjpeg'
        ? jpegMarkers(width, height, this.#count)
        : new Uint8Array(((width + this.padding) * height * 3) / 2).fill(this.#count & 0xff),
    );
  }

  closed(): void {
    this.#cancel?.();
    this.#wire = undefined;
  }

  messages(): readonly string[] {
    return this.#messages;
  }

  /** Bytes among the frames. */
  send(bytes: Uint8Array): void {
    this.#wire?.send(bytes);
  }

  /** It ends by itself. */
  die(said: string): void {
    this.#messages.push(said);
    this.#wire?.exit(1);
  }

  #next(periodUs: number, picture: () => Uint8Array): void {
    this.#cancel = this.#clock.after(periodUs, () => {
      this.#next(periodUs, picture);
      if (this.silent) return;
      this.#count += 1;
      const whole = picture();
      const bytes = this.cutOff ? whole.subarray(0, whole.length >> 1) : whole;
      for (let at = 0; at < bytes.length; at += this.#pieceBytes) {
        this.#wire?.send(bytes.subarray(at, at + this.#pieceBytes));
      }
    });
  }
}
