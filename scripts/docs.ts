/**
 * Writes the documents that are made from the sources: `npm run docs`. With `--check`, writes nothing and names those
 * that are stale (exit 1).
 */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { configDocuments } from './docs/config.ts';
import { eventDocuments } from './docs/events.ts';
import { guideDocuments } from './docs/guides.ts';
import { scenarioDocuments } from './docs/scenarios.ts';
import { technicianDocuments } from './docs/technician.ts';
import { threatsDocuments } from './docs/threats.ts';
import { trapsDocuments } from './docs/traps.ts';

const generated = [
  ...configDocuments,
  ...eventDocuments,
  ...guideDocuments,
  ...scenarioDocuments,
  ...technicianDocuments,
  ...threatsDocuments,
  ...trapsDocuments,
];

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
let stale = 0;
for (const { path, render } of generated) {
  const file = join(root, path);
  const text = await render();
  const present = await readFile(file, 'utf8').catch(() => undefined);
  if (present === text) continue;
  stale++;
  if (check) {
    console.error(`${path} is ${present === undefined ? 'missing' : 'stale'}; run 'npm run docs'`);
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomic(file, text);
    console.log(`wrote ${path}`);
  }
}
if (check && stale > 0) process.exitCode = 1;
