import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Shipped } from './packages.ts';
import { licencePattern } from './pruning.ts';

/** Where an archive has the licences of what is not ours. */
export const licencesFile = 'THIRD-PARTY-LICENSES.txt';

const line = '-'.repeat(100);

/** Licences and notices of all shipped packages as one text: each wording once, under the packages that have it. */
export async function licencesText(packages: readonly Shipped[]): Promise<string> {
  const byWording = new Map<string, string[]>();
  for (const { name, locked, folder, files } of packages) {
    const title = `${locked.name ?? name} ${locked.version} (${await licenceOf(folder, locked.license)})`;
    const own = files.filter((path) => !path.includes('/') && licencePattern.test(path));
    const texts = await Promise.all(own.map(async (path) => await readFile(join(folder, path), 'utf8')));
    const wording =
      texts.length > 0
        ? texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n')
        : 'The package has no file with its licence; it names the one above.';
    byWording.set(wording, [...(byWording.get(wording) ?? []), title]);
  }
  const parts = [...byWording].map(([wording, titles]) => `${titles.join('\n')}\n\n${wording}\n`);
  return `What this release holds of other makers, and under which licences.\n\n${line}\n${parts.join(`\n${line}\n`)}`;
}

/** The licence as an SPDX expression, by lock file or package; `not stated` where neither says. */
export async function licenceOf(folder: string, locked: string | undefined): Promise<string> {
  if (locked !== undefined) return locked;
  const { license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    license?: string | { type?: string };
  };
  return (typeof license === 'string' ? license : license?.type) ?? 'not stated';
}
