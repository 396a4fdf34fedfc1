import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import { VisionError } from '#vision/errors.ts';
import { mostViews } from '#vision/gallery/views.ts';
import { exitCodes } from './exit.ts';
import { notice, printable, printJson, shortPath } from './terminal.ts';
import { integerFrom } from './values.ts';
import { type Eyes, type EyesOptions, openEyes, withEyes } from './vision-eyes.ts';
import { type Figures, figuresOf, worstMistakes } from './vision-figures.ts';
import { Judge, type Judged } from './vision-judge.ts';
import { type Classes, type Labelled, readClasses, readList } from './vision-list.ts';

interface EvalOptions extends EyesOptions {
  readonly images: string;
  readonly root?: string;
  readonly classes?: string;
  readonly crops: number;
  readonly sheet?: string;
  readonly json?: boolean;
}

/** `cartwright vision eval`: what model and gallery are worth on labelled pictures. */
export function registerVisionEval(vision: Command): void {
  withEyes(
    vision
      .command('eval')
      .description('measure model and gallery on labelled pictures: accuracy, calibration, latency')
      .requiredOption('--images <list>', 'text file of lines "path, fine, coarse" (numbers of classes)')
      .option('--root <folder>', 'folder that the paths are below (default: that of the list)'),
  )
    .option(
      '--classes <file>',
      'names of classes: CSV of name, number, … (default: classes.csv in root or model)',
    )
    .option(
      '--crops <n>',
      'views of each picture, averaged; frames get one',
      integerFrom('--crops', 1, mostViews),
      1,
    )
    .option('--sheet <png>', 'write the worst mistakes as a picture')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Each picture takes the way of a frame: decode, middle square, embed, look up.
  top-1, top-5       the gallery's nearest look, one of the five nearest, is the picture's
  coarse top-1       the coarse class of the nearest look is the picture's
  calibration error  mean distance between probability and share of right answers (15 bins); 0 % is perfect.
                     First of known pictures, the probability given that the thing is one of the gallery; then of
                     all pictures, the probability as it is stated, which for a thing of no gallery is wrong
  called unknown     pictures that the model rather takes for none of the gallery
  AUROC              chance that a picture of the gallery's has a higher cosine than another one; 1 is perfect

Pictures of classes that the gallery lacks are counted as unknown. They are in none of the first three, nor in the first
calibration error; known pictures that are called unknown are in all of them.
Exit code 1 where a picture could not be read: it is told, and left out.

Examples:
  scripts/cartwright vision eval --images val.txt --root /tmp/groceries
  scripts/cartwright vision eval --images val.txt --root /tmp/groceries --backend onnx-fp32 --json
  scripts/cartwright vision eval --images val.txt --root /tmp/groceries --sheet /tmp/mistakes.png`,
    )
    .action(runEval);
}

async function runEval(options: EvalOptions): Promise<void> {
  const root = resolve(options.root ?? dirname(options.images));
  const pictures = await readList(options.images, root);
  const eyes = await openEyes(options);
  try {
    const classes = await readClasses(options.classes, [root, eyes.model.folder], pictures);
    const judged = await judgeAll(new Judge(eyes, classes, options.crops), pictures);
    const figures = figuresOf(judged);
    warnOfNames(figures, classes, pictures);
    const failed = pictures.length - judged.length;
    if (failed > 0) process.exitCode = exitCodes.findings;
    const mistakes = worstMistakes(judged);
    if (options.json) printJson(asJson(eyes, options, figures, failed, mistakes));
    else process.stdout.write(asText(eyes, options, figures, failed));
    if (options.sheet !== undefined) await tellSheet(options.sheet, mistakes);
  } finally {
    await eyes.backend.close();
  }
}

async function judgeAll(judge: Judge, pictures: readonly Labelled[]): Promise<Judged[]> {
  const judged: Judged[] = [];
  const shows = process.stderr.isTTY === true;
  for (const [index, one] of pictures.entries()) {
    if (shows && index % 10 === 0) process.stderr.write(`\r${index} of ${pictures.length} pictures `);
    try {
      judged.push(await judge.judge(one));
    } catch (error) {
      if (!(error instanceof VisionError) || error.code !== 'CW-VIS-007') throw error;
      notice(printable(describeError(error)));
    }
  }
  if (shows) process.stderr.write('\r\x1b[K');
  return judged;
}

/** Numbers are seldom names: where nothing at all is known, that is why. */
function warnOfNames({ known }: Figures, classes: Classes, pictures: readonly Labelled[]): void {
  if (known > 0) return;
  const first = classes.nameOf(pictures[0]?.fine ?? 0);
  notice(
    classes.source === undefined
      ? `the gallery has none of the list's classes ("${first}", …): name them with --classes classes.csv`
      : `the gallery has none of the list's classes ("${printable(first)}", … of ${classes.source})`,
  );
}

