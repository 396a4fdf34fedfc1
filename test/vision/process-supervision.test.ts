import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { systemClock, VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { LineListener } from '#vision/process/child-line.ts';
import type { ToldByVision } from '#vision/process/messages.ts';
import { VisionProcess } from '#vision/process/vision.ts';
import { setupOf } from './support/setup.ts';

const entry = join(import.meta.dirname, 'support/child.ts');

/** A real process, supervised in virtual time. */
class Bench {
  readonly clock = new VirtualClock(1_000_000);
  readonly heard: ToldByVision[] = [];
  readonly faults: string[] = [];
  readonly logged: string[] = [];
  readonly process: VisionProcess;
  /** So many hundredths of a second a word is waited for: none where there is nobody to say it. */
  patience = 100;
  /** How much later it is than timers believe, µs. */
  heldUpUs = 0;

  constructor(mode: string, folder: string) {
    const note = (fields: object, message: string) => {
      this.logged.push(`${message} ${JSON.stringify(fields)}`);
    };
    this.process = new VisionProcess({
      entry,
      setup: setupOf({ model: mode, gallery: join(folder, 'begun') }),
      memoryBytes: 400e6,
      clock: {
        nowUs: () => this.clock.nowUs() + this.heldUpUs,
        utcMs: () => this.clock.utcMs(),
        after: (delayUs, action) => this.clock.after(delayUs, action),
      },
      log: { debug: note, info: note, warn: note, error: note },
      random: { next: () => 0 },
      onMessage: (message) => this.heard.push(message),
      onFault: ({ code, cleared }: DeviceFault) => this.faults.push(`${code}${cleared ? ' over' : ''}`),
    });
    this.process.start();
  }

  /** Waits for the real process, without virtual time. */
  async until(condition: () => boolean): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 3_000) throw new Error(`it did not come: ${this.faults} ${this.logged}`);
      await sleep(10);
    }
  }

  /** Lets virtual time pass until so, giving a process that speaks the real time to do so in every quarter of a second. */
  async pass(condition: () => boolean): Promise<number> {
    const startUs = this.clock.nowUs();
    for (let steps = 0; !condition(); steps++) {
      if (steps > 3_000) throw new Error(`it did not come: ${this.faults} ${this.logged}`);
      this.clock.advance(250_000);
      const heard = this.heard.length;
      await sleep(10);
      // On a machine that is overloaded it is the machine that is silent.
      for (let tries = 0; tries < this.patience && this.heard.length === heard && !condition(); tries++) {
        await sleep(10);
      }
    }
    return (this.clock.nowUs() - startUs) / 1e6;
  }

  readonly isReady = () => this.process.status.backend === 'test';
}

async function bench(t: ExecutionContext, mode: string): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-vision-'));
  const made = new Bench(mode, folder);
  t.teardown(async () => {
    const stopped = made.process.stop();
    for (let i = 0; i < 20; i++) {
      made.clock.advance(1_000_000);
      await sleep(5);
    }
    await stopped;
    await rm(folder, { recursive: true, force: true });
  });
  return made;
}

test('A process that is killed is told of, and started again', async (t) => {
  const eyes = await bench(t, 'well');
  await eyes.until(eyes.isReady);
  const { pid } = eyes.process.status;
  if (pid === undefined) throw new Error('no process');
  process.kill(pid, 'SIGKILL');
  await eyes.until(() => eyes.faults.length > 0);
  t.false(eyes.process.status.running);
  t.false(eyes.process.look({ plate: 'basket', startedAtUs: 1, settledAtUs: 2, sign: 1 }));
  await eyes.pass(eyes.isReady);
  t.deepEqual(eyes.faults, ['CW-VIS-012', 'CW-VIS-012 over']);
  t.is(eyes.process.status.restarts, 1);
  t.not(eyes.process.status.pid, pid);
});

test('A process that is held up is told of within two seconds, and ended after five with all that it started', async (t) => {
  const eyes = await bench(t, 'well');
  await eyes.until(eyes.isReady);
  const { pid } = eyes.process.status;
  if (pid === undefined) throw new Error('no process');
  process.kill(pid, 'SIGSTOP');
  await sleep(100);
  eyes.patience = 0;
  const told = await eyes.pass(() => eyes.faults.length > 0);
  t.true(told > 1.3 && told <= 1.75, `${told} s`);
  t.true(eyes.process.status.running, 'it may only be held up');
  const ended = told + (await eyes.pass(() => !eyes.process.status.running));
  t.true(ended > 5 && ended < 5.6, `${ended} s`);
  await eyes.until(() => !existsSync(`/proc/${pid}`));
  eyes.patience = 100;
  await eyes.pass(eyes.isReady);
  t.deepEqual(eyes.faults, ['CW-VIS-013', 'CW-VIS-013 over']);
});

