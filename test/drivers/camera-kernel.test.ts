import { execFile } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import anyTest from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { type Ioctl, SystemCallError } from '#drivers/ports/ioctl.ts';
import { type MapMemory, machineMemory } from '#drivers/ports/mapped.ts';
import * as v4l2 from '#drivers/ports/v4l2.ts';
import { openVideo } from '#drivers/ports/video.ts';
import { attachedVideo } from '#drivers/ports/video-attached.ts';
import { VideoBuffers } from '#drivers/ports/video-buffers.ts';
import { KernelTree } from '../support/kernel-tree.ts';
import { needs } from '../tools.ts';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'camera-abi-'));
anyTest.after.always(() => rm(folder, { recursive: true, force: true }));

/** Prints numbers as the kernel's own headers have them, and structures that are filled by their members' names. */
const program = String.raw`
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <linux/videodev2.h>
#define SAY(name, value) printf("%s %llu\n", name, (unsigned long long)(value))
static void dump(const char *name, const void *data, size_t bytes) {
  printf("%s ", name);
  for (size_t i = 0; i < bytes; i++) printf("%02x", ((const unsigned char *)data)[i]);
  printf("\n");
}
int main(void) {
  SAY("queryCapabilities", VIDIOC_QUERYCAP);
  SAY("enumerateFormats", VIDIOC_ENUM_FMT);
  SAY("setFormat", VIDIOC_S_FMT);
  SAY("requestBuffers", VIDIOC_REQBUFS);
  SAY("queryBuffer", VIDIOC_QUERYBUF);
  SAY("queueBuffer", VIDIOC_QBUF);
  SAY("dequeueBuffer", VIDIOC_DQBUF);
  SAY("streamOn", VIDIOC_STREAMON);
  SAY("streamOff", VIDIOC_STREAMOFF);
  SAY("setParameters", VIDIOC_S_PARM);
  SAY("getControl", VIDIOC_G_CTRL);
  SAY("setControl", VIDIOC_S_CTRL);
  SAY("queryControl", VIDIOC_QUERYCTRL);
  SAY("enumerateSizes", VIDIOC_ENUM_FRAMESIZES);
  SAY("enumerateIntervals", VIDIOC_ENUM_FRAMEINTERVALS);
  SAY("bufferBytes", sizeof(struct v4l2_buffer));
  SAY("requestBuffersBytes", sizeof(struct v4l2_requestbuffers));

  struct v4l2_format format;
  memset(&format, 0, sizeof format);
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  format.fmt.pix.width = 1280;
  format.fmt.pix.height = 720;
  format.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
  format.fmt.pix.field = V4L2_FIELD_NONE;
  dump("format", &format, sizeof format);
  format.fmt.pix.bytesperline = 2624;
  format.fmt.pix.quantization = V4L2_QUANTIZATION_FULL_RANGE;
  dump("made", &format, sizeof format);
  format.fmt.pix.quantization = V4L2_QUANTIZATION_LIM_RANGE;
  dump("limited", &format, sizeof format);

  struct v4l2_buffer buffer;
  memset(&buffer, 0, sizeof buffer);
  buffer.index = 3;
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  dump("empty", &buffer, sizeof buffer);
  buffer.bytesused = 1843200;
  buffer.flags = V4L2_BUF_FLAG_ERROR | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
  buffer.timestamp.tv_sec = 4000000000;
  buffer.timestamp.tv_usec = 999999;
  buffer.sequence = 0xfffffffe;
  buffer.m.offset = 0x11223344;
  buffer.length = 1900544;
  dump("filled", &buffer, sizeof buffer);
  buffer.flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
  dump("copied", &buffer, sizeof buffer);

  struct v4l2_capability node;
  memset(&node, 0, sizeof node);
  strcpy((char *)node.card, "HD Pro Webcam C920");
  strcpy((char *)node.bus_info, "usb-0000:01:00.0-1.2");
  node.capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS;
  node.device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
  dump("camera", &node, sizeof node);
  node.device_caps = V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING;
  dump("metadata", &node, sizeof node);

  struct v4l2_streamparm rate;
  memset(&rate, 0, sizeof rate);
  rate.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  rate.parm.capture.timeperframe.numerator = 1000;
  rate.parm.capture.timeperframe.denominator = 12500;
  dump("rate", &rate, sizeof rate);
  rate.parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
  rate.parm.capture.timeperframe.numerator = 1;
  rate.parm.capture.timeperframe.denominator = 15;
  dump("rateMade", &rate, sizeof rate);

  struct v4l2_queryctrl control;
  memset(&control, 0, sizeof control);
  control.id = V4L2_CID_EXPOSURE_ABSOLUTE;
  strcpy((char *)control.name, "Exposure Time, Absolute");
  control.minimum = -3;
  control.maximum = 2047;
  dump("control", &control, sizeof control);
  control.flags = V4L2_CTRL_FLAG_DISABLED;
  dump("disabled", &control, sizeof control);

  struct v4l2_frmsizeenum size;
  memset(&size, 0, sizeof size);
  size.type = V4L2_FRMSIZE_TYPE_STEPWISE;
  size.stepwise.min_width = 320;
  size.stepwise.max_width = 1920;
  size.stepwise.step_width = 2;
  size.stepwise.min_height = 180;
  size.stepwise.max_height = 1080;
  size.stepwise.step_height = 2;
  dump("range", &size, sizeof size);
  struct v4l2_frmivalenum interval;
  memset(&interval, 0, sizeof interval);
  interval.type = V4L2_FRMIVAL_TYPE_DISCRETE;
  interval.discrete.numerator = 1001;
  interval.discrete.denominator = 30000;
  dump("interval", &interval, sizeof interval);
  struct v4l2_fmtdesc description;
  memset(&description, 0, sizeof description);
  description.pixelformat = V4L2_PIX_FMT_MJPEG;
  dump("description", &description, sizeof description);
  return 0;
}
`;

