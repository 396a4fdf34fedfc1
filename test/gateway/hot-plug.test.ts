import test from 'ava';
import { z } from 'zod';
import { VirtualClock } from '#base/clock.ts';
import { deviceSchema } from '#config/board.ts';
import type { Device, Driver } from '#drivers/driver.ts';
import { DriverError, type driverCodes } from '#drivers/errors.ts';
import { FaultBus } from '#drivers/fault-bus.ts';
import { DeviceSupervisor } from '#gateway/devices.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { pass, settle } from './support.ts';

type Refusal = { readonly code: keyof typeof driverCodes; readonly message: string };
const absent: Refusal = { code: 'CW-DRV-004', message: 'the scanner is not attached; plug it in' };
const held: Refusal = { code: 'CW-DRV-003', message: 'the scanner is held by process 812 (ModemManager)' };
const forbidden: Refusal = { code: 'CW-DRV-012', message: 'no permission to open the scanner' };

/** Devices that are there or refused, a source of attachments that is told by hand, and all that was said of them. */
class Bench {
  readonly clock = new VirtualClock(1_000_000);
  readonly refusals = new Map<string, Refusal>();
  readonly opened = new Map<string, FaultBus>();
  readonly faults: string[] = [];
  readonly warnings: string[] = [];
  readonly listeners = new Set<() => void>();
  attempts = 0;
  readonly supervisor: DeviceSupervisor;

  constructor(ids: readonly string[], options: Record<string, unknown> = {}) {
    const driver: Driver = {
      contract: 1,
      name: 'fake',
      kind: 'scanner',
      options: z.looseObject({}),
      open: async (_options, { id }): Promise<Device> => {
        this.attempts += 1;
        const refusal = this.refusals.get(id);
        if (refusal !== undefined) throw new DriverError(refusal.code, refusal.message);
        const faults = new FaultBus(() => {});
        this.opened.set(id, faults);
        return { identity: {}, faults, start: async () => {}, stop: async () => {} };
      },
    };
    const warn = (_fields: object, message: string) => this.warnings.push(message);
    this.supervisor = new DeviceSupervisor({
      entries: ids.map((id) => deviceSchema.parse({ id, driver: 'fake', options: options[id] ?? {} })),
      clock: this.clock,
      log: { debug() {}, info() {}, warn, error: warn },
      random: { next: () => 0.999_999 },
      findDriver: () => Promise.resolve(driver),
      attachments: {
        watch: (onChange) => {
          this.listeners.add(onChange);
          return () => this.listeners.delete(onChange);
        },
      },
      onReading: () => {},
      onFault: (source, fault) => this.faults.push(say(source, fault)),
    });
  }

  plug(id: string): void {
    this.refusals.delete(id);
    this.changed();
  }

  pull(id: string): void {
    this.refusals.set(id, absent);
    this.opened.get(id)?.emit({ fault: 'disconnected', code: 'CW-DRV-005', message: `${id} is lost` });
    this.changed();
  }

  changed(): void {
    for (const listener of [...this.listeners]) listener();
  }

  state(id: string): string | undefined {
    return this.supervisor.reports().find((report) => report.id === id)?.state;
  }
}

const say = (source: string, { fault, code, cleared }: DeviceFault) =>
  `${source} ${fault} ${cleared === true ? 'ended' : code}`;

test('A device that is plugged in again after minutes is back at once, not at its next retry', async (t) => {
  const bench = new Bench(['wand', 'scale']);
  await bench.supervisor.start();
  bench.pull('wand');
  await settle();
  await pass(bench.clock, 123);
  t.is(bench.state('wand'), 'waiting');
  const atUs = bench.clock.nowUs();
  bench.plug('wand');
  await settle();
  t.is(bench.state('wand'), 'running');
  t.is(bench.clock.nowUs(), atUs);
  t.deepEqual(bench.faults, [
    'wand disconnected CW-DRV-005',
    'wand disconnected CW-DRV-004',
    'wand disconnected ended',
  ]);
  await bench.supervisor.stop();
});

