import test from 'ava';
import { type AvaEvent, type AvaStats, judge } from '../../scripts/lib/counts.ts';

const none: AvaStats = {
  passedTests: 0,
  passedKnownFailingTests: 0,
  failedTests: 0,
  failedHooks: 0,
  skippedTests: 0,
  todoTests: 0,
  remainingTests: 0,
  uncaughtExceptions: 0,
  unhandledRejections: 0,
  internalErrors: 0,
};
const run = (stats: Partial<AvaStats>, ...events: AvaEvent[]): AvaEvent[] => [
  ...events,
  { type: 'stats', stats: { ...none, passedTests: 1 } },
  { type: 'stats', stats: { ...none, ...stats } },
  { type: 'end' },
];

test('a good run has the counts of the runner', (t) => {
  const { passed, failed, skipped } = judge(run({ passedTests: 5, skippedTests: 2 }), 0);
  t.deepEqual({ passed, failed, skipped }, { passed: 5, failed: 0, skipped: 2 });
});

test('failed and skipped tests are named with their file', (t) => {
  const verdict = judge(
    run(
      { passedTests: 1, failedTests: 1, skippedTests: 1 },
      { type: 'selected-test', title: 'needs a scale', file: 'test/a.test.ts', skip: true },
      { type: 'selected-test', title: 'adds', file: 'test/a.test.ts', skip: false },
      { type: 'test-failed', title: 'adds', file: 'test/a.test.ts' },
    ),
    1,
  );
  t.deepEqual(verdict.failures, ['test/a.test.ts: adds']);
  t.deepEqual(verdict.skips, ['test/a.test.ts: needs a scale']);
});

for (const [what, stats] of [
  ['a test that never ended', { remainingTests: 1 }],
  ['a planned test', { todoTests: 1 }],
  ['a failed hook', { failedHooks: 1 }],
  ['an exception outside a test', { uncaughtExceptions: 1 }],
  ['a rejection nobody handled', { unhandledRejections: 1 }],
  ['an error of the runner', { internalErrors: 1 }],
] as const) {
  test(`${what} counts as one failure, beside tests that passed`, (t) => {
    const verdict = judge(run({ passedTests: 3, ...stats }), 1);
    t.is(verdict.passed, 3);
    t.is(verdict.failed, 1);
  });
}

test('a runner that dies before its end is one failure, and keeps what it counted', (t) => {
  const verdict = judge(run({ passedTests: 7 }).slice(0, -1), null);
  t.is(verdict.passed, 7);
  t.is(verdict.failed, 1);
  t.regex(verdict.failures[0] ?? '', /stopped before its end/);
});

test('a bad exit without a failed test is a failure', (t) => {
  t.is(judge(run({ passedTests: 5 }), 1).failed, 1);
});

test('a run without tests is a failure', (t) => {
  t.is(judge(run({}), 0).failed, 1);
  t.is(judge([], 1).failed, 1);
});