/** An ioctl that answers each request with these bytes, once; then with EINVAL, as an enumeration ends. */
function answering(answers: ReadonlyMap<number, string>): Ioctl & { readonly asked: Map<number, string> } {
  const asked = new Map<number, string>();
  const buffer = (_fd: number, request: number, data: Uint8Array) => {
    const answer = asked.has(request) ? undefined : answers.get(request);
    if (answer === undefined) throw new SystemCallError('ioctl', 22);
    asked.set(request, Buffer.from(data).toString('hex'));
    data.set(Buffer.from(answer, 'hex'));
    return 0;
  };
  return {
    asked,
    buffer,
    bufferAsync: async (fd, request, data) => buffer(fd, request, data),
    value: () => {},
    tryValue: () => true,
    addressOf: () => 0n,
  };
}

needs(anyTest, 'gcc')("the calls and structures of cameras are those of this kernel's headers", async (t) => {
  const source = join(folder, 'abi.c');
  await writeFile(source, program);
  await run('gcc', ['-Wall', '-Werror', '-o', join(folder, 'abi'), source]);
  const { stdout } = await run(join(folder, 'abi'));
  const rows = stdout.trim().split('\n');
  const said = new Map(rows.map((line) => line.split(' ') as [string, string]));
  const hex = (name: string) => said.get(name) ?? '';
  const bytes = (name: string) => Buffer.from(hex(name), 'hex');
  const { requests } = v4l2;
  for (const [name, value] of Object.entries<number>(requests)) t.is(value, Number(said.get(name)), name);
  t.is(v4l2.bufferBytes, Number(said.get('bufferBytes')));
  t.is(v4l2.requestBuffersBytes, Number(said.get('requestBuffersBytes')));

  const wanted = { pixelFormat: 'YUYV', width: 1280, height: 720 };
  t.is(v4l2.encodeFormat(wanted).toString('hex'), hex('format'));
  t.deepEqual(v4l2.decodeFormat(bytes('made')), { ...wanted, bytesPerLine: 2624, range: 'full' });
  t.is(v4l2.decodeFormat(bytes('limited')).range, 'limited');

  t.is(v4l2.encodeBuffer(3).toString('hex'), hex('empty'));
  const filled = { index: 3, used: 1_843_200, sequence: 0xffff_fffe };
  t.deepEqual(v4l2.decodeBuffer(bytes('filled')), {
    ...filled,
    damaged: true,
    kernelUs: 4_000_000_000_999_999,
  });
  t.deepEqual(v4l2.decodeBuffer(bytes('copied')), { ...filled, damaged: false, kernelUs: undefined });
  t.is(bytes('filled').readUInt32LE(v4l2.bufferAt.offset), 0x1122_3344);
  t.is(bytes('filled').readUInt32LE(v4l2.bufferAt.length), 1_900_544);

  const camera = v4l2.queryCapabilities(
    answering(new Map<number, string>([[requests.queryCapabilities, hex('camera')]])),
    1,
  );
  t.deepEqual(camera, { card: 'HD Pro Webcam C920', bus: 'usb-0000:01:00.0-1.2', captures: true });
  const other = answering(new Map<number, string>([[requests.queryCapabilities, hex('metadata')]]));
  t.false(v4l2.queryCapabilities(other, 1).captures);

  const rate = answering(new Map<number, string>([[requests.setParameters, hex('rateMade')]]));
  t.is(await v4l2.setRate(rate, 1, 12.5), 15);
  t.is(rate.asked.get(requests.setParameters), hex('rate'));
  t.is(await v4l2.setRate(answering(new Map()), 1, 12.5), undefined);

  const control = (name: string) => answering(new Map<number, string>([[requests.queryControl, hex(name)]]));
  t.deepEqual(await v4l2.queryControl(control('control'), 1, 1), {
    name: 'Exposure Time, Absolute',
    minimum: -3,
    maximum: 2047,
  });
  t.is(await v4l2.queryControl(control('disabled'), 1, 1), undefined);
  await t.throwsAsync(v4l2.setControl(answering(new Map()), 1, 0x980913, 5), { code: 'CW-DRV-020' });

  const listing = answering(
    new Map<number, string>([
      [requests.enumerateFormats, hex('description')],
      [requests.enumerateSizes, hex('range')],
      [requests.enumerateIntervals, hex('interval')],
    ]),
  );
  t.deepEqual(await v4l2.listOffers(listing, 1, ['MJPG']), [
    { pixelFormat: 'MJPG', least: [320, 180], most: [1920, 1080], framesPerSecond: 30_000 / 1001 },
  ]);
});

