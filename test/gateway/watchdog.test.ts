import test from 'ava';
import { type Progress, ProgressJudge } from '#gateway/watchdog.ts';

const everyUs = 5_000_000;
type Device = Progress['devices'][number];
const device = (more: Partial<Device>): Device => ({
  id: 'bridge',
  kind: 'load-cell',
  state: 'running',
  readings: 0,
  fault: undefined,
  ...more,
});

/** Asks a judge again and again; time, readings and decisions go on unless told otherwise. */
class Bench {
  readonly judge: ProgressJudge;
  nowUs = 1_000_000;
  readings = 0;
  decidedUs = 0;
  reopened: string[] = [];

  constructor(excused: readonly string[] = []) {
    this.judge = new ProgressJudge(everyUs, excused);
  }

  /** What it says last after so many s. */
  pass(
    seconds: number,
    more: {
      readonly devices?: () => readonly Device[];
      readonly decides?: boolean;
      readonly workerMs?: number;
    } = {},
  ) {
    let hung: { hung: string | undefined; part: string | undefined } = { hung: undefined, part: undefined };
    for (const untilUs = this.nowUs + seconds * 1_000_000; this.nowUs < untilUs; ) {
      this.nowUs += everyUs;
      this.readings += 400;
      if (more.decides !== false) this.decidedUs = this.nowUs;
      const { reopen, ...verdict } = this.judge.judge({
        nowUs: this.nowUs,
        devices: more.devices?.() ?? [device({ readings: this.readings })],
        decidedUs: this.decidedUs,
        workerSilentMs: more.workerMs ?? 0,
      });
      this.reopened.push(...reopen);
      hung = verdict;
    }
    return hung.part;
  }
}

test('a gateway whose parts get on is alive for as long as it likes', (t) => {
  const bench = new Bench();
  t.is(bench.pass(3_600), undefined);
  t.deepEqual(bench.reopened, []);
});

test('a device that runs and falls silent is opened anew once, and only then the program is', (t) => {
  const bench = new Bench();
  bench.pass(60);
  const silent = () => [device({ readings: 7 })];
  t.is(bench.pass(10, { devices: silent }), undefined);
  t.deepEqual(bench.reopened, []);
  bench.pass(5, { devices: silent });
  t.deepEqual(bench.reopened, ['bridge']);
  t.is(bench.pass(15, { devices: silent }), undefined);
  t.is(bench.pass(5, { devices: silent }), 'bridge');
  t.deepEqual(bench.reopened, ['bridge']);
  t.is(bench.pass(5), undefined, 'it delivers again');
});

test('a device that is gone, faulty, slow by nature or only speaks when spoken to is no hang', (t) => {
  const bench = new Bench();
  const fault = { fault: 'disconnected', code: 'CW-DRV-005', message: 'unplugged' } as const;
  const devices = () => [
    device({ id: 'unplugged', state: 'waiting' }),
    device({ id: 'opening', state: 'opening' }),
    device({ id: 'faulty', fault }),
    device({ id: 'wand', kind: 'scanner' }),
    device({ id: 'lamp', kind: 'indicator' }),
    device({ id: 'camera', kind: 'camera' }),
  ];
  t.is(bench.pass(7_200, { devices }), undefined);
  t.deepEqual(bench.reopened, []);
  const slow = () => [
    device({ id: 'battery', kind: 'power', readings: Math.floor(bench.nowUs / 240_000_000) }),
  ];
  t.is(bench.pass(7_200, { devices: slow }), undefined);
  t.deepEqual(bench.reopened, []);
});

test('decisions that stand still, or a thread of the outbox that does not answer, are a hang', (t) => {
  const bench = new Bench();
  bench.pass(60);
  t.is(bench.pass(5, { decides: false }), undefined);
  t.is(bench.pass(5, { decides: false }), 'decisions');
  t.is(bench.pass(5), undefined);
  t.is(bench.pass(60, { workerMs: 29_000 }), undefined, 'its own supervisor sees to that');
  t.is(bench.pass(5, { workerMs: 30_000 }), 'outbox');
});

test('a process that was held up itself blames nobody for what it has not read yet', (t) => {
  const bench = new Bench();
  bench.pass(60);
  bench.nowUs += 600_000_000;
  const silent = () => [device({ readings: bench.readings - 400 })];
  t.is(bench.pass(5, { devices: silent, decides: false }), undefined);
  t.deepEqual(bench.reopened, []);
  t.is(bench.pass(60), undefined);
});

test('what a new start did not help is a fault, and no reason for one more', (t) => {
  const silent = () => [device({ readings: 7 }), device({ id: 'imu', kind: 'motion', readings: 3 })];
  const bench = new Bench(['bridge']);
  t.is(bench.pass(40, { devices: silent }), 'imu');
  const next = new Bench(['bridge', 'imu']);
  t.is(next.pass(3_600, { devices: silent }), undefined);
  t.deepEqual(next.reopened, ['bridge', 'imu'], 'each is tried once');
  t.is(next.pass(10, { decides: false }), 'decisions');
});