/** A process that says what the test lets it say, in virtual time. */
function puppet({ silentUs }: { silentUs?: number } = {}) {
  const clock = new VirtualClock(1_000_000);
  const faults: string[] = [];
  let listener: LineListener | undefined;
  let kills = 0;
  /** How much later it is than timers believe, µs. */
  let lateUs = 0;
  const supervisor = new VisionProcess({
    entry,
    setup: setupOf({}),
    memoryBytes: 400e6,
    ...(silentUs === undefined ? {} : { silentUs }),
    clock: {
      nowUs: () => clock.nowUs() + lateUs,
      utcMs: () => clock.utcMs(),
      after: (delayUs, action) => clock.after(delayUs, action),
    },
    log: silentLogger,
    random: { next: () => 0 },
    begin: (heard) => {
      listener = heard;
      return { pid: 1, over: new Promise(() => {}), send: () => {}, kill: () => void kills++ };
    },
    onMessage: () => {},
    onFault: ({ code, cleared }) => faults.push(`${code}${cleared === true ? ' over' : ''}`),
  });
  supervisor.start();
  return {
    clock,
    faults,
    supervisor,
    kills: () => kills,
    ends: () => listener?.ended({ code: null, signal: 'SIGKILL' }),
    says: (kind: 'ready' | 'alive') =>
      listener?.message(kind === 'ready' ? { kind, backend: 'test', model: 'm' } : { kind }),
    sleeps: (us: number) => {
      lateUs += us;
    },
  };
}

test('A process that hangs for a while is told of, and well again with its first word, without a restart', (t) => {
  const { clock, faults, says, kills, supervisor } = puppet();
  says('ready');
  for (let tenths = 0; tenths < 300; tenths++) {
    clock.advance(100_000);
    // Every half second, now and then twice as late.
    if (tenths % 5 === 0 && tenths % 15 !== 0) says('alive');
  }
  t.deepEqual(faults, []);
  says('alive');
  clock.advance(1_400_000);
  t.deepEqual(faults, []);
  clock.advance(200_000);
  t.deepEqual(faults, ['CW-VIS-013']);
  clock.advance(2_000_000);
  says('alive');
  t.deepEqual(faults, ['CW-VIS-013', 'CW-VIS-013 over']);
  t.deepEqual([kills(), supervisor.status.restarts, supervisor.status.running], [0, 0, true]);
});

test('While it reads model and gallery a process may be silent for longer', (t) => {
  const { clock, faults, says, kills } = puppet();
  says('alive');
  clock.advance(20_000_000);
  says('alive');
  clock.advance(29_000_000);
  says('ready');
  t.deepEqual([faults, kills()], [[], 0]);
  clock.advance(1_600_000);
  t.deepEqual(faults, ['CW-VIS-013']);
});

test('A process that hangs in reading its model is ended after half a minute', (t) => {
  const { clock, faults, says, kills } = puppet();
  says('alive');
  clock.advance(31_000_000);
  t.deepEqual([faults, kills()], [['CW-VIS-013'], 1]);
});

test('A process that was ended while it read its model has twice as long at its next start, and the usual time once it was ready', (t) => {
  const { clock, says, ends, kills } = puppet();
  for (const [round, seconds] of [30, 60, 120, 120].entries()) {
    clock.advance((seconds - 10) * 1_000_000);
    t.is(kills(), round, `${seconds} s`);
    clock.advance(15_000_000);
    t.is(kills(), round + 1, `${seconds} s`);
    // The next one begins after a pause of some seconds at most.
    ends();
    clock.advance(5_000_000);
  }
  says('ready');
  clock.advance(6_000_000);
  t.is(kills(), 5);
  ends();
  clock.advance(31_000_000);
  t.is(kills(), 6);
});

test('On a machine that is said to be slow a process may be silent for longer, from its start on', (t) => {
  const { clock, faults, says, kills } = puppet({ silentUs: 60_000_000 });
  clock.advance(59_000_000);
  says('ready');
  clock.advance(59_000_000);
  t.deepEqual([faults, kills()], [['CW-VIS-013'], 0]);
  clock.advance(2_000_000);
  t.is(kills(), 1);
});

