import test from 'ava';
import fc from 'fast-check';
import { VirtualClock } from '#base/clock.ts';
import {
  CommandDesk,
  type DeskOptions,
  type Handler,
  mostRemembered,
  type Remembered,
} from '#commands/desk.ts';
import { CommandError } from '#commands/errors.ts';
import { type Answer, checkRequest, type Request } from '#commands/messages.ts';
import type { PlainMap } from '#events/fields.ts';

const hourMs = 3_600_000;

/** A desk with one command that counts its runs, and what it keeps on disk. */
class Bench {
  readonly clock = new VirtualClock(1_000_000);
  readonly disk = new Map<string, Remembered>();
  readonly refusals: string[] = [];
  readonly forgotten: (readonly string[])[] = [];
  runs = 0;
  trusted = true;
  diskFails = false;
  desk: CommandDesk;
  readonly #handler: Handler;

  constructor(handler?: Handler) {
    this.#handler = (args, context) => {
      this.runs += 1;
      return handler?.(args, context) ?? { run: this.runs };
    };
    this.desk = this.#make();
  }

  #make(): CommandDesk {
    const options: DeskOptions = {
      handlers: new Map([['test.run', this.#handler]]),
      clock: this.clock,
      clockTrusted: () => this.trusted,
      remembered: new Map(JSON.parse(JSON.stringify([...this.disk])) as [string, Remembered][]),
      remember: async (transaction, entry) => {
        await Promise.resolve();
        if (this.diskFails) throw new Error('disk full');
        this.disk.set(transaction, entry);
      },
      forget: async (transactions) => {
        await Promise.resolve();
        this.forgotten.push(transactions);
        for (const transaction of transactions) this.disk.delete(transaction);
      },
      onRefused: ({ command, transaction, error }) =>
        this.refusals.push(`${command} ${transaction} ${error.code}`),
    };
    return new CommandDesk(options);
  }

  restart(): void {
    this.desk = this.#make();
  }

  request(more: Partial<Request> = {}): Request {
    const now = this.clock.utcMs();
    return { transaction: 't1', issued: now, expires: now + 60_000, args: {}, ...more };
  }

  send(more: Partial<Request> = {}, command = 'test.run', retained = false): Promise<Answer> {
    return this.desk.handle({ command, request: this.request(more), retained });
  }
}

const codeOf = (answer: Answer) => (answer.status === 'refused' ? answer.code : answer.status);

test('A command is carried out once, however often its transaction is sent', async (t) => {
  const bench = new Bench();
  const request = bench.request();
  const answers = [];
  for (let i = 0; i < 3; i++) {
    answers.push(await bench.desk.handle({ command: 'test.run', request, retained: false }));
  }
  bench.restart();
  answers.push(await bench.desk.handle({ command: 'test.run', request, retained: false }));
  t.is(bench.runs, 1);
  for (const answer of answers) t.deepEqual(answer, { transaction: 't1', status: 'done', data: { run: 1 } });
});

test('A transaction sent again while its command runs waits for the one answer', async (t) => {
  let finish: (data: PlainMap) => void = () => {};
  const bench = new Bench(
    () =>
      new Promise((resolve) => {
        finish = resolve;
      }),
  );
  const answers = [bench.send(), bench.send(), bench.send({ args: { other: 1 } })];
  t.is(codeOf((await answers[2]) as Answer), 'CW-CMD-005');
  finish({ it: 'is done' });
  t.deepEqual(await answers[0], await answers[1]);
  t.is(bench.runs, 1);
});

test('A transaction with other arguments, or of another command, is refused', async (t) => {
  const bench = new Bench();
  await bench.send({ args: { a: 1 } });
  t.is(codeOf(await bench.send({ args: { a: 2 } })), 'CW-CMD-005');
  bench.restart();
  t.is(codeOf(await bench.send({ args: { a: 2 } })), 'CW-CMD-005');
  t.is(codeOf(await bench.send({ args: { a: 1 } }, 'test.other')), 'CW-CMD-005');
  t.is(bench.runs, 1);
  t.deepEqual(bench.refusals, [
    'test.run t1 CW-CMD-005',
    'test.run t1 CW-CMD-005',
    'test.other t1 CW-CMD-005',
  ]);
});

test('Arguments are the same in whatever order their names stand, and different in any other way', async (t) => {
  const value = fc.jsonValue({ maxDepth: 3 });
  const shuffled = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(shuffled);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(
      Object.entries(one)
        .reverse()
        .map(([key, inner]) => [key, shuffled(inner)]),
    );
  };
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), value), fc.dictionary(fc.string(), value), async (a, b) => {
      const bench = new Bench();
      await bench.send({ args: a });
      const again = await bench.send({ args: shuffled(a) as typeof a });
      if (codeOf(again) !== 'done') throw new Error('order matters');
      const other = await bench.send({ args: b });
      const equal = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
      if (equal !== (codeOf(other) === 'done')) throw new Error('different arguments pass for the same');
    }),
    { numRuns: 200, seed: 7 },
  );
  const bench = new Bench();
  await bench.send({ args: { code: Uint8Array.of(1, 2) } });
  t.is(codeOf(await bench.send({ args: { code: 'b64:AQI=' } })), 'CW-CMD-005');
  t.is(codeOf(await bench.send({ args: { code: Uint8Array.of(1, 2) } })), 'done');
});

