import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { ClockFloor } from '#gateway/clock-floor.ts';
import { HealthyFile } from '#gateway/healthy-file.ts';
import { machineWarnings, readMachine, readStorage } from '#gateway/machine.ts';
import { PowerWish } from '#gateway/power-wish.ts';
import { judgeEnd, RunRecord, readBeforeRun } from '#gateway/run-record.ts';
import { TimeSource } from '#gateway/time-source.ts';
import { Warnings } from '#gateway/warnings.ts';

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'cartwright-service-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}
const noTrouble = (t: ExecutionContext) => (error: unknown) => t.fail(String(error));
const day = 86_400_000;
const now = Date.UTC(2027, 10, 23);

test('a clock that is behind the floor is unset, one that is synchronized is believed', async (t) => {
  const path = await folder(t);
  const clock = new VirtualClock(0, now);
  const first = await ClockFloor.open(path, clock);
  t.is(first.atMs, 0);
  t.false(first.isBehind);
  await first.keep('unset');
  t.is((await ClockFloor.open(path, clock)).atMs, 0, 'a clock that is not set proves nothing');
  await first.keep('holdover');
  t.is(await readFile(join(path, 'clock-floor'), 'utf8'), `${now}\n`);

  const back = new VirtualClock(0, now - 365 * day);
  const floor = await ClockFloor.open(path, back);
  t.true(floor.isBehind);
  back.advance(2_000_000);
  t.is(floor.atMs, now + 2_000, 'what has passed since counts');
  await floor.keep('holdover');
  t.is(await readFile(join(path, 'clock-floor'), 'utf8'), `${now}\n`, 'it never goes back by itself');
  let synchronized = false;
  const source = new TimeSource(
    back,
    async () => synchronized,
    () => floor.isBehind,
  );
  t.is(source.quality, 'unset');
  synchronized = true;
  await source.refresh();
  t.is(source.quality, 'synced');
  await floor.keep('synced');
  t.is(await readFile(join(path, 'clock-floor'), 'utf8'), `${now - 365 * day + 2_000}\n`);
});

test('a floor that is damaged is none, and a clock that was put back by seconds is not behind it', async (t) => {
  const path = await folder(t);
  for (const text of ['', 'soon\n', '-5\n', `${now}; rm\n`, '9'.repeat(40)]) {
    await writeFile(join(path, 'clock-floor'), text);
    t.is((await ClockFloor.open(path, new VirtualClock(0, now))).atMs, 0, text);
  }
  await writeFile(join(path, 'clock-floor'), `${now + 9_000}\n`);
  t.false((await ClockFloor.open(path, new VirtualClock(0, now))).isBehind);
});

test('an orderly end, a fault and a hang are told by the next run as they were noted', async (t) => {
  const path = await folder(t);
  t.is(await readBeforeRun(path), undefined);
  const run = () => new RunRecord(path, 'cartwright/1.2.3', now, noTrouble(t));
  const stopped = run();
  await stopped.begin();
  await stopped.end({ cause: 'reboot', message: 'new router' });
  await stopped.end({ cause: 'stopped' });
  t.deepEqual(await readBeforeRun(path), {
    cause: 'reboot',
    software: 'cartwright/1.2.3',
    message: 'new router',
  });
  const hung = run();
  await hung.begin();
  await hung.end({ cause: 'hung', code: 'CW-GWY-009', message: 'bridge', parts: ['bridge'] });
  t.like(await readBeforeRun(path), { cause: 'hung', code: 'CW-GWY-009', parts: ['bridge'] });
});

test('an end that nobody noted is told by what systemd saw, or as a loss of power', async (t) => {
  const path = await folder(t);
  const record = new RunRecord(path, 'cartwright/1.2.3', now, noTrouble(t));
  await record.begin();
  t.like(await readBeforeRun(path), { cause: 'killed' });
  await writeFile(join(path, 'last-end'), 'watchdog killed ABRT\n');
  t.deepEqual(await readBeforeRun(path), {
    cause: 'hung',
    software: 'cartwright/1.2.3',
    message: 'watchdog killed ABRT',
  });
  await utimes(join(path, 'last-end'), 1, 1);
  t.like(await readBeforeRun(path), { cause: 'killed' }, 'of an earlier run');
  await record.begin();
  t.is(await readFile(join(path, 'last-end'), 'utf8').catch(() => 'gone'), 'gone');
  const text = await readFile(join(path, 'run.json'), 'utf8');
  const file = JSON.parse(text) as object;
  await writeFile(join(path, 'run.json'), JSON.stringify({ ...file, bootId: 'another' }));
  t.like(await readBeforeRun(path), { cause: 'power-loss' });
  await writeFile(join(path, 'run.json'), text.slice(0, 20));
  t.is(await readBeforeRun(path), undefined, 'torn');
});

