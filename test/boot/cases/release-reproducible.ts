import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '#test/hil/machine/build.ts';
import { repository } from '#test/hil/machine/recipe.ts';
import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';

export const title = 'the whole release of a commit is the same bytes, whoever makes it, where and when';

/** Whose bytes are compared: the archive's are among the sums. */
const whole = 'SHA256SUMS';
const makers = [
  { name: 'one', umask: '022', TZ: 'UTC', LC_ALL: 'C' },
  { name: 'the other', umask: '077', TZ: 'Pacific/Chatham', LC_ALL: 'de_DE.UTF-8' },
] as const;

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const sums: string[] = [];
  for (const { name, umask, TZ, LC_ALL } of makers) {
    bench.log(`making it as ${name}`);
    const [out, temporary] = [join(bench.folder, name, 'out'), join(bench.folder, name, 'tmp')];
    await mkdir(temporary, { recursive: true });
    const program = join(repository, 'scripts/releasing/main.ts');
    const args = ['--commit', 'HEAD', '--arch', 'x64', '--out', out];
    const environment = [`TZ=${TZ}`, `LC_ALL=${LC_ALL}`, `TMPDIR=${temporary}`];
    const inside = `umask ${umask}; exec "$@"`;
    await command('env', [...environment, 'sh', '-c', inside, 'sh', process.execPath, program, ...args]);
    sums.push(await readFile(join(out, whole), 'utf8'));
  }
  expect(sums[0] === sums[1], `they differ:\n${sums.join('\n')}`);
  expect(sums[0]?.includes('.tar.gz') === true, `no archive was made: ${sums[0]}`);
  return sums[0]?.trim().split('\n') ?? [];
}