function sorted(one: unknown): unknown {
  if (Array.isArray(one)) return one.map(sorted);
  if (typeof one !== 'object' || one === null) return one;
  const entries = Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1));
  return { map: entries.map(([key, inner]) => [key, sorted(inner)]) };
}

test('Requests that expired, were retained, or have impossible times are refused and not remembered', async (t) => {
  const bench = new Bench();
  const now = bench.clock.utcMs();
  const refused = async (more: Partial<Request>, code: string, retained = false) => {
    t.is(codeOf(await bench.send(more, 'test.run', retained)), code);
  };
  await refused({ issued: now - 60_000, expires: now - 1 }, 'CW-CMD-003');
  await refused({ issued: now, expires: now - 1 }, 'CW-CMD-006');
  await refused({ issued: now, expires: now + 24 * hourMs + 1 }, 'CW-CMD-006');
  await refused({ issued: now + 5 * 60_000 + 1, expires: now + hourMs }, 'CW-CMD-006');
  await refused({}, 'CW-CMD-004', true);
  t.is(codeOf(await bench.send({}, 'test.nothing')), 'CW-CMD-002');
  t.is(bench.runs, 0);
  t.is(bench.disk.size, 0);
  t.is(codeOf(await bench.send({ issued: now + 5 * 60_000, expires: now + 24 * hourMs })), 'done');
  t.is(codeOf(await bench.send({ transaction: 't2', expires: now })), 'done', 'until the last millisecond');
});

test('While the clock is not trusted, expiry is not judged, and what was done stays known', async (t) => {
  const bench = new Bench();
  bench.trusted = false;
  const later = bench.clock.utcMs() + 400 * 24 * hourMs;
  const request = bench.request({ issued: later, expires: later + hourMs });
  const send = () => bench.desk.handle({ command: 'test.run', request, retained: false });
  t.is(codeOf(await send()), 'done');
  // The clock is set to what it really is: the request is still valid, so its repeat must not run again.
  bench.clock.advance(400 * 24 * hourMs * 1000);
  bench.trusted = true;
  await bench.desk.sweep();
  t.is(codeOf(await send()), 'done');
  t.is(bench.runs, 1);
});

test('A sweep forgets what can only be refused as expired', async (t) => {
  const bench = new Bench();
  const request = bench.request();
  const send = () => bench.desk.handle({ command: 'test.run', request, retained: false });
  await send();
  bench.clock.advance(60_000_000);
  await bench.desk.sweep();
  t.is(bench.disk.size, 1);
  t.is(codeOf(await send()), 'done');
  bench.clock.advance(1_000);
  bench.trusted = false;
  await bench.desk.sweep();
  t.is(bench.disk.size, 1, 'a clock that is not trusted forgets nothing');
  bench.trusted = true;
  await bench.desk.sweep();
  t.is(bench.disk.size, 0);
  t.is(codeOf(await send()), 'CW-CMD-003');
  t.is(bench.runs, 1);
});

