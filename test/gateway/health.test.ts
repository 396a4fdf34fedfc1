import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import type { DeviceReport } from '#gateway/devices.ts';
import { HealthReporter } from '#gateway/health.ts';
import { LiveFeed } from '#gateway/live.ts';
import { LastMeasurements } from '#gateway/measurements.ts';
import { restoreTransactions, transactionKey } from '#gateway/state.ts';

const device = (more: Partial<DeviceReport>): DeviceReport => ({
  id: 'wand',
  driver: 'fake',
  kind: 'scanner',
  state: 'running',
  identity: {},
  readings: 0,
  lastReadingUs: undefined,
  fault: undefined,
  ...more,
});
const facts = (devices: readonly DeviceReport[], connected = true) => ({
  uptimeUs: 5_900_000,
  devices,
  measurements: new LastMeasurements(),
  faultyCells: [] as { cell: string; fault: string }[],
  uplink: { connected, outboxEvents: 3, outboxBytes: 400, dropped: 0 },
  timeQuality: 'synced' as const,
  milliCelsius: undefined,
});

test('Rates are those since the last report; the first has none', (t) => {
  const reporter = new HealthReporter();
  const first = reporter.report(facts([device({ readings: 500 })]), 0);
  t.is(first.sensors[0]?.ratePerMinute, 0);
  t.is(first.cpuPpm, undefined);
  const second = reporter.report(facts([device({ readings: 900 })]), 30_000_000);
  t.is(second.sensors[0]?.ratePerMinute, 800);
  t.is(second.uptimeS, 5);
  t.true((second.cpuPpm ?? -1) >= 0);
});

test('A report right after another repeats its rates, since there is nothing to measure them over', (t) => {
  const reporter = new HealthReporter();
  reporter.report(facts([device({ readings: 0 })]), 0);
  const measured = reporter.report(facts([device({ readings: 800 })]), 10_000_000);
  t.is(measured.sensors[0]?.ratePerMinute, 4_800);
  const again = reporter.report(facts([device({ readings: 820 })]), 10_000_500);
  t.is(again.sensors[0]?.ratePerMinute, 4_800);
  t.is(again.cpuPpm, measured.cpuPpm);
  const later = reporter.report(facts([device({ readings: 880 })]), 11_000_000);
  t.is(later.sensors[0]?.ratePerMinute, 4_800, 'nothing that came meanwhile is lost');
});

test('Health carries what power and temperature sensors said last, for as long as they run', (t) => {
  const reporter = new HealthReporter();
  const measurements = new LastMeasurements();
  measurements.see({ kind: 'power', source: 'battery', atUs: 1, externalPower: true, batteryPpm: 400_000 });
  measurements.see({ kind: 'power', source: 'battery', atUs: 2, externalPower: false, batteryPpm: 399_000 });
  measurements.see({ kind: 'temperature', source: 'box', atUs: 2, milliCelsius: -4_250 });
  const running = [
    device({ id: 'battery', kind: 'power' }),
    device({ id: 'box', kind: 'temperature' }),
    device({ id: 'wand' }),
  ];
  const sensors = (devices: readonly DeviceReport[]) =>
    reporter.report({ ...facts(devices), measurements }, 1).sensors;
  const told = { ok: true, ratePerMinute: 0 };
  t.deepEqual(sensors(running), [
    { id: 'battery', ...told, externalPower: false, batteryPpm: 399_000 },
    { id: 'box', ...told, milliCelsius: -4_250 },
    { id: 'wand', ...told },
  ]);
  const [gone] = sensors([device({ id: 'battery', kind: 'power', state: 'waiting' })]);
  t.deepEqual(gone, { id: 'battery', ok: false, ratePerMinute: 0 });
});

test('A broker that is away is no fault; a device that waits or has one is', (t) => {
  const reporter = new HealthReporter();
  t.true(reporter.report(facts([device({})], false), 1).ok);
  const fault = { fault: 'stuck', code: 'CW-DRV-008', message: '' } as const;
  const bad = reporter.report(facts([device({ fault }), device({ id: 'imu', state: 'waiting' })]), 2);
  t.false(bad.ok);
  t.deepEqual(
    bad.sensors.map(({ ok, fault: code }) => [ok, code]),
    [
      [false, 'CW-DRV-008'],
      [false, undefined],
    ],
  );
});

test('A cell that can not be trusted is told of, and then the whole is not well', (t) => {
  const reporter = new HealthReporter();
  const health = reporter.report(
    { ...facts([device({})]), faultyCells: [{ cell: 'cell-fl', fault: 'stuck' }] },
    1,
  );
  t.false(health.ok);
  t.deepEqual(
    health.sensors.filter(({ ok }) => !ok).map(({ id, fault }) => [id, fault]),
    [['cell-fl', 'stuck']],
  );
});

test('Live values are published ten times a second, for as long as a lease lasts', (t) => {
  const clock = new VirtualClock(1_000_000);
  const published: string[] = [];
  const live = new LiveFeed(clock, (topic) => published.push(topic));
  t.is(live.start('weight', 2), 3_000_000);
  t.is(live.start('weight', 1), 3_000_000, 'a shorter lease does not end a longer one');
  clock.advance(1_000_000);
  t.is(published.length, 10);
  live.start('counts', 60);
  clock.advance(2_000_000);
  t.is(published.filter((topic) => topic === 'weight').length, 20);
  t.false(live.has('weight'));
  t.true(live.has('counts'));
  live.stop('counts');
  const before = published.length;
  clock.advance(5_000_000);
  t.is(published.length, before);
  live.start('weight', 1);
  live.stop();
  clock.advance(5_000_000);
  t.is(published.length, before);
});

test('Remembered transactions come back; one that is damaged is told and left out', (t) => {
  const errors: object[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => errors.push(fields) };
  const entry = {
    command: 'tare',
    hash: 'x',
    until: 5,
    answer: { transaction: 't1', status: 'done', data: {} },
  };
  const remembered = restoreTransactions(
    {
      clock: '{"atUs":1}',
      [transactionKey('t1')]: JSON.stringify(entry),
      [transactionKey('t2')]: '{"command"',
    },
    log,
  );
  t.deepEqual([...remembered.keys()], ['t1']);
  t.deepEqual(remembered.get('t1') as unknown, entry);
  t.is(errors.length, 1);
});
