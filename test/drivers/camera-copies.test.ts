import test, { type ExecutionContext } from 'ava';
import { libcamera } from '#drivers/camera/libcamera.ts';
import { JpegSplitter } from '#drivers/camera/splitters.ts';
import { v4l2 } from '#drivers/camera/v4l2.ts';
import type { Driver } from '#drivers/driver.ts';
import { PeerPorts, type Peers } from '#drivers/virtual/peer-ports.ts';
import { RpicamVidPeer } from '#drivers/virtual/peers/rpicam-vid.ts';
import { jpegMarkers } from '#drivers/virtual/peers/test-picture.ts';
import { V4l2CameraPeer } from '#drivers/virtual/peers/v4l2-camera.ts';
import { Bench } from '../vision/support/eyes-bench.ts';
import { SensorTrial } from './sensor-support.ts';

/** Counts the bytes that are copied from one array to another while it runs. */
async function countCopied(run: () => Promise<void> | void): Promise<number> {
  const { set, slice, copyWithin } = Uint8Array.prototype;
  let bytes = 0;
  Object.assign(Uint8Array.prototype, {
    set(this: Uint8Array, source: ArrayLike<number>, offset?: number) {
      bytes += source.length;
      set.call(this, source, offset);
    },
    slice(this: Uint8Array, start?: number, end?: number) {
      const part = slice.call(this, start, end);
      bytes += part.length;
      return part;
    },
    copyWithin(this: Uint8Array, target: number, start: number, end?: number) {
      bytes += (end ?? this.length) - start;
      return copyWithin.call(this, target, start, end);
    },
  });
  try {
    await run();
  } finally {
    Object.assign(Uint8Array.prototype, { set, slice, copyWithin });
  }
  return bytes;
}

const second = 1_000_000;
const size = { width: 64, height: 48, framesPerSecond: 15 };
const frameBytes = (64 * 48 * 3) / 2;

/** A camera whose frames go to eyes that keep four a second; how many it delivered, they kept, and bytes were copied. */
async function watch(
  t: ExecutionContext,
  driver: Driver,
  options: object,
  peers: (clock: Bench['clock']) => Peers,
) {
  const bench = new Bench();
  await bench.eyes.start();
  const trial = new SensorTrial(bench.clock);
  const device = await trial.open(driver, options, new PeerPorts(bench.clock, peers(bench.clock)), 'camera');
  let delivered = 0;
  await trial.settle(
    device.start((reading) => {
      if (reading.kind !== 'frame') return;
      delivered += 1;
      // By their brightness, the bench takes the first ones for moving and for damaged.
      if (delivered > 5) bench.eyes.frame(reading);
    }),
  );
  const copied = await countCopied(() => trial.pass(4 * second));
  await device.stop();
  await bench.eyes.stop();
  t.true(delivered >= 55, `${delivered}`);
  return { copied, kept: bench.looked.length, delivered };
}

test.serial(
  'Of raw frames of a program none is copied but those that are kept, and these once',
  async (t) => {
    const { copied, kept } = await watch(t, libcamera as Driver, size, (clock) => ({
      program: new RpicamVidPeer(clock),
    }));
    t.true(kept >= 14 && kept <= 18, `${kept}`);
    t.is(copied, kept * frameBytes);
  },
);

for (const [pixelFormat, padding, bytes] of [
  ['YU12', 0, frameBytes],
  ['YU12', 32, frameBytes],
  // Its rows are read one by one, and written as planes from there.
  ['YUYV', 0, 64 * 48 * 2],
] as const) {
  test.serial(
    `Of the kernel's frames (${pixelFormat}, ${padding} bytes between rows) none is copied but those that are kept, and these once`,
    async (t) => {
      const offers = [{ pixelFormat, least: [64, 48], most: [64, 48], framesPerSecond: 15 }] as const;
      const { copied, kept } = await watch(t, v4l2 as Driver, size, (clock) => ({
        video: new V4l2CameraPeer(clock, { offers, padding }),
      }));
      t.true(kept >= 14 && kept <= 18, `${kept}`);
      t.is(copied, kept * bytes);
    },
  );
}

test.serial('JPEGs of a program are put together once, and lent from there', async (t) => {
  const pictures = Array.from({ length: 20 }, (_, i) => jpegMarkers(64, 48, i, 5_000));
  const stream = Buffer.concat(pictures);
  let whole = 0;
  const splitter = new JpegSplitter(20_000, { frame: () => whole++, damaged: () => {} });
  const piece = 700;
  const copied = await countCopied(() => {
    for (let at = 0; at < stream.length; at += piece) splitter.push(stream.subarray(at, at + piece), at);
  });
  t.is(whole, 20);
  // With each picture, what of the next one came in the same piece goes to the other buffer.
  t.true(copied <= stream.length + 20 * piece, `${copied} of ${stream.length}`);
});
