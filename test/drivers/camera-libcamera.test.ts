import test from 'ava';
import { libcamera } from '#drivers/camera/libcamera.ts';
import { failureOf, parseCameras, parseConfigured } from '#drivers/camera/libcamera-text.ts';
import type { Driver } from '#drivers/driver.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { RpicamVidPeer } from '#drivers/virtual/peers/rpicam-vid.ts';
import { SensorTrial } from './sensor-support.ts';

const driver = libcamera as Driver;
const second = 1_000_000;
const small = { width: 64, height: 48, framesPerSecond: 10 };
const path = '/base/axi/pcie@1000120000/rp1/i2c@88000/imx708@1a';

function rig() {
  const trial = new SensorTrial();
  const peer = new RpicamVidPeer(trial.clock);
  const ports = new PeerPorts(trial.clock, { program: peer });
  return { trial, peer, ports };
}

test('frames are cut from what the program writes, at their rate', async (t) => {
  const { trial, peer, ports } = rig();
  await trial.running(driver, small, ports, 'basket-camera');
  await trial.pass(3 * second);
  t.true(trial.readings.length >= 28 && trial.readings.length <= 31, `${trial.readings.length}`);
  for (const frame of trial.of('frame')) {
    t.like(frame, { width: 64, height: 48, format: 'yuv420', source: 'basket-camera' });
    t.is(frame.data.length, (64 * 48 * 3) / 2);
  }
  t.deepEqual(trial.device.identity, { model: 'imx708', address: path });
  t.is(
    peer.runs[0]?.join(' '),
    '--nopreview --timeout 0 --flush --output - --camera 0 --codec yuv420 --width 64 --height 48 --framerate 10',
  );
  await trial.device.stop();
  t.is(ports.open, 0);
  t.is(trial.clock.nextDueUs, undefined);
});

test('settings become the words of the program', async (t) => {
  const { trial, peer, ports } = rig();
  const settings = {
    exposureUs: 4000,
    gain: 2.5,
    focusDioptres: 2,
    whiteBalance: 'fluorescent',
    flickerHz: 50,
  };
  const device = await trial.open(driver, { ...small, ...settings, rotation: 180, format: 'mjpeg' }, ports);
  await device.stop();
  t.regex(
    peer.runs[0]?.join(' ') ?? '',
    / --codec mjpeg .*--framerate 10 --rotation 180 --shutter 4000 --gain 2\.5 --autofocus-mode manual --lens-position 2 --awb fluorescent --flicker-period 10000us$/,
  );
  const gains = { whiteBalance: 'daylight', whiteBalanceGains: [1.5, 2] };
  await (await trial.open(driver, { ...small, ...gains }, ports)).stop();
  t.regex(peer.runs[1]?.join(' ') ?? '', / --awbgains 1\.5,2$/);
});

test('a width that would have padded rows is refused before anything is started', (t) => {
  const parse = (options: object) => parseDriverOptions(driver, options, 'camera');
  t.throws(() => parse({ width: 1000 }), { code: 'CW-DRV-002', message: /multiple of 64/ });
  t.throws(() => parse({ height: 721 }), { code: 'CW-DRV-002', message: /even/ });
  t.notThrows(() => parse({}));
});

test('another size than was asked for is refused, by what the program says', async (t) => {
  const { trial, peer, ports } = rig();
  peer.substitute = { width: 128, height: 96 };
  await t.throwsAsync(trial.open(driver, small, ports), {
    code: 'CW-DRV-020',
    message: /makes 128×96 YUV420 of 64×48/,
  });
  t.is(ports.open, 0);
  // Of JPEGs each says its own size; where the program keeps silent, none of them is taken.
  peer.taciturn = true;
  await t.throwsAsync(trial.open(driver, { ...small, format: 'mjpeg' }, ports), { code: 'CW-DRV-011' });
  t.is(ports.open, 0);
});

test('rows with padding are noticed by where frames end, though nothing says so', async (t) => {
  const { trial, peer, ports } = rig();
  peer.taciturn = true;
  peer.padding = 16;
  await trial.running(driver, small, ports);
  await trial.pass(2 * second);
  t.deepEqual(trial.said(), ['disconnected CW-DRV-006']);
  t.regex(trial.faults[0]?.message ?? '', /frames have not the 4608 bytes of 64×48 pixels/);
  await trial.device.stop();
  t.is(ports.open, 0);
});

test('gaps within frames are an overloaded machine where the program said the size of its frames', async (t) => {
  const { trial, peer, ports } = rig();
  await trial.running(driver, small, ports);
  await trial.pass(second);
  const before = trial.readings.length;
  peer.silent = true;
  for (let half = 0; half < 40; half++) {
    peer.send(new Uint8Array((64 * 48 * 3) / 4));
    await trial.pass(second / 10);
  }
  t.deepEqual(trial.faults, []);
  t.true(trial.readings.length >= before + 19);
  await trial.device.stop();
});