async function tellSheet(path: string, mistakes: readonly Judged[]): Promise<void> {
  if (mistakes.length === 0) {
    notice('no mistakes, so no sheet');
    return;
  }
  const { writeContactSheet } = await import('./vision-sheet.ts');
  const { shown, captions } = await writeContactSheet(path, mistakes);
  notice(`${shortPath(resolve(path))} shows ${shown} of ${mistakes.length} mistakes, the surest first`);
  if (!captions)
    notice('there are no fonts on this machine, so it has no captions: install fonts-dejavu-core');
}

const rounded = (value: number | undefined, digits: number) =>
  value === undefined ? undefined : Number(value.toFixed(digits));

function asJson(
  { model, backend, gallery, lookup }: Eyes,
  { crops, threads }: EvalOptions,
  figures: Figures,
  failed: number,
  mistakes: readonly Judged[],
): object {
  const steps = Object.entries(figures.latencyMs).map(([step, { p50, p95 }]) => [
    step,
    { p50: rounded(p50, 3), p95: rounded(p95, 3) },
  ]);
  return {
    model: { name: model.manifest.name, version: model.manifest.version, space: model.manifest.space },
    backend: backend.name,
    gallery: { ...gallery, looks: lookup.looks.length },
    crops,
    threads,
    pictures: figures.known + figures.unknown,
    failed,
    known: figures.known,
    unknown: figures.unknown,
    top1Percent: rounded(figures.top1Percent, 2),
    top5Percent: rounded(figures.top5Percent, 2),
    coarseTop1Percent: rounded(figures.coarseTop1Percent, 2),
    calibrationErrorPercent: rounded(figures.calibrationErrorPercent, 2),
    statedCalibrationErrorPercent: rounded(figures.statedCalibrationErrorPercent, 2),
    auroc: rounded(figures.auroc, 4),
    rejectedKnown: figures.rejectedKnown,
    rejectedKnownPercent: rounded(figures.rejectedKnownPercent, 2),
    rejectedUnknownPercent: rounded(figures.rejectedUnknownPercent, 2),
    ambiguousPercent: rounded(figures.ambiguousPercent, 2),
    latencyMs: Object.fromEntries(steps),
    mistakes: mistakes.map(({ file, is, said, recognition }) => ({
      file,
      is,
      said: said[0],
      probabilityPpm: recognition.candidates[0]?.probabilityPpm ?? 0,
      unknownPpm: recognition.unknownPpm,
    })),
  };
}

function asText(
  { model, backend, gallery, lookup }: Eyes,
  { crops }: EvalOptions,
  figures: Figures,
  failed: number,
): string {
  const { name, version } = model.manifest;
  const share = (value: number | undefined) => (value === undefined ? '–' : `${value.toFixed(1)} %`);
  const times = (step: keyof Figures['latencyMs']) => {
    const { p50, p95 } = figures.latencyMs[step];
    return `${p50.toFixed(2)} / ${p95.toFixed(2)} ms`;
  };
  const rows: readonly (readonly [string, string])[] = [
    ['model', `${name} ${version}, ${backend.name}, ${crops === 1 ? '1 view' : `${crops} views`} a picture`],
    ['gallery', `${lookup.looks.length} looks (${shortPath(gallery.path)})`],
    [
      'pictures',
      `${figures.known} known, ${figures.unknown} unknown${failed > 0 ? `, ${failed} not readable` : ''}`,
    ],
    ['top-1', share(figures.top1Percent)],
    ['top-5', share(figures.top5Percent)],
    ['coarse top-1', share(figures.coarseTop1Percent)],
    [
      'calibration error',
      `${share(figures.calibrationErrorPercent)} of known, if in the gallery; ${share(figures.statedCalibrationErrorPercent)} of all, as stated`,
    ],
    ['AUROC', figures.auroc?.toFixed(3) ?? '– (no unknown classes)'],
    [
      'called unknown',
      `${share(figures.rejectedKnownPercent)} of known (${figures.rejectedKnown}), ${share(figures.rejectedUnknownPercent)} of unknown`,
    ],
    ['called ambiguous', `${share(figures.ambiguousPercent)} of known`],
    ['decode', `${times('decode')} (median / 95th percentile)`],
    ['sample', times('sample')],
    ['embed', times('embed')],
    ['look up', times('lookUp')],
  ];
  return rows.map(([label, value]) => `${label.padEnd(18)} ${printable(value)}\n`).join('');
}