anyTest('memory of a device is mapped, read and given back', async (t) => {
  const file = join(folder, 'memory');
  await writeFile(
    file,
    new Uint8Array(8192).map((_, i) => i >> 8),
  );
  const map = await machineMemory();
  const fd = openSync(file, 'r+');
  const mapped = map(fd, 4096, 4096);
  const lent = mapped.data.subarray(0, 300);
  t.deepEqual([mapped.data.length, lent[0], lent[255], lent[256], lent[299]], [4096, 16, 16, 17, 17]);
  mapped.unmap();
  mapped.unmap();
  // Whoever still has it reads nothing, instead of what is no longer mapped.
  t.deepEqual([mapped.data.length, lent.length, lent[0]], [0, 0, undefined]);
  closeSync(fd);
  t.throws(() => map(fd, 0, 4096), { code: 'EBADF' });
  t.is((await readFile(file)).length, 8192);
});

/** A kernel with a ring of buffers, as far as the calls for them go. */
class Ring {
  readonly queued: number[] = [];
  readonly filled: { readonly index: number; readonly sequence: number }[] = [];
  readonly calls: string[] = [];
  readonly memory: Uint8Array[] = [];
  failure: number | undefined;
  mapped = 0;
  granted: number;
  #wake: ((error: Error | null) => void) | undefined;

