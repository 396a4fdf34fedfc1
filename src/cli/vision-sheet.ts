import sharp, { type OverlayOptions } from 'sharp';
import { plainCause } from '#base/system-error.ts';
import { ppm } from '#base/units.ts';
import { CliError } from './errors.ts';
import type { Judged } from './vision-judge.ts';

/** Tiles of a sheet, at most, and in a row. */
const mostTiles = 40;
const columns = 8;
/** Edge of a picture, height of the caption under it, and what is left free around both, pixels. */
const edge = 220;
const caption = 68;
const gap = 12;

const colours = { paper: '#f4f4f1', ink: '#1b1b1b', is: '#14692f', said: '#a61b1b' };

/**
 * Writes a contact sheet (PNG): of each mistake the part of the picture that was looked at, what it shows and what was
 * said, with the probabilities. Resolves with how many are shown and whether the machine has a font to write captions
 * with. Rejects with CW-CLI-004 where it can not be written.
 */
export async function writeContactSheet(
  path: string,
  mistakes: readonly Judged[],
): Promise<{ readonly shown: number; readonly captions: boolean }> {
  const shown = mistakes.slice(0, mostTiles);
  const across = Math.min(columns, shown.length);
  const down = Math.ceil(shown.length / columns);
  const tiles: OverlayOptions[] = [];
  for (const [index, one] of shown.entries()) {
    const left = gap + (index % columns) * (edge + gap);
    const top = gap + Math.floor(index / columns) * (edge + caption + gap);
    tiles.push({ input: await thumbnail(one.path), left, top });
    tiles.push({ input: Buffer.from(captionOf(one)), left, top: top + edge });
  }
  const sheet = sharp({
    create: {
      width: gap + across * (edge + gap),
      height: gap + down * (edge + caption + gap),
      channels: 3,
      background: colours.paper,
    },
  });
  try {
    await sheet.composite(tiles).png({ compressionLevel: 9 }).toFile(path);
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can not be written: ${plainCause(cause)}`, { cause });
  }
  return { shown: shown.length, captions: await canWrite() };
}

/** The middle square, as the network gets it. */
function thumbnail(path: string): Promise<Buffer> {
  return sharp(path)
    .autoOrient()
    .resize(edge, edge, { fit: 'cover', position: 'centre' })
    .flatten()
    .png()
    .toBuffer();
}

function captionOf({ is, said, known, recognition: { candidates, unknownPpm } }: Judged): string {
  const percent = (value: number) => `${Math.round((value / ppm) * 100)} %`;
  const own = candidates.find(({ look }) => look === is)?.probabilityPpm ?? 0;
  const lines = [
    [colours.is, known ? `is ${is}, ${percent(own)}` : `is ${is}, not in the gallery`],
    [colours.said, `said ${said[0] ?? 'nothing'}, ${percent(candidates[0]?.probabilityPpm ?? 0)}`],
    [colours.ink, `unknown ${percent(unknownPpm)}`],
  ] as const;
  const text = lines.map(([colour, line], row) => {
    // A letter is on average 0.58 times as wide as it is high: a longer line is set smaller rather than cut.
    const size = Math.min(14, edge / (line.length * 0.58));
    return `<text x="0" y="${18 + row * 20}" fill="${colour}" font-size="${size.toFixed(1)}">${escaped(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${edge}" height="${caption}" font-family="DejaVu Sans, sans-serif">${text.join('')}</svg>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
}

/** Without any font on the machine text leaves no trace. */
async function canWrite(): Promise<boolean> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" font-size="14"><text y="15">cart</text></svg>';
  const { channels } = await sharp(Buffer.from(svg)).stats();
  return (channels[3]?.max ?? 0) > 0;
}
