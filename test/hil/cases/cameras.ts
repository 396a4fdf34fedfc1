import type { ExecutionContext } from 'ava';
import { type Context, limitMs, type Plan } from './context.ts';
import { boardOf, type OpenedDevice, openOn, refusalOf, watch } from './opened.ts';

/** Cameras that are no USB devices belong to the group video, which root needs not be in. */
const root = {};
/** How vivid is bound: by where it stays, or by its name. */
const byPath = { match: { path: '/dev/v4l/by-path/platform-vivid.0-video-index0' } };
const size = { width: 320, height: 180, framesPerSecond: 10 };
/** What an operator waits for at most between a camera's silence and its fault, µs. */
const toldWithinUs = 2_000_000;

/** A camera of the kernel: vivid makes pictures, and trouble when it is told to. */
export function cameraCases({ inMachine: test }: Plan): void {
  test.serial('frames of a camera come in every format that it has, whole and in order', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const formats = { auto: 'yuv420', yuyv: 'yuv420', nv12: 'yuv420', grey: 'grey', rgb: 'rgb24' };
    const bytes: Record<string, number> = { yuv420: 1.5, grey: 1, rgb24: 3 };
    const board = await boardOf(
      rig,
      'formats',
      Object.keys(formats).map((format) => camera(format, { ...byPath, ...size, format })),
    );
    for (const [format, delivered] of Object.entries(formats)) {
      const device = await opened(t, board, format);
      const frames = (): Frame[] => device.lines.filter(isFrame);
      await device.line('tenth frame', () => frames().length >= 10);
      t.is(await device.end(), '', format);
      for (const frame of frames()) {
        t.like(frame, { source: format, width: 320, height: 180, format: delivered });
        t.is(frame.bytes, 320 * 180 * (bytes[delivered] ?? 0));
      }
      const times = frames().map(({ atUs }) => atUs);
      t.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
      // The test picture moves.
      t.true(new Set(frames().map(({ hash }) => hash)).size > 5, format);
    }
  });

  test.serial('what a camera does not have is refused with what it has', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const board = await boardOf(rig, 'refused', [
      camera('size', { ...byPath, ...size, width: 300 }),
      camera('substituted', { ...byPath, ...size, width: 300, format: 'yuyv' }),
      camera('exposure', { ...byPath, ...size, exposureUs: 4000 }),
      camera('gain', { ...byPath, ...size, gain: 4000 }),
      camera('absent', { match: { serial: 'NONE' } }),
    ]);
    const refused = async (id: string, code: string, message: RegExp) => {
      const refusal = await refusalOf(rig, board, id, root);
      t.is(refusal.refused, code, refusal.message);
      t.regex(refusal.message, message);
    };
    await refused('size', 'CW-DRV-020', /has no 300×180; it offers: .*YUYV 320×180 at 60/);
    await refused('substituted', 'CW-DRV-020', /makes YUYV \d+×\d+ of YUYV 300×180; it offers/);
    await refused('exposure', 'CW-DRV-020', /exposureUs: the camera has no such control/);
    await refused('gain', 'CW-DRV-020', /gain: the camera's "Gain" goes from 0 to 255/);
    await refused('absent', 'CW-DRV-004', /camera serial NONE is not attached; attached instead: .*vivid/);
  });

  test.serial('settings of a camera are made and read back, also by others', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const board = await boardOf(rig, 'settings', [
      camera('fixed', { ...byPath, ...size, gain: 77 }),
      camera('automatic', { ...byPath, ...size, gain: 'auto' }),
    ]);
    for (const [id, expected] of [
      ['fixed', /gain: 77\s+gain_automatic: 0/],
      ['automatic', /gain_automatic: 1/],
    ] as const) {
      const device = await opened(t, board, id);
      await device.line('frame', isFrame);
      t.regex(await rig.sh('v4l2-ctl -d /dev/video0 -C gain,gain_automatic'), expected);
      await device.end();
    }
  });

  test.serial('a camera that another program has is told with its name', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const board = await boardOf(rig, 'held', [camera('camera', { ...byPath, ...size })]);
    const holder = await rig.start(
      ['v4l2-ctl', '-d', '/dev/video0', '--stream-mmap', '--stream-to=/dev/null'],
      root,
    );
    await rig.sh(
      'for try in $(seq 100); do v4l2-ctl -d /dev/video0 --stream-mmap --stream-count=1 2>&1 | grep -q busy && exit 0; sleep 0.2; done; exit 1',
    );
    const device = await opened(t, board, 'camera');
    const first = await device.line('refusal', (line) => 'opened' in line || 'refused' in line);
    t.is(first.refused, 'CW-DRV-003', JSON.stringify(first));
    t.regex(String(first.message), new RegExp(`held by process ${holder.pid} \\(v4l2-ctl\\)`));
    await device.end();
    await holder.signal('SIGKILL');
    await holder.finished;
  });

  test.serial(
    'a camera whose stream breaks off, stalls or is damaged is told, and comes back by itself',
    async (t) => {
      t.timeout(limitMs);
      const { machine: rig } = t.context;
      const board = await boardOf(rig, 'troubled', [camera('camera', { ...byPath, ...size })]);
      const device = await supervised(t, board);
      await device.line('frame', isFrame);

      let since = device.lines.length;
      await rig.sh('v4l2-ctl -d /dev/video0 -c inject_v4l2_buf_flag_error=1');
      await device.line('damage', ({ code, cleared }) => code === 'CW-DRV-017' && cleared !== true, since);
      await device.line(
        'end of the damage',
        ({ code, cleared }) => code === 'CW-DRV-017' && cleared === true,
        since,
      );

      since = device.lines.length;
      await rig.sh('v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=100');
      await toldInTime(t, device, since, 'CW-DRV-008', 'stall');
      await rig.sh('v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=0');
      await isBack(device, since);

      since = device.lines.length;
      await rig.sh('v4l2-ctl -d /dev/video0 -c inject_fatal_streaming_error=1');
      await toldInTime(t, device, since, 'CW-DRV-005', 'abort');
      await isBack(device, since);
      t.is(await device.end(), '');
    },
  );

  test.serial('a camera that is taken away and put back is found again', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const board = await boardOf(rig, 'pulled', [camera('camera', { ...byPath, ...size })]);
    const device = await supervised(t, board);
    await device.line('frame', isFrame);
    for (let round = 0; round < 3; round++) {
      const since = device.lines.length;
      await rig.sh('echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind');
      await toldInTime(t, device, since, 'CW-DRV-005', 'removal');
      await rig.sh('echo vivid.0 >/sys/bus/platform/drivers/vivid/bind');
      await isBack(device, since);
    }
    t.is(await device.end(), '');
  });

  test.serial('a capture program that is stopped or killed is told, and another one started', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    // The program of a Pi, with the kernel's camera behind it.
    const program = `#!/bin/sh
case "$*" in
*--list-cameras*) echo '0 : vivid [640x360 8-bit RGB] (/base/vivid)'; exit 0 ;;
esac
echo 'INFO Camera camera.cpp:1183 configuring streams: (0) 640x360-YUV420' >&2
exec v4l2-ctl -d /dev/video0 --set-fmt-video=width=640,height=360,pixelformat=YU12 --stream-mmap --stream-to=-
`;
    await rig.sh(
      `cat >/usr/local/bin/rpicam-vid <<'END'\n${program}END\nchmod 755 /usr/local/bin/rpicam-vid`,
    );
    const options = { width: 640, height: 360, framesPerSecond: 5 };
    const board = await boardOf(rig, 'program', [{ id: 'camera', driver: 'libcamera', options }]);
    const device = await supervised(t, board);
    t.like(await device.line('frame', isFrame), { width: 640, height: 360, bytes: 640 * 360 * 1.5 });
    for (const [signal, code] of [
      ['STOP', 'CW-DRV-008'],
      ['KILL', 'CW-DRV-005'],
    ] as const) {
      const pid = (await rig.sh('pgrep -x v4l2-ctl')).trim();
      const since = device.lines.length;
      await rig.sh(`kill -${signal} ${pid}`);
      await toldInTime(t, device, since, code, `SIG${signal}`);
      await isBack(device, since);
      await rig.sh(`! kill -0 ${pid} 2>/dev/null`);
    }
    await device.end();
    t.is((await rig.sh('pgrep -x v4l2-ctl || true')).trim(), '');
  });
}

