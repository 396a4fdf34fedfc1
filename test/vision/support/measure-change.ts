import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ChangeFinder } from '#vision/change/compare.ts';
import { squareAround } from '#vision/change/regions.ts';
import type { Region } from '#vision/pictures/picture.ts';
import { type ChangeScene, drawScene, loadCutouts, overlap, sceneKinds } from './change-scenes.ts';

const help = `Measures how well a change between two pictures is found, on composites of real groceries.

  node test/vision/support/measure-change.ts [--scenes 100] [--seed 1] [--sheet FILE.png] [--kind put]

--sheet draws the scenes with a box that fits badly: before, after; green is the truth, red what was found.
`;

interface Tally {
  scenes: number;
  changed: number;
  hand: number;
  /** Nothing was found to have changed. */
  unseen: number;
  centred: number;
  boxes: number;
  crops: number;
  listed: number;
  overlaps: number;
}

const sheet: { scene: ChangeScene; found: Region | undefined; title: string }[] = [];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      scenes: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      sheet: { type: 'string' },
      kind: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const cutouts = await loadCutouts();
  const finder = new ChangeFinder();
  let spent = 0;
  let looks = 0;
  for (const kind of sceneKinds) {
    if (values.kind !== undefined && values.kind !== kind) continue;
    const tally: Tally = {
      ...{ scenes: 0, changed: 0, hand: 0, unseen: 0, centred: 0 },
      ...{ boxes: 0, crops: 0, listed: 0, overlaps: 0 },
    };
    for (let index = 0; index < Number(values.scenes); index++) {
      const scene = drawScene(kind, Number(values.seed) * 100_003 + index * 7 + kind.length, cutouts);
      const started = performance.now();
      const change = finder.compare(scene);
      spent += performance.now() - started;
      looks++;
      tally.scenes++;
      if (change.outcome === 'changed') tally.changed++;
      if (change.outcome === 'hand-only') tally.hand++;
      if (change.outcome === 'nothing-changed') tally.unseen++;
      const best = change.things[0];
      const { truth } = scene;
      const good = truth !== undefined && best !== undefined ? overlap(best.box, truth) : 0;
      if (truth !== undefined && best !== undefined) {
        const x = best.box.left + best.box.width / 2;
        const y = best.box.top + best.box.height / 2;
        const inside =
          x > truth.left && y > truth.top && x < truth.left + truth.width && y < truth.top + truth.height;
        if (inside) tally.centred++;
        tally.overlaps += good;
        if (good >= 0.5) tally.boxes++;
        if (overlap(best.crop, squareAround(truth, scene.after)) >= 0.5) tally.crops++;
        if (change.things.some((one) => overlap(one.box, truth) >= 0.5)) tally.listed++;
      }
      const bad = truth === undefined ? change.outcome === 'changed' : good < 0.5;
      if (bad && sheet.length < 40) {
        const title = `${kind} ${index} ${change.outcome} ${change.things.length}`;
        sheet.push({ scene, found: best?.box, title });
        if (values.sheet !== undefined) {
          process.stdout.write(
            `${title} share ${change.changedShare.toFixed(3)} shift ${change.shift.dx.toFixed(1)} ${change.shift.dy.toFixed(1)} ${change.shift.agreement.toFixed(2)} moved ${change.things.map((one) => one.moved)}\n`,
          );
        }
      }
    }
    process.stdout.write(`${line(kind, tally)}\n`);
  }
  process.stdout.write(`a comparison took ${(spent / looks).toFixed(1)} ms in the mean, here and now\n`);
  if (values.sheet !== undefined) await drawSheet(values.sheet);
}

function line(kind: string, tally: Tally): string {
  const share = (count: number) => `${((100 * count) / tally.scenes).toFixed(1)} %`;
  return [
    `${kind.padEnd(16)} ${tally.scenes} scenes: changed ${share(tally.changed)}, hand only ${share(tally.hand)}, nothing ${share(tally.unseen)}`,
    `centre inside ${share(tally.centred)}, box IoU ≥ 0.5 ${share(tally.boxes)}, crop IoU ≥ 0.5 ${share(tally.crops)}`,
    `among the things ${share(tally.listed)}, mean IoU ${(tally.overlaps / tally.scenes).toFixed(2)}`,
  ].join('; ');
}

async function drawSheet(path: string): Promise<void> {
  const { default: sharp } = await import('sharp');
  const columns = 4;
  const [width, height] = [320, 240];
  const tiles = await Promise.all(
    sheet.flatMap(({ scene, found }, index) =>
      [scene.before, scene.after].map(async (picture, side) => {
        const box = (region: Region | undefined, colour: string) =>
          region === undefined
            ? ''
            : `<rect x="${region.left}" y="${region.top}" width="${region.width}" height="${region.height}" fill="none" stroke="${colour}" stroke-width="4"/>`;
        const shows = (side === 1) === scene.sign >= 0;
        const svg = `<svg width="640" height="480">${shows ? box(scene.truth, 'lime') + box(found, 'red') : ''}</svg>`;
        const drawn = await sharp(picture.data, { raw: { width: 640, height: 480, channels: 3 } })
          .composite([{ input: Buffer.from(svg) }])
          .png()
          .toBuffer();
        const input = await sharp(drawn).resize(width, height).toBuffer();
        const place = index * 2 + side;
        return { input, left: (place % columns) * width, top: Math.floor(place / columns) * height };
      }),
    ),
  );
  const rows = Math.max(1, Math.ceil((sheet.length * 2) / columns));
  const canvas = { width: columns * width, height: rows * height, channels: 3, background: '#333' } as const;
  writeFileSync(path, await sharp({ create: canvas }).composite(tiles).png().toBuffer());
}

await main();
