import test from 'ava';
import { v4l2 } from '#drivers/camera/v4l2.ts';
import { controlIds } from '#drivers/camera/v4l2-settings.ts';
import type { Driver } from '#drivers/driver.ts';
import type { VideoOffer } from '#drivers/ports/ports.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { type V4l2CameraOptions, V4l2CameraPeer } from '#drivers/virtual/peers/v4l2-camera.ts';
import { SensorTrial } from './sensor-support.ts';

const driver = v4l2 as Driver;
const second = 1_000_000;

const offer = (pixelFormat: string, width: number, height: number, framesPerSecond: number): VideoOffer => ({
  pixelFormat,
  least: [width, height],
  most: [width, height],
  framesPerSecond,
});
const webcam = [offer('YUYV', 64, 48, 30), offer('YUYV', 128, 96, 5), offer('MJPG', 128, 96, 30)];

function rig(options: Partial<V4l2CameraOptions> = {}) {
  const trial = new SensorTrial();
  const peer = new V4l2CameraPeer(trial.clock, { offers: webcam, ...options });
  const ports = new PeerPorts(trial.clock, { video: peer });
  return { trial, peer, ports };
}

const small = { width: 64, height: 48, framesPerSecond: 10 };

test('frames come at the rate that was asked for, as planes', async (t) => {
  const { trial, ports } = rig();
  await trial.running(driver, small, ports, 'basket-camera');
  await trial.pass(3 * second);
  t.true(trial.readings.length >= 28 && trial.readings.length <= 31, `${trial.readings.length}`);
  t.like(trial.readings[0], {
    kind: 'frame',
    source: 'basket-camera',
    width: 64,
    height: 48,
    format: 'yuv420',
  });
  const [frame] = trial.readings;
  t.is(frame?.kind === 'frame' ? frame.data.length : 0, (64 * 48 * 3) / 2);
  await trial.device.stop();
  t.is(ports.open, 0);
  t.is(trial.clock.nextDueUs, undefined);
});

test('an uncompressed format is taken where it is fast enough, else MJPEG', async (t) => {
  const formats = async (options: object) => {
    const { trial, ports } = rig();
    await trial.running(driver, options, ports);
    await trial.pass(second);
    const [frame] = trial.readings;
    await trial.device.stop();
    return frame?.kind === 'frame' ? frame.format : undefined;
  };
  t.is(await formats(small), 'yuv420');
  t.is(await formats({ width: 128, height: 96, framesPerSecond: 10 }), 'mjpeg');
  t.is(await formats({ width: 128, height: 96, framesPerSecond: 5 }), 'yuv420');
});

test('a size or rate that the camera puts in its place is refused with what it offers', async (t) => {
  const { trial, ports } = rig();
  const open = (options: object) => trial.open(driver, options, ports);
  await t.throwsAsync(open({ width: 640, height: 480 }), {
    code: 'CW-DRV-020',
    message: /has no 640×480; it offers: YUYV 64×48 at 30, YUYV 128×96 at 5, MJPG 128×96 at 30/,
  });
  // Asked for by name, it is the camera itself that substitutes.
  await t.throwsAsync(open({ width: 640, height: 480, format: 'mjpeg' }), {
    code: 'CW-DRV-020',
    message: /makes MJPG 128×96 of MJPG 640×480; it offers: YUYV/,
  });
  await t.throwsAsync(open({ ...small, format: 'grey' }), {
    code: 'CW-DRV-020',
    message: /makes YUYV 64×48 of GREY 64×48/,
  });
  await t.throwsAsync(open({ width: 128, height: 96, format: 'yuyv', framesPerSecond: 20 }), {
    code: 'CW-DRV-020',
    message: /has 5 frames a second of YUYV 128×96, not 20/,
  });
  t.is(ports.open, 0);
});

test('a stride with padding is read back, and the padding left out', async (t) => {
  const { trial, ports } = rig({ padding: 32 });
  await trial.running(driver, small, ports);
  await trial.pass(second);
  t.true(trial.readings.length > 5);
  for (const reading of trial.readings) {
    t.is(reading.kind === 'frame' ? reading.data.length : 0, (64 * 48 * 3) / 2);
  }
  await trial.device.stop();
});

test('frames that are too short, empty or flagged are damage: counted, told once, and over when it is over', async (t) => {
  const { trial, peer, ports } = rig();
  await trial.running(driver, small, ports);
  await trial.pass(second);
  const before = trial.readings.length;
  peer.instead = new Uint8Array();
  await trial.pass(second / 10);
  peer.instead = new Uint8Array(100);
  await trial.pass(second / 10);
  peer.flagged = true;
  await trial.pass(second / 2);
  peer.flagged = false;
  t.deepEqual(
    trial.faults.map(({ fault, code }) => [fault, code]),
    [['integrity', 'CW-DRV-017']],
  );
  await trial.pass(2 * second);
  t.is(trial.faults.length, 2);
  t.true(trial.faults[1]?.cleared);
  t.true(trial.readings.length > before + 15);
  const counts = (await trial.settle(trial.device.call?.('counts', {}) ?? Promise.reject())) as {
    damaged: number;
  };
  t.true(counts.damaged >= 6, JSON.stringify(counts));
  await trial.device.stop();
});

