export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What AVA counts while it runs (its `stats`), as far as a verdict needs it. */
export interface AvaStats {
  readonly passedTests: number;
  readonly passedKnownFailingTests: number;
  readonly failedTests: number;
  readonly failedHooks: number;
  readonly skippedTests: number;
  readonly todoTests: number;
  readonly remainingTests: number;
  readonly uncaughtExceptions: number;
  readonly unhandledRejections: number;
  readonly internalErrors: number;
}

/** One line from ava.config.js. */
export interface AvaEvent {
  readonly type: string;
  readonly title?: string;
  readonly file?: string;
  readonly skip?: boolean;
  readonly todo?: boolean;
  readonly stats?: AvaStats;
}

export interface Verdict extends Counts {
  /** What did not pass, in words: titles of failed and skipped tests, and what went wrong beside tests. */
  readonly failures: readonly string[];
  readonly skips: readonly string[];
}

/**
 * The verdict on one run of AVA from its events and its exit code. Tests that never came to an end, planned tests (`todo`),
 * hooks and errors outside tests count as failures; so does a runner that ended badly without naming one, or ran nothing.
 */
export function judge(events: readonly AvaEvent[], exitCode: number | null): Verdict {
  const named = (type: string) => events.filter((event) => event.type === type);
  const label = ({ file, title }: AvaEvent) => [file, title].filter((part) => part !== undefined).join(': ');
  const failures = [...named('test-failed'), ...named('hook-failed')].map(label);
  const skips = named('selected-test')
    .filter((event) => event.skip === true)
    .map(label);
  const stats = named('stats').at(-1)?.stats;
  let failed = 0;
  const add = (count: number, what: string) => {
    failed += count;
    if (count > 0) failures.push(`${count} ${what}`);
  };
  if (stats) {
    failed = stats.failedTests + stats.failedHooks;
    add(stats.remainingTests, 'tests did not come to an end');
    add(stats.todoTests, 'tests are planned and not written');
    add(stats.uncaughtExceptions, 'uncaught exceptions');
    add(stats.unhandledRejections, 'unhandled rejections');
    add(stats.internalErrors, 'errors inside the test runner');
  }
  const passed = stats === undefined ? 0 : stats.passedTests + stats.passedKnownFailingTests;
  const skipped = stats?.skippedTests ?? 0;
  if (failed === 0) {
    if (named('end').length === 0) add(1, `run stopped before its end (exit ${exitCode})`);
    else if (exitCode !== 0) add(1, `run ended badly without naming a failed test (exit ${exitCode})`);
    else if (passed + skipped === 0) add(1, 'run found no tests');
  }
  return { passed, failed, skipped, failures, skips };
}