test('What is remembered is bounded, and room comes back when it expires', async (t) => {
  const bench = new Bench();
  for (let i = 0; i < mostRemembered; i++) await bench.send({ transaction: `many-${i}` });
  t.is(codeOf(await bench.send({ transaction: 'one too many' })), 'CW-CMD-007');
  t.is(codeOf(await bench.send({ transaction: 'many-0' })), 'done', 'what was answered stays answered');
  t.is(bench.disk.size, mostRemembered);
  t.is(bench.runs, mostRemembered);
  bench.clock.advance(61_000_000);
  t.is(codeOf(await bench.send({ transaction: 'later' })), 'done');
  t.deepEqual([...bench.disk.keys()], ['later']);
  t.deepEqual(
    bench.forgotten.map(({ length }) => length),
    [mostRemembered],
    'all in one write',
  );
});

test('A refusal by the command is remembered as its answer', async (t) => {
  const bench = new Bench(() => {
    throw new CommandError('CW-CMD-008', 'level: not one of these');
  });
  t.is(codeOf(await bench.send()), 'CW-CMD-008');
  bench.restart();
  t.is(codeOf(await bench.send()), 'CW-CMD-008');
  t.is(bench.runs, 1);
});

test('A handler can store what will be remembered of it in its own write', async (t) => {
  const early: Remembered[] = [];
  const bench = new Bench((_args, { transaction, remembered }) => {
    early.push(remembered({ transaction, status: 'done', data: { run: 1 } }));
    return { run: 1 };
  });
  await bench.send();
  t.deepEqual(early, [bench.disk.get('t1')]);
});

test('A command that fails without a code is answered with one', async (t) => {
  for (const failing of [
    () => {
      throw new TypeError('x is undefined');
    },
    () => Promise.reject(new Error('x is undefined')),
  ]) {
    const answer = await new Bench(failing).send();
    t.is(codeOf(answer), 'CW-CMD-009');
    t.regex(answer.status === 'refused' ? answer.message : '', /test\.run failed: x is undefined/);
  }
});

test('An answer that could not be made durable is a refusal, and the command still runs once', async (t) => {
  const bench = new Bench();
  bench.diskFails = true;
  t.is(codeOf(await bench.send()), 'CW-CMD-009');
  t.is(codeOf(await bench.send()), 'CW-CMD-009');
  t.is(bench.runs, 1);
});

test('Arguments that cannot be hashed are refused', async (t) => {
  const bench = new Bench();
  t.is(codeOf(await bench.send({ args: { huge: 2n ** 70n } })), 'CW-CMD-009');
  t.is(bench.runs, 0);
});

test('More than 64 commands at once are refused, and there is room again afterwards', async (t) => {
  let finish: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const bench = new Bench(async () => {
    await gate;
    return {};
  });
  const running = Array.from({ length: 64 }, (_, i) => bench.send({ transaction: `r${i}` }));
  t.is(codeOf(await bench.send({ transaction: 'one more' })), 'CW-CMD-007');
  finish();
  t.true((await Promise.all(running)).every(({ status }) => status === 'done'));
  t.is(codeOf(await bench.send({ transaction: 'one more' })), 'done');
});

test('A request says what it lacks', (t) => {
  const good = { transaction: 'x', issued: 1, expires: 2 };
  t.deepEqual(checkRequest(good), { ...good, args: {} });
  for (const [bad, what] of [
    [{ ...good, transaction: '' }, 'transaction'],
    [{ ...good, transaction: 'x'.repeat(65) }, 'transaction'],
    [{ ...good, issued: -1 }, 'issued'],
    [{ ...good, expires: 1.5 }, 'expires'],
    [{ ...good, args: [] }, 'args'],
    [null, 'transaction'],
    ['text', 'transaction'],
  ] as const) {
    const error = t.throws(() => checkRequest(bad), { instanceOf: CommandError });
    t.is(error?.code, 'CW-CMD-001');
    t.true(error?.message.includes(what));
  }
});
