import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

const module = join(import.meta.dirname, '../../src/base/young-generation.ts');

/** The largest that the young generation of a process becomes in which much survives its first collection, MB. */
async function largest(first: string): Promise<number> {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    ${first}
    let kept = [];
    let most = 0;
    for (let i = 0; i < 1_000_000; i++) {
      kept.push({ i, list: [i] });
      if (kept.length > 100_000) kept = [];
      if (i % 10_000 !== 0) continue;
      const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
      most = Math.max(most, young.space_size);
    }
    console.log(most / 1e6);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  return Number(stdout);
}

test('the young generation stays as small as it is, which it does not by itself', async (t) => {
  const small = await largest(
    `import { keepYoungGenerationSmall } from ${JSON.stringify(module)}; keepYoungGenerationSmall();`,
  );
  const free = await largest('');
  t.true(small < 6, `${small} MB`);
  t.true(free > 2 * small, `${free} MB`);
});