interface Frame {
  readonly source: string;
  readonly atUs: number;
  readonly bytes: number;
  readonly hash: string;
}

function camera(id: string, options: object) {
  return { id, driver: 'v4l2', options };
}

function isFrame(line: Readonly<Record<string, unknown>>): line is Readonly<Record<string, unknown>> & Frame {
  return line.kind === 'frame';
}

/** Opens one device, which ends with the test: the camera is one for all of them. */
async function opened(t: ExecutionContext<Context>, board: string, id: string): Promise<OpenedDevice> {
  return endingWith(t, await openOn(t.context.machine, board, id, root));
}

/** Keeps the devices of a board open as the gateway does. */
async function supervised(t: ExecutionContext<Context>, board: string): Promise<OpenedDevice> {
  const { machine: rig } = t.context;
  const process = await rig.start(['node', rig.program('supervised'), board], root);
  return endingWith(t, watch(rig, 'the camera', process));
}

function endingWith(t: ExecutionContext<Context>, device: OpenedDevice): OpenedDevice {
  t.teardown(async () => {
    await device.end().catch(() => {});
  });
  return device;
}

/** By the machine's own clock: between the last frame before the fault and the fault, times the rig's patience. */
async function toldInTime(
  t: ExecutionContext<Context>,
  device: OpenedDevice,
  since: number,
  code: string,
  what: string,
): Promise<void> {
  const told = await device.line(
    `fault ${code} of the ${what}`,
    ({ fault, cleared }) => fault === 'disconnected' && cleared !== true,
    since,
  );
  t.is(told.code, code, JSON.stringify(told));
  const last = device.lines.slice(0, device.lines.indexOf(told)).findLast(isFrame);
  const afterUs = Number(told.nowUs) - Number(last?.nowUs);
  t.log(`${what}: told ${Math.round(afterUs / 1000)} ms after the last frame`);
  t.true(afterUs <= toldWithinUs * t.context.rig.patience);
}

async function isBack(device: OpenedDevice, since: number): Promise<void> {
  const over = ({ fault, cleared }: Readonly<Record<string, unknown>>) =>
    fault === 'disconnected' && cleared === true;
  const end = await device.line('end of the fault', over, since);
  await device.line('frame after it', isFrame, device.lines.indexOf(end));
}
