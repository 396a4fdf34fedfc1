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

test('a decision is explained from its trace: what moved, what was known, what it may be, and why', async (t) => {
  const { code, stdout, stderr } = await runCli(['explain', 'last', '--trace', trace]);
  t.is(code, 0, stderr);
  t.regex(stdout, /^What moved\n {2}[\d.]+ k?g more on \S+ \(± [\d.]+ g\), from [\d:.]{12} to [\d:.]{12}$/m);
  t.regex(
    stdout,
    /^ {2}scan {5}.+ at \S+, (while|\d).+: \d+\.\d\d % sure to be of this before it was weighed$/m,
  );
  t.regex(stdout, /^ {2}picture {2}no camera told anything$/m);
  t.regex(stdout, /^ +1\. +\d+\.\d\d % {2}in: 1 × .+ ← decided\n +scan {5}scanned\n +weight {3}fits/m);
  t.regex(stdout, /^ +habit {4}\d+\.\d\d % before it was weighed$/m);
  t.regex(stdout, /^ +2\. .+\n(.+\n)*? +habit {4}.* × less likely than 1 before it was weighed$/m);
  t.regex(stdout, /^Why\n {2}It was decided without asking: it is \d+\.\d\d % sure/m);
});

test('a question is explained with what keeps it from being decided, and what is asked', async (t) => {
  const folderOf = join(folder, 'unknown');
  await simulate('config/scenarios/not-in-catalogue.yaml', folderOf, undefined, false);
  const { code, stdout } = await runCli(['explain', 'all', '--trace', folderOf]);
  t.is(code, 0);
  t.regex(stdout, /^ +\d\. +\d+\.\d\d % {2}something that nobody can name\n +weight {3}any/m);
  t.regex(stdout, /^ {2}scan {5}a code that the catalogue does not have at /m);
  t.regex(stdout, /^Why\n {2}The likeliest is .+\n(.+\n)*? {2}So the shopper is asked: “.+”$/m);
});

test('a line of the basket is explained by the decision that it follows from', async (t) => {
  const line = events.find(({ type }) => type === 'basket.line');
  const { stdout } = await runCli(['explain', line?.id ?? '', '--events', ledger]);
  t.regex(stdout, /item\.(added|resolved)/);
  t.regex(stdout, /^ +\d+\.\d\d % {2}1 × .+ ← decided$/m);
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
  t.regex(stdout, /^What moved\n {2}[\d.]+ k?g more on /m);
  t.regex(stdout, /^ {2}scan {5}\d{14} at /m);
  t.regex(stdout, /^Why\n {2}It was identified by its scan\.$/m);
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
