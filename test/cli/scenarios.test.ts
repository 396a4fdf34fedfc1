import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import { addScores, formatScore, scoreHeader, scoreTrace } from '#cli/score.ts';
import { simulate } from '#cli/simulate.ts';
import type { Score } from '#traces/score.ts';

const scenarios = resolve('config/scenarios');

test('no decision on any shipped scenario is wrong, nothing is missed, and at least 95 % is resolved', async (t) => {
  t.timeout(240_000);
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-scenarios-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const names = (await readdir(scenarios)).filter((name) => name.endsWith('.yaml')).sort();
  t.true(names.length >= 20, `${names.length} scenarios`);
  const scores: Score[] = [];
  const lines = [scoreHeader(24)];
  for (const name of names) {
    const out = join(folder, name);
    // Its produce is known by its look alone.
    await simulate(join(scenarios, name), out, undefined, name === 'demo-trip.yaml');
    const { score, error } = await scoreTrace(out, {});
    t.is(error, undefined, name);
    scores.push(score);
    lines.push(formatScore(name.replace('.yaml', '').padEnd(24), score, false));
    t.deepEqual(score.wrongEvents, [], `${name}: no decision is wrong`);
    t.is(score.missed, 0, `${name}: whatever moved was decided or asked about`);
    t.is(score.unlistedAsked, score.unlisted, `${name}: what no catalogue has is asked about`);
  }
  const all = addScores(scores);
  lines.push(formatScore('all'.padEnd(24), all, false));
  t.log(lines.join('\n'));
  t.true(all.truths >= 40, `${all.truths} units are something to judge by`);
  t.true(all.unlisted >= 3, `${all.unlisted} things that no catalogue has`);
  const resolved = (all.decided + all.decidedAfterAsking) / all.truths;
  t.true(resolved >= 0.95, `${(resolved * 100).toFixed(1)} % resolved`);
});
