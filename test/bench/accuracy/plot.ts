import type { Bin, Figures } from './figures.ts';

const font = 'font-family="DejaVu Sans, Verdana, sans-serif" font-size="13"';
/** Colours that stay apart for the colour-blind (Okabe & Ito 2008). */
const colours: Readonly<Record<string, string>> = { ours: '#0072b2', naive: '#d55e00' };

const text = (x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end' = 'start') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" ${font}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number, more: string) =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${more}/>`;
const picture = (width: number, height: number, parts: readonly string[]) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="white"/>${parts.join('')}</svg>\n`;

/** F1 of all engines in all tiers with their confidence intervals, as SVG. */
export function f1Plot(figures: readonly Figures[]): string {
  const names = [...new Set(figures.map(({ engine }) => engine))];
  const tiers = [...new Set(figures.map(({ tier }) => tier))];
  const left = 110;
  const width = 640;
  const rowHeight = 20;
  const at = (f1: number) => left + f1 * (width - left - 40);
  const parts: string[] = [text(left, 20, 'F1 of item events after answers, 95 % confidence')];
  let y = 44;
  for (const tier of tiers) {
    parts.push(text(8, y, tier));
    y += 6;
    for (const name of names) {
      const one = figures.find((figure) => figure.tier === tier && figure.engine === name);
      if (one === undefined || !Number.isFinite(one.f1.value)) continue;
      const { value, low, high } = one.f1;
      const colour = colours[name] ?? '#666666';
      y += rowHeight;
      parts.push(text(left - 6, y + 4, name, 'end'));
      parts.push(
        `<rect x="${left}" y="${y - 6}" width="${(at(value) - left).toFixed(1)}" height="12" fill="${colour}"/>`,
      );
      parts.push(line(at(low), y, at(high), y, 'stroke="black" stroke-width="2"'));
      parts.push(text(at(Math.max(value, high)) + 5, y + 4, value.toFixed(3)));
    }
    y += 34;
  }
  return picture(width, y, parts);
}

/**
 * The reliability diagram as SVG: share of right decisions over the probability that was given, both as odds on a
 * logarithmic axis, because what matters happens between 0.9 and 0.9999.
 */
export function reliabilityPlot(bins: readonly Bin[]): string {
  const size = 460;
  const from = 60;
  const until = size - 20;
  const marks = [0.5, 0.9, 0.97, 0.99, 0.997, 0.999, 0.9999];
  const scale = (share: number) => {
    const odds = -Math.log10(Math.max(5e-5, 1 - Math.min(share, 1)));
    return Math.max(0, Math.min(1, (odds - 0.25) / (4.3 - 0.25)));
  };
  const x = (share: number) => from + scale(share) * (until - from);
  const y = (share: number) => size - from - scale(share) * (until - from);
  const parts = [
    text(size / 2, size - 14, 'probability given', 'middle'),
    text(from - 50, 16, 'share right (bars: 95 % confidence; figures: decisions)'),
    line(x(0.5), y(0.5), x(0.99999), y(0.99999), 'stroke="#999999" stroke-dasharray="4 3"'),
  ];
  for (const mark of marks) {
    parts.push(line(x(mark), y(0), x(mark), y(1), 'stroke="#eeeeee"'));
    parts.push(line(x(0), y(mark), x(1), y(mark), 'stroke="#eeeeee"'));
    parts.push(text(x(mark), size - from + 16, `${mark}`, 'middle'));
    parts.push(text(from - 6, y(mark) + 4, `${mark}`, 'end'));
  }
  for (const { meanGiven, right, decisions } of bins) {
    const at = x(meanGiven);
    parts.push(line(at, y(right.low), at, y(right.high), 'stroke="#0072b2" stroke-width="2"'));
    parts.push(`<circle cx="${at.toFixed(1)}" cy="${y(right.value).toFixed(1)}" r="4" fill="#0072b2"/>`);
    parts.push(text(at + 6, y(right.value) + 16, `${decisions}`));
  }
  return picture(size, size, parts);
}