test('words of systemd are understood', (t) => {
  t.is(judgeEnd('oom-kill killed KILL').cause, 'out-of-memory');
  t.is(judgeEnd('core-dump dumped ABRT').cause, 'crashed');
  t.is(judgeEnd('signal killed SEGV').cause, 'crashed');
  t.is(judgeEnd('signal killed KILL').cause, 'killed');
  t.is(judgeEnd('').cause, 'killed');
  t.is(judgeEnd(undefined).cause, 'killed');
});

test('a record that can not be written is trouble, and nothing more', async (t) => {
  const path = await folder(t);
  await writeFile(join(path, 'file'), '');
  const troubles: unknown[] = [];
  const record = new RunRecord(join(path, 'file'), 'x/1', now, (error) => troubles.push(error));
  await record.begin();
  await record.end({ cause: 'stopped' });
  t.is(troubles.length, 2);
});

test('the updater reads how long all has been good, and what was not', async (t) => {
  const path = await folder(t);
  const file = new HealthyFile(path, { version: '1.2.3', boot: 7 });
  const good = { sensors: true, fusion: true, broker: true };
  const read = async () => JSON.parse(await readFile(join(path, 'healthy.json'), 'utf8')) as object;
  await file.write({ us: 5_000_000, utcMs: now }, good, []);
  t.deepEqual(await read(), {
    ...{ version: '1.2.3', boot: 7, atMs: now, goodSinceS: 0, checks: good, faulty: [] },
  });
  await file.write({ us: 65_000_000, utcMs: now }, good, []);
  t.like(await read(), { goodSinceS: 60 });
  await file.write({ us: 70_000_000, utcMs: now }, { ...good, sensors: false }, ['imu']);
  t.like(await read(), { goodSinceS: 0, faulty: ['imu'] });
  await file.write({ us: 75_000_000, utcMs: now }, good, []);
  t.like(await read(), { goodSinceS: 0 });
});

test('a wish for a restart is left as the helper reads it; where there is no helper it is refused', async (t) => {
  const path = await folder(t);
  await new PowerWish(path).leave('reboot', 'a "quoted" reason', now);
  t.is(
    await readFile(join(path, 'power.json'), 'utf8'),
    `{"action":"reboot","why":"a \\"quoted\\" reason","atMs":${now}}`,
  );
  await t.throwsAsync(new PowerWish(undefined).leave('reboot', 'why', now), { code: 'CW-GWY-011' });
  await t.throwsAsync(new PowerWish(join(path, 'none')).demandHelper(), { code: 'CW-GWY-011' });
});

async function tree(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await folder(t);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

test('the supply of a Raspberry Pi is told by its firmware, or by the alarm of the kernel', async (t) => {
  const thermal = { 'sys/class/thermal/thermal_zone0/temp': '71234\n' };
  const old = { ...thermal, 'sys/devices/platform/soc/soc:firmware/get_throttled': '50005\n' };
  t.deepEqual(await readMachine(await tree(t, old)), {
    ...{ underVoltage: true, underVoltageSeen: true, throttled: true, milliCelsius: 71_234 },
  });
  const past = { 'sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled': '10000\n' };
  t.deepEqual(await readMachine(await tree(t, past)), {
    ...{ underVoltage: false, underVoltageSeen: true, throttled: false },
  });
  const mainline = {
    'sys/class/hwmon/hwmon0/name': 'cpu_thermal\n',
    'sys/class/hwmon/hwmon1/name': 'rpi_volt\n',
    'sys/class/hwmon/hwmon1/in0_lcrit_alarm': '1\n',
  };
  t.deepEqual(await readMachine(await tree(t, mainline)), { underVoltage: true });
  t.deepEqual(await readMachine(await tree(t, {})), {});
});

test('low supply, heat and a full disk are warned of, each once', async (t) => {
  const room = { freeBytes: 1e9, totalBytes: 8e9 };
  t.deepEqual(machineWarnings({ milliCelsius: 79_999 }, room, 80_000), []);
  const found = machineWarnings(
    { underVoltage: true, throttled: true, milliCelsius: 84_000 },
    { freeBytes: 100_000_000, totalBytes: 8e9 },
    80_000,
  );
  t.deepEqual(
    found.map(({ code }) => code),
    ['CW-GWY-013', 'CW-GWY-014', 'CW-GWY-019'],
  );
  const told: string[] = [];
  const warnings = new Warnings((source, { code, cleared }) =>
    told.push(`${source} ${code} ${cleared ?? ''}`),
  );
  warnings.set(found);
  warnings.set(found.slice(1));
  warnings.set(found.slice(1));
  t.deepEqual(told, [
    'machine CW-GWY-013 ',
    'machine CW-GWY-014 ',
    'machine CW-GWY-019 ',
    'machine CW-GWY-013 true',
  ]);
  t.is(warnings.health.length, 2);
  t.true(((await readStorage(tmpdir()))?.totalBytes ?? 0) > 0);
});