test('Time in which the gateway itself did not run does not count as silence', (t) => {
  const { clock, faults, says, sleeps, kills } = puppet();
  says('ready');
  for (let round = 0; round < 20; round++) {
    clock.advance(400_000);
    // Three seconds pass until the next check, which finds that before what was said meanwhile is read.
    sleeps(3_000_000);
    clock.advance(200_000);
    says('alive');
  }
  t.deepEqual([faults, kills()], [[], 0]);
});

test('A real process that is stopped is told of while it is, and goes on where it is let go', async (t) => {
  const faults: { code: string; cleared: boolean; afterMs: number }[] = [];
  let stoppedMs = 0;
  const real = new VisionProcess({
    entry,
    setup: setupOf({ model: 'well' }),
    memoryBytes: 400e6,
    clock: systemClock,
    log: silentLogger,
    random: { next: () => 0 },
    onMessage: () => {},
    onFault: ({ code, cleared }) =>
      faults.push({ code, cleared: cleared === true, afterMs: performance.now() - stoppedMs }),
  });
  real.start();
  t.teardown(() => real.stop());
  const until = async (condition: () => boolean) => {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 3_000) throw new Error('it did not come');
      await sleep(10);
    }
  };
  await until(() => real.status.backend === 'test');
  const { pid } = real.status;
  process.kill(pid ?? 0, 'SIGSTOP');
  stoppedMs = performance.now();
  await until(() => faults.length > 0);
  t.log(`told ${Math.round(faults[0]?.afterMs ?? 0)} ms after the signal`);
  process.kill(pid ?? 0, 'SIGCONT');
  await until(() => faults.length > 1);
  t.deepEqual(
    faults.map(({ code, cleared }) => [code, cleared]),
    [
      ['CW-VIS-013', false],
      ['CW-VIS-013', true],
    ],
  );
  t.is(real.status.pid, pid);
});

test('A process that the kernel does not let go is told of once, asked nothing more, and does not keep the gateway', async (t) => {
  const { clock, faults, says, kills, supervisor } = puppet();
  says('ready');
  t.true(supervisor.status.running);
  const asked = supervisor.ask({ kind: 'erase' });
  clock.advance(7_000_000);
  t.deepEqual([faults, kills()], [['CW-VIS-013'], 1]);
  t.false(supervisor.status.running);
  await t.throwsAsync(asked, { message: /says nothing/ });
  says('ready');
  t.false(supervisor.status.running, 'what it says after its end does not count');
  const stopped = supervisor.stop();
  clock.advance(6_000_000);
  await stopped;
  t.is(kills(), 2);
});

test('A gateway that was held up itself does not take its eyes for dead', async (t) => {
  const eyes = await bench(t, 'well');
  await eyes.until(eyes.isReady);
  // The check finds that ten seconds have passed, before what was said meanwhile is read.
  eyes.heldUpUs = 10_000_000;
  eyes.clock.advance(1_000_000);
  const heard = eyes.heard.length;
  await eyes.until(() => eyes.heard.length > heard + 2);
  eyes.clock.advance(1_000_000);
  await sleep(100);
  t.deepEqual(eyes.faults, []);
  t.true(eyes.process.status.running);
});

test('A process that never says a word is given half a minute', async (t) => {
  const eyes = await bench(t, 'mute+once');
  eyes.patience = 0;
  const seconds = await eyes.pass(() => eyes.faults.length > 0);
  eyes.patience = 100;
  t.true(seconds > 29 && seconds < 36, `${seconds} s`);
  await eyes.pass(eyes.isReady);
  t.deepEqual(eyes.faults, ['CW-VIS-013', 'CW-VIS-013 over']);
});

test('A process that leaks is started again before it takes too much', async (t) => {
  const eyes = await bench(t, 'leaks+once');
  await eyes.pass(() => eyes.faults.length > 0);
  await eyes.pass(() => eyes.process.status.model === 'again');
  t.deepEqual(eyes.faults, ['CW-VIS-021', 'CW-VIS-021 over']);
  t.regex(eyes.logged.join('\n'), /takes \d+ MB, 381 MB at most/);
});

for (const [what, mode] of [
  ['a message with a field too many', 'nonsense+once'],
  ['raw bytes', 'bytes+once'],
  ['messages without end', 'floods+once'],
] as const) {
  test(`A process that says ${what} is ended, and nothing of that is passed on or logged`, async (t) => {
    const eyes = await bench(t, mode);
    if (mode.includes('floods')) await eyes.until(() => eyes.heard.length > 6_000);
    await eyes.pass(() => eyes.faults.length > 0);
    await eyes.pass(() => eyes.process.status.model === 'again');
    t.deepEqual(eyes.faults, ['CW-VIS-019', 'CW-VIS-019 over']);
    t.false(eyes.heard.some(({ kind }) => kind === 'looked'));
    t.false(eyes.logged.some((line) => line.length > 400));
  });
}

