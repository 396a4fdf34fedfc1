import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { replayTrace } from '#cli/replay.ts';
import { simulate } from '#cli/simulate.ts';
import type { CartEvent } from '#events/event.ts';
import { toJsonLine } from '#events/json.ts';
import { runCli } from '#test/support/cli.ts';

const folder = await mkdtemp(join(tmpdir(), 'cartwright-explain-'));
test.after.always(() => rm(folder, { recursive: true, force: true }));
const trace = join(folder, 'trace');
const ledger = join(folder, 'events.ndjson');
const events: CartEvent[] = [];

test.serial.before(async () => {
  await simulate('config/scenarios/place-then-scan.yaml', trace, undefined, false);
  await replayTrace(trace, {}, (event) => events.push(event));
  await writeFile(ledger, events.map((event) => `${toJsonLine(event)}\n`).join(''));
});

test('a decision is explained from its trace in figures, and in a sentence', async (t) => {
  const { code, stdout, stderr } = await runCli(['explain', 'last', '--trace', trace]);
  t.is(code, 0, stderr);
  t.regex(stdout, /^Measured on \S+: [+-][\d.]+ k?g ± [\d.]+ g in [\d.]+ s$/m);
  t.regex(stdout, /^Scanned: .+ that it is of this, before the mass$/m);
  t.regex(stdout, /^→ +\d+\.\d\d % +\S+ +[+-]\d\.\d +\S+ +in: 1 × .+ by the catalogue\)$/m);
  t.regex(stdout, /^Decided: .+ is enough/m);
});

test('an event is named by its id, the beginning of it, or its sequence', async (t) => {
  const added = events.find(({ type }) => type.startsWith('item.'));
  if (added === undefined) return t.fail();
  const told = await Promise.all(
    [added.id, added.id.slice(0, 12), String(added.sequence)].map((name) =>
      runCli(['explain', name, '--events', ledger]),
    ),
  );
  for (const { code, stdout } of told) {
    t.is(code, 0);
    t.true(stdout.includes(added.id));
  }
});

test('from events alone it is explained as far as their evidence goes', async (t) => {
  const { code, stdout } = await runCli(['explain', 'last', '--events', ledger]);
  t.is(code, 0);
  t.regex(stdout, /^Measured on /m);
  t.regex(stdout, /^Scanned: \d{14} by /m);
  t.regex(stdout, /^(Decided|Asked)/m);
});

test('as JSON it is for scripts', async (t) => {
  const { stdout } = await runCli(['explain', 'last', '--trace', trace, '--json']);
  const { event, judgement } = JSON.parse(stdout) as {
    event: { id: string };
    judgement: { event: string; explanations: readonly { probability: number }[] };
  };
  t.is(judgement.event, event.id);
  t.true((judgement.explanations[0]?.probability ?? 0) > 0.9);
});

test('what can not be explained is said with a code', async (t) => {
  const wrong = async (...words: string[]) => (await runCli(['explain', ...words])).stderr.slice(0, 10);
  t.is(await wrong('last'), 'CW-CLI-001');
  t.is(await wrong('last', '--trace', trace, '--events', ledger), 'CW-CLI-001');
  t.is(await wrong('9999', '--trace', trace), 'CW-CLI-001');
  t.is(await wrong('last', '--events', join(folder, 'none')), 'CW-CLI-004');
  const bad = join(folder, 'bad.ndjson');
  await writeFile(bad, '{}\n');
  t.is(await wrong('last', '--events', bad), 'CW-CLI-004');
});