  constructor(granted = 4) {
    this.granted = granted;
  }

  readonly poller = {
    once: (_event: string, listener: (error: Error | null) => void) => {
      this.#wake = listener;
    },
    stop: () => this.calls.push('no more questions'),
  };

  readonly pollerOf = () => {
    this.calls.push('readable?');
    return this.poller;
  };

  readonly map: MapMemory = (_fd, _offset, bytes) => {
    this.mapped += 1;
    const data = new Uint8Array(bytes);
    this.memory.push(data);
    return {
      bytes,
      data,
      unmap: () => {
        this.mapped -= 1;
      },
    };
  };

  readonly ioctl: Ioctl = {
    buffer: (_fd, request, data) =>
      this.#call(request, Buffer.from(data.buffer, data.byteOffset, data.length)),
    bufferAsync: async (_fd, request, data) =>
      this.#call(request, Buffer.from(data.buffer, data.byteOffset, data.length)),
    value: () => {},
    tryValue: () => true,
    addressOf: () => 0n,
  };

  /** The camera fills so many buffers, and the process wakes up. */
  fill(sequences: readonly number[]): void {
    for (const sequence of sequences) {
      const index = this.queued.shift();
      if (index !== undefined) this.filled.push({ index, sequence });
    }
    this.wake();
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(null);
  }

  #call(request: number, data: Buffer): number {
    const { requests, bufferAt } = v4l2;
    if (this.failure !== undefined) throw new SystemCallError('ioctl', this.failure);
    if (request === requests.requestBuffers) {
      this.calls.push(`request ${data.readUInt32LE(0)}`);
      data.writeUInt32LE(Math.min(this.granted, data.readUInt32LE(0)), 0);
    } else if (request === requests.queryBuffer) data.writeUInt32LE(1000, bufferAt.length);
    else if (request === requests.queueBuffer) this.queued.push(data.readUInt32LE(bufferAt.index));
    else if (request === requests.dequeueBuffer) {
      const next = this.filled.shift();
      if (next === undefined) throw new SystemCallError('ioctl', 11);
      data.writeUInt32LE(next.index, bufferAt.index);
      data.writeUInt32LE(next.sequence, bufferAt.sequence);
      data.writeUInt32LE(600, bufferAt.used);
    } else this.calls.push(request === requests.streamOn ? 'on' : 'off');
    return 0;
  }
}

function buffersOn(ring: Ring) {
  const frames: { readonly sequence: number; readonly bytes: number }[] = [];
  const lent: ArrayBufferLike[] = [];
  const queuedMeanwhile: (readonly number[])[] = [];
  const failures: unknown[] = [];
  const { ioctl, map, pollerOf } = ring;
  const buffers = new VideoBuffers(
    { fd: 9, ioctl, map, pollerOf, clock: new VirtualClock(5) },
    {
      frame: ({ sequence, data }) => {
        frames.push({ sequence, bytes: data.length });
        lent.push(data.buffer);
        queuedMeanwhile.push([...ring.queued]);
      },
      failed: (cause) => failures.push(cause),
    },
  );
  return { buffers, frames, failures, lent, queuedMeanwhile };
}

anyTest(
  'of the frames that wait only the newest is read, every buffer goes back, and nobody asks before there are any',
  async (t) => {
    const ring = new Ring();
    const { buffers, frames, lent, queuedMeanwhile } = buffersOn(ring);
    await buffers.begin();
    t.is(ring.mapped, 4);
    t.deepEqual(ring.queued, [0, 1, 2, 3]);
    ring.fill([1]);
    ring.fill([2, 3, 4]);
    t.deepEqual(frames, [
      { sequence: 1, bytes: 600 },
      { sequence: 4, bytes: 600 },
    ]);
    t.deepEqual([...ring.queued].sort(), [0, 1, 2, 3]);
    // No copy: what is lent is the camera's memory, which it gets back afterwards.
    t.deepEqual(
      lent.map((memory) => ring.memory.findIndex(({ buffer }) => buffer === memory)),
      [0, 3],
    );
    t.deepEqual(queuedMeanwhile, [
      [1, 2, 3],
      [0, 1, 2],
    ]);
    await buffers.end();
    await buffers.end();
    t.is(ring.mapped, 0);
    t.deepEqual(ring.calls, ['request 4', 'on', 'readable?', 'no more questions', 'off', 'request 0']);
    ring.fill([5]);
    t.is(frames.length, 2);
  },
);