test('A process that ends again and again is started ever more seldom', async (t) => {
  const eyes = await bench(t, 'crashes');
  await eyes.until(() => eyes.process.status.restarts === 1);
  const pauses: number[] = [];
  for (let ended = 1, seconds = 0; pauses.length < 5; await sleep(10)) {
    const { restarts, pid } = eyes.process.status;
    if (restarts > ended) {
      pauses.push(seconds);
      ended = restarts;
      seconds = 0;
    }
    // Time passes between processes only: how long one takes to end is the machine's affair.
    if (pid !== undefined) continue;
    eyes.clock.advance(250_000);
    seconds += 0.25;
  }
  t.deepEqual(eyes.faults, ['CW-VIS-012'], 'one fault, until it is over');
  // With the least jitter: half of 0.25, 0.5, 1, 2 and 4 s, in steps of 0.25 s.
  t.deepEqual(pauses, [0.25, 0.25, 0.5, 1, 2]);
});

test('An answer that nobody asked for is not passed on, nor a second one of the same camera', async (t) => {
  const eyes = await bench(t, 'eager');
  await eyes.until(eyes.isReady);
  const look = { plate: 'basket', startedAtUs: 1, settledAtUs: 2, sign: 1 } as const;
  // More than may be under way at once: each ends with its answer.
  for (let times = 1; times <= 12; times++) {
    t.true(eyes.process.look(look));
    await eyes.until(() => eyes.process.status.looked === times);
  }
  t.false(eyes.process.look({ ...look, plate: 'rack' }), 'no camera sees it');
  await sleep(100);
  t.is(eyes.heard.filter(({ kind }) => kind === 'looked').length, 12);
  t.deepEqual(eyes.faults, []);
});

test('Looks are not queued without end', async (t) => {
  const eyes = await bench(t, 'blind');
  await eyes.until(eyes.isReady);
  const asked = Array.from({ length: 12 }, () =>
    eyes.process.look({ plate: 'basket', startedAtUs: 1, settledAtUs: 2, sign: 1 }),
  );
  t.is(asked.filter(Boolean).length, 8);
  eyes.clock.advance(900_000);
  await eyes.pass(() => eyes.process.look({ plate: 'basket', startedAtUs: 1, settledAtUs: 2, sign: 1 }));
  t.deepEqual(eyes.faults, [], 'looks that nobody answered are given up');
});

test('Who waits for an answer hears why there is none', async (t) => {
  const eyes = await bench(t, 'well');
  await t.throwsAsync(eyes.process.ask({ kind: 'erase' }), { message: /not running/ });
  await eyes.until(eyes.isReady);
  t.is((await eyes.process.ask({ kind: 'erase' })).files, 3);
  const refused = await t.throwsAsync(eyes.process.ask({ kind: 'record', camera: 'camera', seconds: 1 }));
  t.like(refused, { code: 'CW-VIS-020', message: 'no room' });
});

test('Who waits while the process dies is not left waiting', async (t) => {
  const eyes = await bench(t, 'slow');
  await eyes.until(eyes.isReady);
  const asked = eyes.process.ask({ kind: 'record', camera: 'camera', seconds: 1 });
  process.kill(eyes.process.status.pid ?? 0, 'SIGKILL');
  t.like(await t.throwsAsync(asked), { code: 'CW-VIS-012' });
});

test('What native libraries print is logged in short and without control characters', async (t) => {
  const eyes = await bench(t, 'prints');
  await eyes.until(() => eyes.logged.some((line) => line.includes('printed')));
  const line = eyes.logged.find((one) => one.includes('printed')) ?? '';
  t.regex(line, /native \? trouble/);
  t.true(line.length < 300);
});

test('A process that does not stop when it is asked is ended', async (t) => {
  const eyes = await bench(t, 'stubborn');
  await eyes.until(eyes.isReady);
  const { pid } = eyes.process.status;
  const stopped = eyes.process.stop();
  await sleep(100);
  t.regex(await readFile(`/proc/${pid}/status`, 'utf8'), /State:\s+[SR]/);
  eyes.clock.advance(3_000_000);
  await stopped;
  t.deepEqual(eyes.faults, []);
});
