import type { Clock } from '#base/clock.ts';
import type { Ioctl } from './ioctl.ts';
import type { MapMemory, Mapped } from './mapped.ts';
import type { VideoFrame } from './ports.ts';
import type { Poller } from './readiness.ts';
import {
  bufferAt,
  decodeBuffer,
  encodeBuffer,
  type FilledBuffer,
  isSystemCall,
  memoryMapped,
  requestBuffersBytes,
  requests,
  videoCapture,
} from './v4l2.ts';

/** One that is filled, one that waits, one that is read, and one for what the driver holds back. */
const wantedBuffers = 4;
const leastBuffers = 2;
/** No camera's frame is bigger, bytes. */
const mostBytes = 256 * 1024 * 1024;
/** A frame's stamp further than this from now is not this clock's, µs. */
const mostAgeUs = 60_000_000;
/** Wake-ups without a frame in a row after which the stream is taken for broken. */
const mostIdle = 100;

export interface VideoSource {
  readonly fd: number;
  readonly ioctl: Ioctl;
  readonly map: MapMemory;
  /**
   * Called once frames flow, not before: where a camera can also be read like a file, the mere question whether it is
   * readable would begin that, and then its buffers are taken (EBUSY).
   */
  readonly pollerOf: (fd: number) => Poller;
  readonly clock: Clock;
}

export interface VideoSink {
  /** The newest frame, in the kernel's own memory: it is given back to the camera afterwards. */
  frame(frame: VideoFrame, atUs: number): void;
  /** Nothing more comes. */
  failed(cause: unknown): void;
}

/** The kernel's ring of frames of one open camera: filled ones are taken out, lent and given back. */
export class VideoBuffers {
  readonly #source: VideoSource;
  readonly #sink: VideoSink;
  #mapped: Mapped[] = [];
  #state: 'idle' | 'streaming' | 'over' = 'idle';
  #idleInARow = 0;
  #poller: Poller | undefined;

  constructor(source: VideoSource, sink: VideoSink) {
    this.#source = source;
    this.#sink = sink;
  }

  /** Maps the buffers and lets frames flow. Rejects with SystemCallError. */
  async begin(): Promise<void> {
    if (this.#state !== 'idle') return;
    const { fd, ioctl, map } = this.#source;
    const count = await this.#requestBuffers(wantedBuffers);
    if (count < leastBuffers) throw new RangeError(`the camera has ${count} buffers, too few to stream`);
    for (let index = 0; index < count; index++) {
      const buffer = encodeBuffer(index);
      await ioctl.bufferAsync(fd, requests.queryBuffer, buffer, []);
      const bytes = buffer.readUInt32LE(bufferAt.length);
      if (bytes === 0 || bytes > mostBytes) throw new RangeError(`a buffer of ${bytes} bytes can't be used`);
      this.#mapped.push(map(fd, buffer.readUInt32LE(bufferAt.offset), bytes));
      ioctl.buffer(fd, requests.queueBuffer, encodeBuffer(index));
    }
    await ioctl.bufferAsync(fd, requests.streamOn, streamType(), []);
    this.#state = 'streaming';
    this.#poller = this.#source.pollerOf(fd);
    this.#wait(this.#poller);
  }

  /** Ends the stream and gives the memory back. Never rejects: the camera may be gone. */
  async end(): Promise<void> {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#poller?.stop();
    const { fd, ioctl } = this.#source;
    if (this.#mapped.length === 0) return;
    await ioctl.bufferAsync(fd, requests.streamOff, streamType(), []).catch(() => {});
    for (const mapped of this.#mapped) mapped.unmap();
    this.#mapped = [];
    await this.#requestBuffers(0).catch(() => {});
  }

  async #requestBuffers(count: number): Promise<number> {
    const { fd, ioctl } = this.#source;
    const data = Buffer.alloc(requestBuffersBytes);
    for (const [i, value] of [count, videoCapture, memoryMapped].entries()) data.writeUInt32LE(value, i * 4);
    await ioctl.bufferAsync(fd, requests.requestBuffers, data, []);
    return data.readUInt32LE(0);
  }

  #wait(poller: Poller): void {
    poller.once('readable', () => {
      if (this.#state !== 'streaming') return;
      try {
        this.#takeNewest();
      } catch (cause) {
        this.#sink.failed(cause);
        return;
      }
      if (this.#state === 'streaming') this.#wait(poller);
    });
  }

  /** Takes out all that is filled, gives the older ones back, and hands on the newest. */
  #takeNewest(): void {
    const { clock } = this.#source;
    let newest: FilledBuffer | undefined;
    for (let taken = 0; taken <= this.#mapped.length; taken++) {
      const next = this.#dequeue();
      if (next === undefined) break;
      if (newest !== undefined) this.#giveBack(newest.index);
      newest = next;
    }
    const mapped = newest === undefined ? undefined : this.#mapped[newest.index];
    if (newest === undefined || mapped === undefined) {
      // An error of the poll wakes up again and again, and says nothing of its own.
      this.#idleInARow += 1;
      if (this.#idleInARow > mostIdle) throw new Error('it wakes up without a frame');
      return;
    }
    this.#idleInARow = 0;
    const used = Math.min(newest.used, mapped.bytes);
    const { index, sequence, damaged, kernelUs } = newest;
    const nowUs = clock.nowUs();
    const ageUs = kernelUs === undefined ? 0 : Number(process.hrtime.bigint() / 1000n) - kernelUs;
    const atUs = ageUs >= 0 && ageUs < mostAgeUs ? nowUs - ageUs : nowUs;
    this.#sink.frame({ data: mapped.data.subarray(0, used), sequence, damaged }, atUs);
    if (this.#state === 'streaming') this.#giveBack(index);
  }

  #dequeue(): FilledBuffer | undefined {
    const { fd, ioctl } = this.#source;
    const buffer = encodeBuffer(0);
    try {
      ioctl.buffer(fd, requests.dequeueBuffer, buffer);
    } catch (error) {
      if (isSystemCall(error, 'EAGAIN', 'EINTR')) return undefined;
      throw error;
    }
    return decodeBuffer(buffer);
  }

  #giveBack(index: number): void {
    const { fd, ioctl } = this.#source;
    ioctl.buffer(fd, requests.queueBuffer, encodeBuffer(index));
  }
}

function streamType(): Buffer {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(videoCapture, 0);
  return data;
}
