import type { DriverContext } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { findFile } from '../ports/find-file.ts';
import { CameraDevice, type CameraFrame } from './camera-device.ts';
import { FrameStream } from './frame-stream.ts';
import { Ticker } from './ticker.ts';

export interface VideoFileOptions {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly loop: boolean;
}

/**
 * A video as a camera, through ffmpeg, at the speed at which it was taken. Rejects with CW-DRV-004 where ffmpeg is not
 * installed or can't read the file. At its end the last picture stays, unless it loops.
 */
export async function openVideoFile(
  path: string,
  options: VideoFileOptions,
  context: DriverContext,
): Promise<CameraDevice> {
  const { width, height, framesPerSecond, loop } = options;
  const { clock, ports } = context;
  const port = await ports.program({
    program: 'ffmpeg',
    arguments: [
      ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-re'],
      ...(loop ? ['-stream_loop', '-1'] : []),
      // Files only: ffmpeg takes names for addresses otherwise.
      ...['-i', `file:${findFile(path)}`, '-an', '-sn'],
      ...['-vf', `fps=${framesPerSecond},scale=${width}:${height}`],
      ...['-pix_fmt', 'yuv420p', '-f', 'rawvideo', 'pipe:1'],
    ],
    install: 'sudo apt-get install ffmpeg, or use pictures (folder or files), which need no program',
  });
  let last: CameraFrame | undefined;
  const still = new Ticker(clock, framesPerSecond, (atUs) => {
    if (last !== undefined && device.wants(atUs)) device.frame(last, atUs);
  });
  const device: CameraDevice = new CameraDevice(context, {
    identity: { model: 'video', address: path },
    framesPerSecond,
    // Read only from here on: the first frame is the first that is seen.
    begin: async () =>
      port.listen({
        data: (bytes, atUs) => stream.push(bytes, atUs),
        lost: (error) => {
          last = stream.last;
          if (error.details.exitCode === 0 && last !== undefined) still.start();
          else device.lost(new DriverError('CW-DRV-004', `${path} can't be played: ${error.message}`));
        },
      }),
    close: async () => {
      still.stop();
      stream.end();
      await port.close();
    },
  });
  const stream: FrameStream = new FrameStream(clock, { ...options, format: 'yuv420' }, device, {
    whole: () => {},
    // It writes as fast as it can read at times, and nothing at others.
    misshapen: () => {},
  });
  return device;
}