test('damaged frames before the first good one are a camera that begins', async (t) => {
  const { trial, peer, ports } = rig();
  peer.flagged = true;
  await trial.running(driver, small, ports);
  await trial.pass(second / 2);
  peer.flagged = false;
  await trial.pass(second);
  t.deepEqual(trial.faults, []);
  t.true(trial.readings.length > 5);
  await trial.device.stop();
});

test('a camera that falls silent is told within two seconds, and may be opened again', async (t) => {
  const { trial, peer, ports } = rig();
  await trial.running(driver, small, ports, 'basket-camera');
  await trial.pass(second);
  const silentUs = trial.clock.nowUs();
  peer.silent = true;
  await trial.pass(2 * second);
  t.like(trial.faults, [{ fault: 'disconnected', code: 'CW-DRV-008' }] as never);
  t.regex(trial.faults[0]?.message ?? '', /^basket-camera: no frame came for 1\.5 s/);
  t.true(
    (trial.faults[0]?.atUs ?? 0) - silentUs <= 1.7 * second,
    'some time is left for a machine that is held up',
  );
  await trial.device.stop();
  t.is(ports.open, 0);
  peer.silent = false;
  trial.readings.length = 0;
  await trial.running(driver, small, ports);
  await trial.pass(second);
  t.true(trial.readings.length > 5);
  await trial.device.stop();
});

test('a slow camera is not taken for a silent one', async (t) => {
  const { trial, ports } = rig({ offers: [offer('YUYV', 64, 48, 1)] });
  await trial.running(driver, { ...small, framesPerSecond: 1 }, ports);
  await trial.pass(10 * second);
  t.deepEqual(trial.faults, []);
  t.true(trial.readings.length >= 8);
  await trial.device.stop();
});

test('a camera that sends only damaged frames is given up after a while', async (t) => {
  const { trial, peer, ports } = rig();
  await trial.running(driver, small, ports);
  await trial.pass(second);
  peer.flagged = true;
  await trial.pass(12 * second);
  t.deepEqual(
    trial.faults.map(({ fault, code }) => [fault, code]),
    [
      ['integrity', 'CW-DRV-017'],
      ['disconnected', 'CW-DRV-017'],
    ],
  );
  await trial.device.stop();
  t.is(trial.clock.nextDueUs, undefined);
});

test('settings are made and read back', async (t) => {
  const control = (name: string, minimum: number, maximum: number, step = 1) => ({
    name,
    minimum,
    maximum,
    step,
    value: minimum,
  });
  const controls = new Map([
    [controlIds.exposureMode, control('Auto Exposure', 0, 3)],
    [controlIds.exposureKeepsRate, { ...control('Exposure, Dynamic Framerate', 0, 1), value: 1 }],
    [controlIds.exposureTime, control('Exposure Time, Absolute', 1, 5000)],
    [controlIds.gain, control('Gain', 0, 100)],
    [controlIds.autoFocus, { ...control('Focus, Automatic Continuous', 0, 1), value: 1 }],
    [controlIds.focus, control('Focus, Absolute', 0, 250, 5)],
    [controlIds.autoWhiteBalance, control('White Balance, Automatic', 0, 1)],
    [controlIds.powerLine, control('Power Line Frequency', 0, 2)],
  ]);
  const { trial, ports } = rig({ controls });
  const value = (id: number) => controls.get(id as never)?.value;
  const settings = { exposureUs: 4000, gain: 20, focus: 35, whiteBalanceKelvin: 'auto', powerLineHz: 50 };
  const device = await trial.open(driver, { ...small, ...settings }, ports);
  t.is(value(controlIds.exposureMode), 1);
  t.is(value(controlIds.exposureKeepsRate), 0);
  t.is(value(controlIds.exposureTime), 40);
  t.is(value(controlIds.gain), 20);
  t.is(value(controlIds.autoFocus), 0);
  t.is(value(controlIds.focus), 35);
  t.is(value(controlIds.autoWhiteBalance), 1);
  t.is(value(controlIds.powerLine), 1);
  await device.stop();
  await (await trial.open(driver, { ...small, exposureUs: 'auto' }, ports)).stop();
  t.is(value(controlIds.exposureMode), 3);

  const refused = async (options: object, message: RegExp) => {
    await t.throwsAsync(trial.open(driver, { ...small, ...options }, ports), { code: 'CW-DRV-020', message });
  };
  await refused(
    { exposureUs: 900_000 },
    /exposureUs: the camera's ".*" goes from 100 to 500000, not to 900000/,
  );
  await refused(
    { focus: 33 },
    /focus: the camera made 35 of 33 \("Focus, Absolute", 0 to 250\); ask for that/,
  );
  await refused({ whiteBalanceKelvin: 5000 }, /whiteBalanceKelvin: the camera has no such control/);
  t.is(ports.open, 0);
});

test('a camera is bound by what stays, never by a number that another one may have tomorrow', (t) => {
  const parse = (match: object) => parseDriverOptions(driver, { match }, 'camera');
  t.throws(() => parse({ path: '/dev/video0' }), { code: 'CW-DRV-002', message: /by-id/ });
  t.notThrows(() => parse({ path: '/dev/v4l/by-id/usb-046d_C920_1-video-index0' }));
  t.notThrows(() => parse({ serial: 'A1', topology: '1-1.2' }));
});