anyTest('a camera that is gone ends its stream, and so does one that wakes up for nothing', async (t) => {
  const gone = new Ring();
  const first = buffersOn(gone);
  await first.buffers.begin();
  gone.failure = 19;
  gone.wake();
  t.is((first.failures[0] as SystemCallError).code, 'ENODEV');
  await first.buffers.end();
  t.is(gone.mapped, 0);

  const restless = new Ring();
  const second = buffersOn(restless);
  await second.buffers.begin();
  for (let i = 0; i < 100; i++) restless.wake();
  t.deepEqual(second.failures, []);
  restless.wake();
  t.is(second.failures.length, 1);

  const { buffers } = buffersOn(new Ring(1));
  await t.throwsAsync(buffers.begin(), { message: /1 buffers/ });
});

anyTest('cameras are listed by what stays, and bound by it', async (t) => {
  const tree = await KernelTree.make();
  t.teardown(() => tree.remove());
  const device = 'sys/devices/platform/usb1/1-1/1-1.2';
  await tree.file(`${device}/idVendor`, '046d');
  await tree.file(`${device}/idProduct`, '082d');
  await tree.file(`${device}/serial`, 'C920-1');
  await tree.file(`${device}/1-1.2:1.0/bInterfaceNumber`, '00');
  await tree.file('sys/class/video4linux/video10/name', 'HD Pro Webcam C920');
  await tree.link('sys/class/video4linux/video10/device', `${device}/1-1.2:1.0`);
  await tree.file('sys/class/video4linux/video10/index', '0');
  await tree.file('dev/video10');
  await tree.file('sys/class/video4linux/video11/index', '1');
  await tree.link('sys/class/video4linux/video11/device', `${device}/1-1.2:1.0`);
  await tree.file('dev/video11');
  await tree.link('dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920-video-index0', 'dev/video10');
  await tree.file('sys/class/video4linux/v4l-touch0/name', 'no camera');
  const [camera, none] = await attachedVideo(tree.root);
  t.is(none, undefined);
  t.like(camera, { kind: 'video', vendorId: '046d', productId: '082d', topology: '1-1.2:1.0' });
  t.deepEqual(camera?.identity, {
    model: 'HD Pro Webcam C920',
    serial: 'C920-1',
    address: join(tree.root.dev, 'v4l/by-id/usb-046d_HD_Pro_Webcam_C920-video-index0'),
  });
  const system = { clock: new VirtualClock(), log: silentLogger, root: tree.root };
  const meant: string[] = [];
  const beforeOpen = async ({ node }: { readonly node: string }) => {
    meant.push(node);
    throw new Error('far enough');
  };
  const open = (match: object) => openVideo({ match }, { ...system, beforeOpen });
  for (const match of [{}, { serial: 'C920-1' }, { topology: '1-1.2' }, { path: camera?.identity.address }]) {
    await t.throwsAsync(open(match), { message: 'far enough' });
  }
  t.is(new Set(meant).size, 1);
  await t.throwsAsync(open({ path: join(tree.root.dev, 'video10') }), {
    code: 'CW-DRV-020',
    message: /may be another camera tomorrow/,
  });
  await t.throwsAsync(open({ name: 'Other' }), {
    code: 'CW-DRV-004',
    message: /camera name Other is not attached/,
  });
});
