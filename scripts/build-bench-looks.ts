/**
 * Makes test/fixtures/accuracy/looks.json: what the shipped model and gallery say of real pictures that neither was made
 * of, one entry a picture. The accuracy bench draws its sightings from these.
 *
 *     node scripts/build-bench-looks.ts FOLDER     (with val.txt, classes.csv and the pictures)
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { readPicture } from '#vision/pictures/decode.ts';
import { middleSquare } from '#vision/pictures/layout.ts';
import { loadRecognizer } from '#vision/process/recognizer.ts';
import { readCsv } from './demo-catalogue/csv.ts';

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('usage: node scripts/build-bench-looks.ts FOLDER (with val.txt and classes.csv)\n');
  process.exit(2);
}
const models = join(import.meta.dirname, '../config/models/groceries');
const classes = readCsv(await readFile(join(folder, 'classes.csv'), 'utf8'));
const names = new Map(classes.map((row) => [row['Class ID (int)'], row['Class Name (str)'] ?? '']));
const recognizer = await loadRecognizer({
  model: models,
  backend: 'onnx-int8',
  threads: 1,
  gallery: join(models, 'gallery.cwg'),
  looks: [...names.values()],
});
if (recognizer.galleryProblem !== undefined) throw recognizer.galleryProblem;
const lines: string[] = [];
for (const line of (await readFile(join(folder, 'val.txt'), 'utf8')).split('\n')) {
  const [path, fine] = line.split(',').map((part) => part.trim());
  if (path === undefined || path === '') continue;
  const picture = await readPicture(join(folder, path));
  const { candidates, unknownPpm, ambiguous } = await recognizer.recognize(picture, middleSquare(picture));
  const look = names.get(fine) ?? '';
  const said = candidates.map((one) => [one.look, one.probabilityPpm]);
  lines.push(JSON.stringify({ look, unknownPpm, ambiguous, said }));
}
await recognizer.close();
const head = JSON.stringify({ looks: 1, model: recognizer.model, gallery: recognizer.galleryVersion });
const output = 'test/fixtures/accuracy/looks.json';
await writeFileAtomic(
  join(import.meta.dirname, '..', output),
  `${head.slice(0, -1)},"pictures":[\n${lines.join(',\n')}\n]}\n`,
);
process.stdout.write(`${lines.length} pictures written to ${output}\n`);
