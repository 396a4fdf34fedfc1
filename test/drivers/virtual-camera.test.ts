import { fork } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Device } from '#drivers/driver.ts';
import { openDevice } from '#drivers/registry.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import type { FrameReading } from '#readings/readings.ts';

const scenario = 'config/scenarios/scan-then-place.yaml';

async function openWorld(clock: VirtualClock, options: object = {}): Promise<Map<string, Device>> {
  const buses = new Map<string, Device>();
  const context = { id: 'world', clock, log: silentLogger, buses, ports: new PeerPorts(clock, {}) };
  const entry = { id: 'world', driver: 'virtual-world', options: { scenario, startOn: 'call', ...options } };
  buses.set('world', await openDevice(entry, context));
  return buses;
}

/** Mean difference of two frames, levels. */
function difference(a: FrameReading, b: FrameReading): number {
  return a.data.reduce((sum, value, at) => sum + Math.abs(value - (b.data[at] ?? 0)), 0) / a.data.length;
}

test.serial(
  'a virtual camera shows its world at the asked rate, in virtual time, the same each time',
  async (t) => {
    const film = async () => {
      const clock = new VirtualClock(3_000_000);
      const buses = await openWorld(clock);
      const context = { id: 'camera', clock, log: silentLogger, buses, ports: new PeerPorts(clock, {}) };
      const options = { world: 'world', width: 320, height: 240, framesPerSecond: 1 };
      const camera = await openDevice({ id: 'camera', driver: 'virtual-camera', options }, context);
      const frames: FrameReading[] = [];
      await camera.start((reading) => {
        if (reading.kind === 'frame') frames.push({ ...reading, data: reading.data.slice() });
      });
      await buses.get('world')?.call?.('play', {});
      clock.advance(10_000_000);
      await camera.stop();
      await buses.get('world')?.stop();
      clock.advance(2_000_000);
      return frames;
    };
    const frames = await film();
    t.true(frames.length >= 10 && frames.length <= 11, `${frames.length} frames`);
    const [first, last] = [frames[0], frames.at(-1)];
    if (first === undefined || last === undefined) return t.fail();
    t.deepEqual(
      [first.width, first.height, first.format, first.data.length],
      [320, 240, 'rgb24', 320 * 240 * 3],
    );
    t.true(frames.every((frame, at) => at === 0 || frame.atUs - (frames[at - 1]?.atUs ?? 0) === 1_000_000));
    const second = frames[1];
    t.true(
      second !== undefined && difference(first, last) > difference(first, second) + 0.5,
      'something was put in',
    );
    t.deepEqual(await film(), frames);
  },
);

test.serial('a virtual camera without its world is refused, with what to do', async (t) => {
  const clock = new VirtualClock();
  const context = {
    id: 'camera',
    clock,
    log: silentLogger,
    buses: new Map(),
    ports: new PeerPorts(clock, {}),
  };
  const options = { world: 'no-such-world' };
  await t.throwsAsync(openDevice({ id: 'camera', driver: 'virtual-camera', options }, context), {
    code: 'CW-DRV-004',
    message: /name: no-such-world/,
  });
});

test.serial(
  'a virtual camera finds the world of the process that started it, and is lost with it',
  async (t) => {
    const clock = new VirtualClock(1_000_000);
    const name = `test-${process.pid}`;
    const buses = await openWorld(clock, { name });
    const child = fork('test/drivers/camera-child.ts', [name], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    t.teardown(() => child.kill());
    const [seen] = await once(child, 'message');
    t.deepEqual(seen, { width: 160, height: 120 });
    await buses.get('world')?.stop();
    const [fault] = await once(child, 'message');
    t.is((fault as { code: string }).code, 'CW-DRV-005');
  },
);
