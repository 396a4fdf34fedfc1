import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { libcamera } from '#drivers/camera/libcamera.ts';
import type { Device, Driver } from '#drivers/driver.ts';
import type { DriverError } from '#drivers/errors.ts';
import type { ProgramPort } from '#drivers/ports/ports.ts';
import { recordPorts } from '#drivers/ports/raw/record.ts';
import { createSystemPorts } from '#drivers/ports/system.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';

// Real children in real time: what is waited for is waited for long, and nothing is said about how long it took.
const system = createSystemPorts({ clock: systemClock, log: silentLogger, buses: new Map() });
const install = 'install it';
const node = (script: string) =>
  system.program({ program: process.execPath, arguments: ['-e', script], install });

async function until(done: () => boolean, seconds = 60): Promise<void> {
  const limit = performance.now() + seconds * 1000;
  while (!done()) {
    if (performance.now() > limit) throw new Error('it did not come');
    await sleep(10);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

class Heard {
  readonly chunks: Uint8Array[] = [];
  error: DriverError | undefined;

  constructor(port: ProgramPort) {
    port.listen({
      data: (bytes) => this.chunks.push(bytes.slice()),
      lost: (error) => {
        this.error = error;
      },
    });
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

test('a program that is not installed is refused with what to do', async (t) => {
  await t.throwsAsync(
    system.program({
      program: 'cartwright-no-such-program',
      arguments: [],
      install: 'install it from there',
    }),
    { code: 'CW-DRV-004', message: 'cartwright-no-such-program is not installed; install it from there' },
  );
});

test('output waits for its listener, and the end is told once with how it was', async (t) => {
  const port = await node("process.stdout.write('x'.repeat(300_000)); console.error('line 1\\nline 2')");
  await sleep(200);
  const heard = new Heard(port);
  await until(() => heard.error !== undefined);
  t.is(heard.text.length, 300_000);
  t.is(heard.error?.code, 'CW-DRV-005');
  t.deepEqual(heard.error?.details, { exitCode: 0, signal: null });
  t.deepEqual(port.messages(), ['line 1', 'line 2']);
  await port.close();
  await port.close();
});

test('what a program says without end is kept within bounds', async (t) => {
  const port = await node(
    "for (let i = 0; i < 5000; i++) console.error(i + 'y'.repeat(1000)); process.exitCode = 3",
  );
  const heard = new Heard(port);
  await until(() => heard.error !== undefined);
  t.deepEqual(heard.error?.details, { exitCode: 3, signal: null });
  t.is(port.messages().length, 40);
  t.true(port.messages().every((line) => line.length <= 400));
  t.true(port.messages().at(-1)?.startsWith('4999y'));
  t.true((heard.error?.message.length ?? 0) < 2_000);
});

test('a child gets nothing of the surroundings that it does not need', async (t) => {
  process.env.CARTWRIGHT_TEST_SECRET = 'secret';
  const port = await node('process.stdout.write(Object.keys(process.env).join())');
  const heard = new Heard(port);
  await until(() => heard.error !== undefined);
  t.true(heard.text.includes('PATH'));
  t.false(heard.text.includes('CARTWRIGHT'));
});

const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid)";
const endings = [
  ['that runs', 'setInterval(() => {}, 1000); console.log(process.pid)', undefined],
  ['that does not listen to SIGTERM', deaf, undefined],
  ['that was stopped', deaf, 'SIGSTOP'],
] as const;
for (const [what, script, signal] of endings) {
  test(`closing ends a program ${what}`, async (t) => {
    const port = await node(script);
    const heard = new Heard(port);
    await until(() => heard.text.endsWith('\n'));
    const pid = Number(heard.text);
    if (signal !== undefined) process.kill(pid, signal);
    await port.close();
    t.false(isAlive(pid));
    t.is(heard.error, undefined);
  });
}

/** A stand-in for the program of a Pi, found by PATH: writes frames whose bytes are its process id. */
const standIn = `#!${process.execPath}
if (process.argv.includes('--list-cameras')) {
  console.log('0 : imx708 [4608x2592 10-bit RGGB] (/base/imx708@1a)');
} else {
  console.error('INFO Camera camera.cpp:1183 configuring streams: (0) 64x48-YUV420');
  const frame = Buffer.alloc(4608);
  frame.writeUInt32LE(process.pid, 0);
  setInterval(() => process.stdout.write(frame), 50);
}
`;

test.serial(
  'a stopped or killed capture program is told, ended, and started anew without a restart',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'cartwright-rpicam-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'rpicam-vid'), standIn);
    await chmod(join(folder, 'rpicam-vid'), 0o755);
    process.env.PATH = `${folder}${delimiter}${process.env.PATH}`;

    const recorded: string[] = [];
    const header = { raw: 1, device: 'camera', driver: 'libcamera', options: {}, originUs: 0 } as const;
    const ports = recordPorts(header, systemClock, (line) => recorded.push(line))(system);
    const camera = new SupervisedCamera(ports);
    await camera.open();
    const pids = new Set<number>();
    for (const signal of ['SIGSTOP', 'SIGKILL', 'SIGTERM'] as const) {
      const before = camera.frames;
      await until(() => camera.frames > before + 3);
      const { pid } = camera;
      pids.add(pid);
      const faults = camera.faults.length;
      process.kill(pid, signal);
      await until(() => camera.faults.length > faults);
      const fault = camera.faults.at(-1);
      t.like(fault, { fault: 'disconnected', code: signal === 'SIGSTOP' ? 'CW-DRV-008' : 'CW-DRV-005' });
      await until(() => camera.pid !== pid);
      t.false(isAlive(pid), signal);
    }
    const { pid } = camera;
    await camera.stop();
    t.is(pids.size, 3);
    t.false(isAlive(pid));
    // Pictures never go to disk: a raw recording has nothing but its first line.
    t.is(recorded.length, 1);
  },
);

/** Opens the camera, and anew when it is lost, as the gateway's supervisor does. */
class SupervisedCamera {
  readonly faults: DeviceFault[] = [];
  frames = 0;
  pid = 0;
  readonly #ports: typeof system;
  #device: Device | undefined;
  #stopped = false;

  constructor(ports: typeof system) {
    this.#ports = ports;
  }

  async open(): Promise<void> {
    const driver = libcamera as Driver;
    const options = parseDriverOptions(driver, { width: 64, height: 48, framesPerSecond: 20 }, 'camera');
    const context = {
      id: 'camera',
      clock: systemClock,
      log: silentLogger,
      buses: new Map(),
      ports: this.#ports,
    };
    const device = await driver.open(options, context);
    this.#device = device;
    device.faults.subscribe((fault) => {
      this.faults.push(fault);
      if (fault.fault === 'disconnected') void this.#reopen(device);
    });
    await device.start((reading) => this.#see(reading));
  }

  async #reopen(device: Device): Promise<void> {
    await device.stop();
    if (!this.#stopped) await this.open();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#device?.stop();
  }

  #see(reading: Reading): void {
    if (reading.kind !== 'frame') return;
    this.frames += 1;
    this.pid = Buffer.from(reading.data).readUInt32LE(0);
  }
}