test('A device whose node appears before its rights is tried again within a quarter of a second', async (t) => {
  const bench = new Bench(['wand']);
  bench.refusals.set('wand', absent);
  await bench.supervisor.start();
  await pass(bench.clock, 100);
  bench.refusals.set('wand', forbidden);
  bench.changed();
  await settle();
  t.is(bench.state('wand'), 'waiting');
  bench.refusals.delete('wand');
  await pass(bench.clock, 0.25);
  t.is(bench.state('wand'), 'running');
  t.deepEqual(bench.faults, [
    'wand disconnected CW-DRV-004',
    'wand permission CW-DRV-012',
    'wand disconnected ended',
    'wand permission ended',
  ]);
  await bench.supervisor.stop();
});

test('Nothing is listened to while all devices run, and nothing after the stop', async (t) => {
  const bench = new Bench(['wand', 'scale']);
  await bench.supervisor.start();
  t.is(bench.listeners.size, 0);
  bench.pull('wand');
  await settle();
  bench.pull('scale');
  await settle();
  t.is(bench.listeners.size, 1);
  bench.plug('wand');
  await settle();
  t.is(bench.listeners.size, 1);
  bench.plug('scale');
  await settle();
  t.is(bench.listeners.size, 0);
  bench.pull('wand');
  await settle();
  await bench.supervisor.stop();
  t.is(bench.listeners.size, 0);
  const { attempts } = bench;
  await pass(bench.clock, 30);
  t.is(bench.attempts, attempts);
});

test('A bridge that comes back brings back at once what is reached through it', async (t) => {
  const bench = new Bench(['bridge', 'imu'], { imu: { bus: 'bridge' } });
  await bench.supervisor.start();
  bench.pull('bridge');
  await pass(bench.clock, 60);
  t.deepEqual([bench.state('bridge'), bench.state('imu')], ['waiting', 'waiting']);
  bench.refusals.clear();
  bench.changed();
  await settle();
  t.deepEqual([bench.state('bridge'), bench.state('imu')], ['running', 'running']);
  await bench.supervisor.stop();
});

for (const [refusal, kind] of [
  [held, 'busy'],
  [forbidden, 'permission'],
  [{ code: 'CW-DRV-014', message: '2 attached devices match' }, 'configuration'],
  [{ code: 'CW-DRV-002', message: 'options.baud: must be a number' }, 'configuration'],
  [absent, 'disconnected'],
] as const) {
  test(`${refusal.code} is told once as ${kind}, however often it is retried, and ends when the device opens`, async (t) => {
    const bench = new Bench(['wand']);
    bench.refusals.set('wand', refusal);
    await bench.supervisor.start();
    await pass(bench.clock, 120);
    t.true(bench.attempts > 10);
    t.deepEqual(bench.faults, [`wand ${kind} ${refusal.code}`]);
    t.deepEqual(bench.warnings, [`${refusal.code} ${refusal.message}`]);
    t.like(bench.supervisor.reports()[0]?.fault, { fault: kind, code: refusal.code });
    bench.refusals.clear();
    await pass(bench.clock, 10);
    t.deepEqual(bench.faults.slice(1), [`wand ${kind} ended`]);
    t.is(bench.supervisor.reports()[0]?.fault, undefined);
    await bench.supervisor.stop();
  });
}

test('Another holder is news, the same one is not', async (t) => {
  const bench = new Bench(['wand']);
  bench.refusals.set('wand', held);
  await bench.supervisor.start();
  await pass(bench.clock, 30);
  const other = { code: 'CW-DRV-003', message: 'the scanner is held by process 900 (cat)' } as const;
  bench.refusals.set('wand', other);
  await pass(bench.clock, 30);
  t.deepEqual(bench.warnings, [`${held.code} ${held.message}`, `${other.code} ${other.message}`]);
  await bench.supervisor.stop();
});