test('the camera that is meant is found by its path or its sensor', async (t) => {
  const { trial, peer, ports } = rig();
  peer.list = [
    'Available cameras',
    '0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@0/imx219@10)',
    '1 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)',
    '2 : imx708_wide [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@2/imx708@1a)',
  ].join('\n');
  const open = (camera: object) => trial.open(driver, { ...small, camera }, ports);
  await t.throwsAsync(open({ model: 'imx219' }), {
    code: 'CW-DRV-014',
    message: /^2 cameras fit: imx219 \(.*i2c@0\/imx219@10\), imx219 .*camera\.path/,
  });
  await t.throwsAsync(open({ model: 'imx477' }), {
    code: 'CW-DRV-004',
    message: /no camera imx477; attached: imx219/,
  });
  await (await open({ path: '/base/soc/i2c0mux/i2c@1/imx219@10' })).stop();
  t.regex(peer.runs[0]?.join(' ') ?? '', /--camera 1 /);
  await (await open({ model: 'imx708_wide' })).stop();
  t.regex(peer.runs[1]?.join(' ') ?? '', /--camera 2 /);
  t.is(ports.open, 0);
});

test('why the program did not begin is said in codes', async (t) => {
  const { trial, peer, ports } = rig();
  const refusals: readonly [said: string, code: string][] = [
    ['ERROR: *** failed to acquire camera /base/imx708@1a ***', 'CW-DRV-003'],
    ['Failed to open /dev/dma_heap/vidbuf_cached: Permission denied', 'CW-DRV-012'],
    ["ERROR: *** unrecognised option '--flicker-period' ***", 'CW-DRV-020'],
    ['ERROR: *** something else ***', 'CW-DRV-004'],
  ];
  for (const [said, code] of refusals) {
    peer.refusal = said;
    await t.throwsAsync(trial.open(driver, small, ports), { code }, said);
  }
  peer.refusal = undefined;
  peer.list = 'No cameras available!\n';
  await t.throwsAsync(trial.open(driver, small, ports), { code: 'CW-DRV-004', message: /ribbon cable/ });
  t.is(failureOf('rpicam-vid', []).code, 'CW-DRV-004');
  t.is(ports.open, 0);
  t.is(trial.clock.nextDueUs, undefined);
});

test('a program that begins and writes nothing is given up', async (t) => {
  const { trial, peer, ports } = rig();
  peer.silent = true;
  await t.throwsAsync(trial.open(driver, small, ports), { code: 'CW-DRV-011', message: /first frame/ });
  t.is(ports.open, 0);
});

test('a stall is told within two seconds, and the program is ended by stopping', async (t) => {
  const { trial, peer, ports } = rig();
  await trial.running(driver, small, ports);
  await trial.pass(second);
  const silentUs = trial.clock.nowUs();
  peer.silent = true;
  await trial.pass(2 * second);
  t.deepEqual(trial.said(), ['disconnected CW-DRV-008']);
  t.true((trial.faults[0]?.atUs ?? 0) - silentUs <= 2 * second);
  await trial.device.stop();
  t.is(ports.open, 0);
});

test('the death of the program is told with what it said last', async (t) => {
  const { trial, peer, ports } = rig();
  await trial.running(driver, small, ports);
  await trial.pass(second);
  peer.die('ERROR: *** Camera frontend has timed out! ***');
  await trial.pass(second / 10);
  t.deepEqual(trial.said(), ['disconnected CW-DRV-005']);
  await trial.pass(3 * second);
  t.is(trial.faults.length, 1);
  await trial.device.stop();
  t.is(ports.open, 0);
  t.is(trial.clock.nextDueUs, undefined);
});

test('of frames that come at once only the newest is delivered', async (t) => {
  const { trial, peer, ports } = rig();
  await trial.running(driver, small, ports);
  await trial.pass(second);
  const before = trial.readings.length;
  peer.silent = true;
  await trial.pass(second / 2);
  for (const value of [1, 2, 3, 4, 5]) peer.send(new Uint8Array((64 * 48 * 3) / 2).fill(value));
  await trial.pass(second / 20);
  const after = trial.of('frame').slice(before);
  t.is(after.length, 1);
  t.is(after[0]?.data[0], 5);
  const counts = (await trial.settle(trial.device.call?.('counts', {}) ?? Promise.reject())) as {
    leftOut: number;
  };
  t.is(counts.leftOut, 4);
  await trial.device.stop();
});

test('lists and reports of libcamera are read as they are printed', (t) => {
  const [camera] = parseCameras(new RpicamVidPeer(new SensorTrial().clock).list);
  t.deepEqual(camera, { index: 0, model: 'imx708', mode: '4608x2592 10-bit RGGB', path });
  t.deepEqual(parseCameras(`${'9 : x [y] (/z)\n'.repeat(100)}`).length, 16);
  t.deepEqual(
    parseConfigured([
      '[0:59:50.4] [1231]  INFO Camera camera.cpp:1183 configuring streams: (0) 728x544-YUV420 (1) 1456x1088-SBGGR10_CSI2P',
      '[1:00:00.1] [1231]  INFO Camera camera.cpp:1215 configuring streams: (0) 1280x720-YUV420/SMPTE170M',
      'something else',
    ]),
    { width: 1280, height: 720, format: 'YUV420' },
  );
  t.is(parseConfigured([]), undefined);
});
