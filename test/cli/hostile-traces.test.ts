import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { replayTrace } from '#cli/replay.ts';
import { simulate } from '#cli/simulate.ts';
import type { CartEvent } from '#events/event.ts';
import { toJsonLine } from '#events/json.ts';
import { runCli } from '#test/support/cli.ts';

interface Trace {
  readonly path: string;
  readonly lines: readonly string[];
  /** Replaces the lines after the header and replays. */
  replay(lines: readonly (object | string)[]): Promise<Outcome>;
}

interface Outcome {
  readonly events: readonly CartEvent[];
  readonly code: string | undefined;
}

async function makeTrace(t: ExecutionContext): Promise<Trace> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-traces-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { trace: path } = await simulate('config/scenarios/put-back.yaml', folder);
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  const [header = ''] = lines;
  return {
    path,
    lines,
    async replay(changed) {
      const texts = changed.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
      await writeFile(path, `${[header, ...texts].join('\n')}\n`);
      const events: CartEvent[] = [];
      const { error } = await replayTrace(path, {}, (event) => {
        // An event that can't be written is as bad as a crash.
        t.true(toJsonLine(event).length > 0);
        events.push(event);
      });
      return { events, code: error?.code };
    },
  };
}

const cells = ['cell-fl', 'cell-fr', 'cell-rl', 'cell-rr'];
const periodUs = 12_500;

/** Two seconds of every cell at these counts, and nothing else. */
function still(counts: number): object[] {
  const samples = Array.from({ length: 160 }, () => counts);
  return cells.map((source) => ({ t: 0, source, counts: samples, periodUs }));
}

test('counts at the ends of what a number holds are faults, and no masses', async (t) => {
  const trace = await makeTrace(t);
  for (const counts of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 8_388_607, -8_388_608, 0]) {
    const { events, code } = await trace.replay([...still(counts), { t: 2_500_000, end: true }]);
    t.is(code, undefined, `${counts}`);
    t.true(
      events.some(({ type, data }) => type === 'device.fault' && 'code' in data && /^CW-/.test(data.code)),
      `${counts}: ${events.map(({ type }) => type).join(' ')}`,
    );
    t.false(
      events.some(({ type }) => type.startsWith('item.')),
      `${counts}: nothing is sold`,
    );
  }
});

test('a spike to the end of the range in the middle of a trip is no item', async (t) => {
  const trace = await makeTrace(t);
  const clean = await trace.replay(trace.lines.slice(1));
  let spikes = 0;
  const spiked = trace.lines.slice(1).map((line, index) => {
    if (index % 397 !== 0 || !line.includes('"counts"')) return line;
    spikes += 1;
    return line.replace(/"counts":-?\d+/, `"counts":${Number.MAX_SAFE_INTEGER}`);
  });
  t.true(spikes > 5, `${spikes} spikes`);
  const { events, code } = await trace.replay(spiked);
  t.is(code, undefined);
  const products = (list: readonly CartEvent[]) =>
    new Set(list.flatMap(({ type, data }) => (type === 'item.added' && 'gtin' in data ? [data.gtin] : [])));
  t.true(products(clean.events).size > 0);
  for (const gtin of products(events)) t.true(products(clean.events).has(gtin), `${gtin} was really put in`);
});

test('what is no number, no integer or no count is refused with its line, after everything before it', async (t) => {
  const trace = await makeTrace(t);
  const bad: readonly string[] = [
    '{"t":9000000000,"source":"cell-fl","counts":NaN}',
    '{"t":9000000000,"source":"cell-fl","counts":1e400}',
    '{"t":9000000000,"source":"cell-fl","counts":[1,null]}',
    '{"t":9000000000,"source":"cell-fl","counts":[1.5]}',
    '{"t":9000000000,"source":"cell-fl","counts":[]}',
    '{"t":9000000000,"source":"cell-fl","counts":9007199254740993}',
    '{"t":9000000000,"source":"cell-fl","counts":[1,2],"periodUs":0}',
    '{"t":-1,"source":"cell-fl","counts":1}',
    '{"t":1e400,"source":"cell-fl","counts":1}',
    '{"t":9000000000,"source":"","counts":1}',
    '{"t":9000000000,"source":"imu","acceleration":[1,2]}',
    '{"t":9000000000,"source":"handle-scanner","scanHex":"0"}',
    '{"t":9000000000,"source":"handle-scanner","scan":5}',
    '{"t":9000000000,"source":"cell-fl","fault":"tired"}',
    'null',
    '[]',
    '\u{0}\u{1}\u{2}',
    '['.repeat(100_000),
  ];
  const whole = trace.lines.slice(1).filter((line) => !line.includes('"end"'));
  const clean = await trace.replay(whole);
  for (const line of bad) {
    const { events, code } = await trace.replay([...whole, line]);
    t.is(code, 'CW-TRC-002', line.slice(0, 60));
    t.is(events.length, clean.events.length, 'what came before is used');
  }
});

