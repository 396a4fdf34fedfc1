import test from 'ava';
import { z } from 'zod';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { deviceSchema } from '#config/board.ts';
import type { Device, Driver, DriverContext } from '#drivers/driver.ts';
import { DriverError } from '#drivers/errors.ts';
import { FaultBus } from '#drivers/fault-bus.ts';
import { DeviceSupervisor } from '#gateway/devices.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading, ReadingSink } from '#readings/readings.ts';
import { type Deferred, deferred, pass, settle } from './support.ts';

/** One opening of a fake device, and what the test does to it. */
class Opened implements Device {
  readonly identity = { vendor: 'test' };
  readonly faults = new FaultBus(() => {});
  readonly context: DriverContext;
  sink: ReadingSink | undefined;
  stops = 0;
  readonly #plan: Plan;

  constructor(context: DriverContext, plan: Plan) {
    this.context = context;
    this.#plan = plan;
  }

  async start(sink: ReadingSink): Promise<void> {
    this.sink = sink;
    await this.#plan.starting?.promise;
    if (this.#plan.startFails === true) throw new Error('no power');
  }

  stop(): Promise<void> {
    this.stops += 1;
    this.#plan.log.push(`stop ${this.context.id}`);
    if (this.#plan.stopThrows === true) throw new Error('port is stuck');
    return this.#plan.stopHangs === true ? new Promise(() => {}) : Promise.resolve();
  }

  vanish(): void {
    this.faults.emit({ fault: 'disconnected', code: 'CW-DRV-005', message: 'unplugged' });
  }
}

interface Plan {
  readonly log: string[];
  openFails?: boolean;
  startFails?: boolean;
  stopThrows?: boolean;
  stopHangs?: boolean;
  opening?: Deferred<void>;
  starting?: Deferred<void>;
}

class Bench {
  readonly clock = new VirtualClock(1_000_000);
  readonly log: string[] = [];
  readonly plans = new Map<string, Plan>();
  readonly opened: Opened[] = [];
  readonly openedAtUs: number[] = [];
  readonly readings: Reading[] = [];
  readonly faults: string[] = [];
  readonly supervisor: DeviceSupervisor;

  constructor(entries: readonly { id: string; options?: Record<string, unknown> }[]) {
    for (const { id } of entries) this.plans.set(id, { log: this.log });
    const driver: Driver = {
      contract: 1,
      name: 'fake',
      kind: 'scanner',
      options: z.looseObject({}),
      open: async (_options, context) => {
        this.log.push(`open ${context.id}`);
        this.openedAtUs.push(this.clock.nowUs());
        const plan = this.plan(context.id);
        await plan.opening?.promise;
        if (plan.openFails === true) throw new DriverError('CW-DRV-004', 'not attached; plug it in');
        const device = new Opened(context, plan);
        this.opened.push(device);
        return device;
      },
    };
    this.supervisor = new DeviceSupervisor({
      entries: entries.map((entry) => deviceSchema.parse({ driver: 'fake', ...entry })),
      clock: this.clock,
      log: silentLogger,
      random: { next: () => 0.999_999 },
      findDriver: () => Promise.resolve(driver),
      onReading: (reading) => this.readings.push(reading),
      onFault: (source, fault) => this.faults.push(say(source, fault)),
    });
  }

  plan(id: string): Plan {
    const plan = this.plans.get(id);
    if (plan === undefined) throw new Error(`no device ${id}`);
    return plan;
  }

  last(id: string): Opened {
    const device = this.opened.findLast((one) => one.context.id === id);
    if (device === undefined) throw new Error(`${id} was never opened`);
    return device;
  }

  state(id: string): string | undefined {
    return this.supervisor.reports().find((report) => report.id === id)?.state;
  }
}

const say = (source: string, { fault, code, channel, cleared }: DeviceFault) =>
  [source, channel, fault, cleared === true ? 'ended' : code].filter((part) => part !== undefined).join(' ');
const one = [{ id: 'wand' }];

test('Devices are opened after those that they are reached through, and closed before them', async (t) => {
  const bench = new Bench([
    { id: 'imu', options: { bus: 'bridge' } },
    { id: 'wand', options: { world: 'world' } },
    { id: 'bridge', options: { world: 'world' } },
    { id: 'world' },
  ]);
  await bench.supervisor.start();
  await bench.supervisor.stop();
  t.deepEqual(bench.log, [
    'open world',
    'open bridge',
    'open wand',
    'open imu',
    'stop wand',
    'stop imu',
    'stop bridge',
    'stop world',
  ]);
  t.is(bench.last('imu').context.buses.get('bridge'), bench.last('bridge'));
});

test('Devices that name each other are opened all the same', async (t) => {
  const bench = new Bench([
    { id: 'a', options: { bus: 'b' } },
    { id: 'b', options: { bus: 'a' } },
  ]);
  await bench.supervisor.start();
  t.is(bench.opened.length, 2);
  await bench.supervisor.stop();
});

test('A device that is not there is retried with growing waits, and the others work meanwhile', async (t) => {
  const bench = new Bench([{ id: 'gone' }, { id: 'wand' }]);
  bench.plan('gone').openFails = true;
  await bench.supervisor.start();
  t.is(bench.state('wand'), 'running');
  t.is(bench.state('gone'), 'waiting');
  t.is(bench.supervisor.reports()[0]?.fault?.code, 'CW-DRV-004');
  await pass(bench.clock, 60);
  const tries = bench.openedAtUs.filter((_, index) => bench.log[index] === 'open gone');
  const waits = tries.slice(1).map((atUs, index) => atUs - (tries[index] ?? 0));
  t.deepEqual(waits.slice(0, 6), [250_000, 500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000]);
  t.true(waits.slice(6).every((wait) => wait === 10_000_000));
  bench.plan('gone').openFails = false;
  await pass(bench.clock, 10);
  t.is(bench.state('gone'), 'running');
  t.is(bench.faults.at(-1), 'gone disconnected ended');
  await bench.supervisor.stop();
});

test('A device that vanishes is closed, told, and reopened; the waits begin anew', async (t) => {
  const bench = new Bench(one);
  await bench.supervisor.start();
  for (let i = 0; i < 3; i++) {
    bench.last('wand').vanish();
    await settle();
    t.is(bench.state('wand'), 'waiting');
    t.is(bench.last('wand').stops, 1);
    await pass(bench.clock, 0.25);
    t.is(bench.state('wand'), 'running');
  }
  t.is(bench.opened.length, 4);
  t.deepEqual(bench.faults.slice(0, 2), ['wand disconnected CW-DRV-005', 'wand disconnected ended']);
  await bench.supervisor.stop();
});

test('A fault of a channel, or one that passes, leaves the device open', async (t) => {
  const bench = new Bench(one);
  await bench.supervisor.start();
  const { faults } = bench.last('wand');
  faults.emit({ fault: 'disconnected', channel: 'left', code: 'CW-DRV-005', message: 'a wire is off' });
  faults.emit({ fault: 'timing', code: 'CW-DRV-006', message: 'late' });
  t.is(bench.supervisor.reports()[0]?.fault?.fault, 'timing');
  faults.emit({ fault: 'timing', code: 'CW-DRV-006', message: '', cleared: true });
  t.is(bench.supervisor.reports()[0]?.fault?.channel, 'left', 'the other still stands');
  faults.emit({ fault: 'disconnected', channel: 'left', code: 'CW-DRV-005', message: '', cleared: true });
  t.is(bench.supervisor.reports()[0]?.fault, undefined);
  t.is(bench.opened.length, 1);
  await bench.supervisor.stop();
});

test('A device that comes back has none of the faults of before', async (t) => {
  const bench = new Bench(one);
  await bench.supervisor.start();
  bench.last('wand').faults.emit({ fault: 'stuck', channel: 'left', code: 'CW-DRV-006', message: '' });
  bench.last('wand').vanish();
  await pass(bench.clock, 1);
  t.deepEqual(bench.faults.slice(2).sort(), ['wand disconnected ended', 'wand left stuck ended']);
  t.is(bench.supervisor.reports()[0]?.fault, undefined);
  await bench.supervisor.stop();
});

test('What is reached through a device is lost with it and comes back with it', async (t) => {
  const bench = new Bench([{ id: 'bridge' }, { id: 'imu', options: { bus: 'bridge' } }]);
  await bench.supervisor.start();
  const before = bench.last('imu');
  bench.last('bridge').vanish();
  await settle();
  t.is(before.stops, 1);
  t.deepEqual([bench.state('bridge'), bench.state('imu')], ['waiting', 'waiting']);
  await pass(bench.clock, 0.3);
  t.deepEqual([bench.state('bridge'), bench.state('imu')], ['running', 'running']);
  t.is(bench.last('imu').context.buses.get('bridge'), bench.last('bridge'));
  t.is(bench.opened.length, 4);
  await pass(bench.clock, 30);
  t.is(bench.opened.length, 4, 'nothing is opened twice');
  await bench.supervisor.stop();
});

test('A device that is brought back while it still hangs in its stop is not opened beside itself', async (t) => {
  const bench = new Bench([{ id: 'bridge' }, { id: 'imu', options: { bus: 'bridge' } }]);
  await bench.supervisor.start();
  bench.plan('imu').stopHangs = true;
  bench.last('imu').vanish();
  bench.last('bridge').vanish();
  await pass(bench.clock, 1);
  t.deepEqual([bench.state('bridge'), bench.state('imu')], ['running', 'running']);
  t.is(bench.opened.length, 4);
  await pass(bench.clock, 30);
  t.is(bench.opened.length, 4);
  bench.plan('imu').stopHangs = false;
  await bench.supervisor.stop();
});

test('A device that vanishes while it starts is opened once more, not twice', async (t) => {
  const bench = new Bench(one);
  const starting = deferred();
  bench.plan('wand').starting = starting;
  const started = bench.supervisor.start();
  await settle();
  bench.last('wand').vanish();
  await settle();
  starting.resolve();
  await started;
  t.is(bench.state('wand'), 'waiting');
  await pass(bench.clock, 30);
  t.is(bench.state('wand'), 'running');
  t.is(bench.opened.length, 2);
  t.is(bench.opened[0]?.stops, 1);
  await bench.supervisor.stop();
});

test('A device that does not start is closed again before the next attempt', async (t) => {
  const bench = new Bench(one);
  bench.plan('wand').startFails = true;
  await bench.supervisor.start();
  t.is(bench.last('wand').stops, 1);
  t.deepEqual(bench.faults, ['wand disconnected CW-DRV-005']);
  bench.plan('wand').startFails = false;
  await pass(bench.clock, 1);
  t.is(bench.state('wand'), 'running');
  await bench.supervisor.stop();
});

test('Readings are passed on while the device is open, and counted', async (t) => {
  const bench = new Bench(one);
  await bench.supervisor.start();
  const reading: Reading = { kind: 'scan', source: 'wand', atUs: 5, data: Uint8Array.of(1), symbology: '' };
  const first = bench.last('wand');
  first.sink?.(reading);
  first.vanish();
  first.sink?.({ ...reading, atUs: 6 });
  t.deepEqual(bench.readings, [reading]);
  const [report] = bench.supervisor.reports();
  t.deepEqual([report?.readings, report?.lastReadingUs, report?.kind], [1, 5, 'scanner']);
  await bench.supervisor.stop();
});

test('A device that throws, or hangs, when it is stopped keeps nobody from stopping', async (t) => {
  const bench = new Bench([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  bench.plan('b').stopThrows = true;
  bench.plan('c').stopHangs = true;
  await bench.supervisor.start();
  let stopped = false;
  const stopping = bench.supervisor.stop().then(() => {
    stopped = true;
  });
  await pass(bench.clock, 2.9);
  t.false(stopped);
  await pass(bench.clock, 0.2);
  await stopping;
  t.deepEqual(bench.log.slice(3), ['stop c', 'stop b', 'stop a']);
});

test('A device that hangs while it is opened holds up only what is reached through it, and is given up', async (t) => {
  const bench = new Bench([{ id: 'bridge' }, { id: 'imu', options: { bus: 'bridge' } }, { id: 'wand' }]);
  const opening = deferred();
  bench.plan('bridge').opening = opening;
  const started = bench.supervisor.start();
  await settle();
  t.deepEqual(
    [bench.state('bridge'), bench.state('imu'), bench.state('wand')],
    ['opening', 'closed', 'running'],
  );
  await pass(bench.clock, 10);
  await started;
  t.is(bench.faults[0], 'bridge disconnected CW-DRV-011');
  t.deepEqual([bench.state('bridge'), bench.state('imu')], ['waiting', 'running']);
  bench.plan('bridge').opening = deferred();
  await pass(bench.clock, 60);
  t.is(bench.log.filter((line) => line === 'open bridge').length, 2, 'only so many hang at once');
  delete bench.plan('bridge').opening;
  opening.resolve();
  await pass(bench.clock, 10);
  t.is(bench.opened.filter(({ stops, context }) => context.id === 'bridge' && stops === 1).length, 1);
  t.is(bench.state('bridge'), 'running');
  t.is(bench.faults.at(-1), 'bridge disconnected ended');
  await bench.supervisor.stop();
});

test('A device that hangs while it starts is closed and tried again', async (t) => {
  const bench = new Bench([{ id: 'wand' }, { id: 'imu' }]);
  bench.plan('wand').starting = deferred();
  const started = bench.supervisor.start();
  await settle();
  await pass(bench.clock, 9.9);
  t.deepEqual([bench.state('wand'), bench.state('imu')], ['opening', 'running']);
  await pass(bench.clock, 0.1);
  await started;
  t.is(bench.state('wand'), 'waiting');
  t.is(bench.last('wand').stops, 1);
  delete bench.plan('wand').starting;
  await pass(bench.clock, 1);
  t.is(bench.state('wand'), 'running');
  await pass(bench.clock, 60);
  t.deepEqual(bench.faults, ['wand disconnected CW-DRV-011', 'wand disconnected ended']);
  await bench.supervisor.stop();
});

test('What is just being opened when everything stops is closed as well', async (t) => {
  const bench = new Bench(one);
  const opening = deferred();
  bench.plan('wand').opening = opening;
  const started = bench.supervisor.start();
  await settle();
  const stopping = bench.supervisor.stop();
  await settle();
  opening.resolve();
  await Promise.all([started, stopping]);
  t.is(bench.last('wand').stops, 1);
  t.is(bench.last('wand').sink, undefined);
  t.is(bench.state('wand'), 'closed');
  await pass(bench.clock, 30);
  t.is(bench.opened.length, 1);
});

test('After a stop nothing is reopened', async (t) => {
  const bench = new Bench([{ id: 'gone' }, { id: 'wand' }]);
  bench.plan('gone').openFails = true;
  await bench.supervisor.start();
  bench.last('wand').vanish();
  await bench.supervisor.stop();
  const opens = bench.log.filter((line) => line.startsWith('open')).length;
  await pass(bench.clock, 60);
  t.is(bench.log.filter((line) => line.startsWith('open')).length, opens);
});

test('A fault that a device tells anew while it starts is not taken for ended', async (t) => {
  const bench = new Bench([{ id: 'bridge' }]);
  const plan = bench.plan('bridge');
  await bench.supervisor.start();
  const missing = {
    fault: 'missing',
    code: 'CW-DRV-008',
    message: 'no conversions',
    channel: 'cell-2',
  } as const;
  const stuck = { ...missing, fault: 'stuck', channel: 'cell-1' } as const;
  for (const fault of [missing, stuck]) bench.last('bridge').faults.emit(fault);
  bench.last('bridge').vanish();
  plan.starting = deferred<void>();
  await pass(bench.clock, 2);
  bench.last('bridge').faults.emit({ ...missing });
  bench.faults.length = 0;
  plan.starting.resolve();
  await settle();
  t.is(bench.state('bridge'), 'running');
  t.is(bench.faults.length, 2, 'the unplugging and what it does not tell any more');
  t.false(bench.faults.some((said) => said.includes('missing')));
  t.is(bench.supervisor.reports()[0]?.fault?.fault, 'missing');
});
