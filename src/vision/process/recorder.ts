import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { usPerMs, usPerSecond } from '#base/units.ts';
import { copyFrame, frameBytes } from '#readings/frames.ts';
import type { FrameReading } from '#readings/readings.ts';
import { VisionError } from '../errors.ts';
import { makeRecordingsFolder, recordingName, sweepRecordings } from './recordings.ts';

export interface RecorderOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly folder: string;
  /** How long a recording is kept after its end, µs. */
  readonly keepUs: number;
  /** Bound of all recordings together, bytes. */
  readonly mostBytes: number;
}

interface Lease {
  readonly untilUs: number;
  readonly path: string;
  readonly erasedAt: number;
  readonly format: FrameReading['format'];
  /** Opened with the first frame. */
  stream: WriteStream | undefined;
  /** Format and size of its frames, as of the first one. */
  form: string | undefined;
  end: () => void;
}

export interface StartedRecording {
  readonly path: string;
  readonly untilUs: number;
  /** When the file is erased, UTC ms. */
  readonly erasedAt: number;
}

const endings = { mjpeg: 'mjpeg', yuv420: 'y4m', grey: 'y4m', rgb24: 'ppm' } as const;

/** What a stream may hold back before frames are left out, bytes: a slow card must not fill the memory. */
const mostWaiting = 16 * 1_048_576;

/**
 * A technician's recording: the one way of frames to the disk. It ends by itself, and its file bears when it has to be
 * erased. JPEG frames are written one after the other (`.mjpeg`), others as YUV4MPEG2 (`.y4m`) or as portable pixmaps
 * (`.ppm`): common players open all three.
 */
export class FrameRecorder {
  readonly #options: RecorderOptions;
  readonly #leases = new Map<string, Lease>();
  #bytes = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Until when the longest of the recordings runs; undefined where none does. */
  get untilUs(): number | undefined {
    const ends = [...this.#leases.values()].map(({ untilUs }) => untilUs);
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  /** Starts to record a camera, in place of a recording of it that runs. Rejects with CW-VIS-020 where that can't be. */
  async start(camera: string, format: FrameReading['format'], seconds: number): Promise<StartedRecording> {
    const { clock, folder, keepUs, mostBytes } = this.#options;
    try {
      await makeRecordingsFolder(folder);
      this.#bytes = (await sweepRecordings(folder, clock.utcMs())).bytes;
    } catch (error) {
      throw new VisionError(
        'CW-VIS-020',
        `${folder} can't be used for a recording: ${describeError(error)}`,
        {
          cause: error,
        },
      );
    }
    if (this.#bytes >= mostBytes) {
      const message = `recordings take ${this.#bytes} bytes, ${mostBytes} at most; erase them (vision.erase), or allow more (vision.recording.megabytes)`;
      throw new VisionError('CW-VIS-020', message);
    }
    const untilUs = clock.nowUs() + seconds * usPerSecond;
    const erasedAt = Math.ceil(clock.utcMs() + seconds * 1000 + keepUs / usPerMs);
    const name = recordingName(camera, erasedAt, endings[format]);
    const cancel = clock.after(seconds * usPerSecond, () => lease.end());
    this.#leases.get(camera)?.end();
    const lease: Lease = {
      untilUs,
      erasedAt,
      path: join(folder, name),
      format,
      stream: undefined,
      form: undefined,
      end: () => {
        cancel();
        lease.stream?.end();
        clock.after(Math.max(0, lease.erasedAt - clock.utcMs()) * usPerMs, () => void this.#sweep());
        if (this.#leases.get(camera) === lease) this.#leases.delete(camera);
      },
    };
    this.#leases.set(camera, lease);
    return { path: lease.path, untilUs, erasedAt };
  }

  /** HOT PATH: every frame of every camera comes by; without a recording it is one look into an empty map. */
  frame(reading: FrameReading): void {
    const lease = this.#leases.get(reading.source);
    if (lease === undefined) return;
    // A camera that comes back with another format or size would make the file unreadable.
    if (reading.format !== lease.format) return;
    lease.form ??= formOf(reading);
    if (lease.form !== formOf(reading)) return;
    lease.stream ??= this.#open(lease, reading);
    if (lease.stream.writableLength > mostWaiting) return;
    const bytes = frameBytes(reading);
    this.#bytes += bytes;
    if (this.#bytes > this.#options.mostBytes) {
      this.#options.log.warn({ camera: reading.source }, 'the recording is as large as it may be; it ends');
      lease.end();
      return;
    }
    const head = frameHeader(reading);
    if (head !== undefined) lease.stream.write(head);
    // The frame is borrowed for this call.
    const copy = Buffer.allocUnsafe(bytes);
    copyFrame(reading, copy);
    lease.stream.write(copy);
  }

  /** Ends all recordings and erases every file. Resolves with how many there were. */
  async erase(): Promise<number> {
    const { clock, folder } = this.#options;
    await this.stop();
    const { erased } = await sweepRecordings(folder, clock.utcMs(), true);
    return erased;
  }

  /** Ends all recordings; resolves when their files are closed. */
  async stop(): Promise<void> {
    const closed = [...this.#leases.values()].map(
      ({ stream }) =>
        new Promise<void>((resolve) => {
          if (stream === undefined) resolve();
          else stream.once('close', () => resolve());
        }),
    );
    for (const lease of [...this.#leases.values()]) lease.end();
    await Promise.all(closed);
  }

  /** The gateway does so too, in case that this process is no more. */
  async #sweep(): Promise<void> {
    const { clock, folder, log } = this.#options;
    await sweepRecordings(folder, clock.utcMs()).catch((error: unknown) => {
      log.error({ err: describeError(error) }, 'recordings of frames can not be erased');
    });
  }

  #open(lease: Lease, reading: FrameReading): WriteStream {
    const stream = createWriteStream(lease.path, { mode: 0o600, flags: 'w' });
    stream.on('error', (error) => {
      this.#options.log.warn({ camera: reading.source, err: describeError(error) }, 'the recording ended');
      lease.end();
    });
    const head = fileHeader(reading);
    if (head !== undefined) stream.write(head);
    return stream;
  }
}

function formOf({ format, width, height }: FrameReading): string {
  return `${format} ${width} ${height}`;
}

function fileHeader({ format, width, height }: FrameReading): string | undefined {
  if (format === 'yuv420') return `YUV4MPEG2 W${width} H${height} F15:1 Ip A1:1 C420jpeg\n`;
  return format === 'grey' ? `YUV4MPEG2 W${width} H${height} F15:1 Ip A1:1 Cmono\n` : undefined;
}

function frameHeader({ format, width, height }: FrameReading): string | undefined {
  if (format === 'mjpeg') return undefined;
  return format === 'rgb24' ? `P6\n${width} ${height}\n255\n` : 'FRAME\n';
}
