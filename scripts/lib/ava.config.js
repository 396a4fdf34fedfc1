// AVA with the settings of package.json, and what happens told to scripts/tests.ts as one JSON object a line on the file
// descriptor that CARTWRIGHT_TEST_EVENTS names. (AVA's TAP reporter can't be used for counting: it crashes on a timeout.)
import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import settings from '../../package.json' with { type: 'json' };

const channel = Number(process.env.CARTWRIGHT_TEST_EVENTS);

async function observe(events) {
  for await (const event of events) {
    const { type, title, testFile, stats, skip, todo } = event;
    const wanted = [
      'stats',
      'test-failed',
      'hook-failed',
      'selected-test',
      'timeout',
      'worker-failed',
      'end',
    ];
    if (!wanted.includes(type)) continue;
    const file = testFile === undefined ? undefined : relative('', testFile);
    const { byFile: _, ...counts } = stats ?? {};
    writeSync(channel, `${JSON.stringify({ type, title, file, skip, todo, stats: stats && counts })}\n`);
  }
}

export default {
  ...settings.ava,
  nonSemVerExperiments: { observeRunsFromConfig: true },
  observeRun: channel > 2 ? ({ events }) => void observe(events) : undefined,
};