test('scans that are no text, far too long or full of control characters make no item and no crash', async (t) => {
  const trace = await makeTrace(t);
  const scan = (index: number, rest: object) => ({
    t: 2_500_000 + index * 100_000,
    source: 'handle-scanner',
    ...rest,
  });
  const hostile = [
    { scanHex: 'fffe00c328' },
    { scanHex: '00'.repeat(4_000) },
    { scanHex: '' },
    { scan: '\u{0}\u{1b}[2J\u{7f}\u{202e}' },
    { scan: '\u{d800}' },
    { scan: '9'.repeat(8_000) },
    { scan: `]C1${'\u{1d}'.repeat(500)}`, symbology: ']C1' },
    { scan: `01${'0'.repeat(14)}17999999`, symbology: ']d2' },
    { scan: 'https://id.gs1.org/01/%00%ff/10/..%2f..%2f', symbology: ']Q1' },
    { scan: '__proto__' },
  ];
  const { events, code } = await trace.replay([
    ...still(84_000),
    ...hostile.map((rest, index) => scan(index, rest)),
    { t: 4_000_000, end: true },
  ]);
  t.is(code, undefined);
  t.is(events.filter(({ type }) => type === 'scan.read').length, hostile.length, 'each is an event');
  t.false(events.some(({ type }) => type === 'item.added'));
});

test('a device that the board does not have, and time that runs far ahead, are survived', async (t) => {
  const trace = await makeTrace(t);
  const far = Number.MAX_SAFE_INTEGER - 1;
  const outcome = await trace.replay([
    ...still(84_000),
    { t: 2_500_000, source: 'nobody', counts: 5 },
    { t: 2_500_000, source: 'nobody', scan: '4006381333931' },
    { t: 2_500_000, source: 'nobody', acceleration: [0, 0, 9_806] },
    { t: 2_500_000, source: 'nobody', massMg: far, stable: true },
    { t: 2_500_000, command: 'no.such.command', args: { __proto__: 1 } },
    { t: 2_500_000, tomorrow: 'a kind of line of a later version' },
    { t: 86_400_000_000, end: true },
  ]);
  t.is(outcome.code, undefined);
  t.false(outcome.events.some(({ type }) => type === 'item.added'));
});

test.serial(
  'time that jumps for centuries is refused, and the jumps that are allowed cost nothing',
  async (t) => {
    const trace = await makeTrace(t);
    const before = process.threadCpuUsage();
    const absurd = await trace.replay([...still(84_000), { t: 9_007_199_254_740_000, end: true }]);
    t.is(absurd.code, 'CW-TRC-009');
    const month = 30 * 86_400_000_000;
    const years = Array.from({ length: 1_000 }, (_, index) => ({ t: (index + 1) * month, full: false }));
    t.is((await trace.replay([...still(84_000), ...years])).code, undefined);
    const { user, system } = process.threadCpuUsage(before);
    t.true(user + system < 1_000_000, `${user + system} µs`);
  },
);

test('a trace that is cut anywhere is replayed as far as it goes', async (t) => {
  const trace = await makeTrace(t);
  const whole = await readFile(trace.path);
  const cuts = [0.2, 0.5, 0.8, 0.999].map((share) => Math.floor(whole.length * share));
  let before = 0;
  for (const size of cuts) {
    await writeFile(trace.path, whole);
    await truncate(trace.path, size);
    const { code, stdout, stderr } = await runCli(['replay', trace.path, '--json']);
    const cutInLine = whole[size - 1] !== 0x0a;
    t.is(code, cutInLine ? 1 : 0, stderr);
    if (cutInLine) t.regex(stderr, /^CW-TRC-004 /);
    const result = JSON.parse(stdout) as { events: number; error?: { code: string } };
    t.is(result.error?.code, cutInLine ? 'CW-TRC-004' : undefined);
    t.true(result.events >= before);
    before = result.events;
  }
  t.true(before > 5);
  await writeFile(trace.path, whole.subarray(0, 10));
  const header = await runCli(['replay', trace.path]);
  t.is(header.code, 1);
  t.regex(header.stderr, /^CW-TRC-00[14] /);
});

test('a file that is no trace is said to be none', async (t) => {
  const trace = await makeTrace(t);
  for (const content of ['', '\n', 'hello\n', '{"trace":2}\n', Buffer.alloc(6_000_000, 0x20)]) {
    await writeFile(trace.path, content);
    const { code, stderr } = await runCli(['replay', trace.path]);
    t.is(code, 1);
    t.regex(stderr, /^CW-TRC-00[146] /);
    t.notRegex(stderr, /\n\s+at /);
  }
  const packed = `${trace.path}.zst`;
  await writeFile(packed, 'not compressed at all');
  await appendFile(packed, '\n');
  const { code, stderr } = await runCli(['replay', packed]);
  t.is(code, 1);
  t.regex(stderr, /^CW-TRC-004 /);
});
