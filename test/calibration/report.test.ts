import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import anyTest, { type ExecutionContext } from 'ava';
import type { Browser, Page } from 'playwright-core';
import { loadText } from '#calibration/mass-text.ts';
import { plateVerdict, reportVerdict } from '#calibration/report/model.ts';
import { renderReport } from '#calibration/report/render.ts';
import { axisOf } from '#calibration/report/scale.ts';
import { weightErrorMg } from '#calibration/weights.ts';
import { openChromium } from '../pages/chromium.ts';
import { needs } from '../tools.ts';
import { samplePlate, sampleReport, sampleWeights } from './sample-report.ts';

const test = anyTest;
const inBrowser = needs(anyTest, 'chromium').serial;
const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser: Browser | undefined;
anyTest.after.always('close the browser', () => browser?.close());

async function open(t: ExecutionContext, text: string, width = 1000): Promise<Page> {
  browser ??= await openChromium();
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  t.teardown(() => page.close());
  await page.setContent(text);
  return page;
}

const words = (text: string) =>
  text
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('\u00a0', ' ')
    .replace(/\s+/g, ' ');

test('the report is one file without scripts, links or requests', (t) => {
  const text = renderReport(sampleReport());
  t.true(text.startsWith('<!doctype html>\n<html lang="en">'));
  t.notRegex(text, /<script|<link|<img|<iframe|https?:|\bon[a-z]+=|@import|url\(/i);
  t.false(text.includes('undefined'));
  t.false(text.includes('NaN'));
});

test('it tells what was done, with what, by whom, when, on which software, and what came of it', (t) => {
  const text = words(renderReport(sampleReport()));
  for (const part of [
    'Calibration report',
    'cart-0042, revision 8, 2026-11-23 09:41 UTC',
    'Not a legal verification.',
    'OIML R 76-1, class III, initial verification',
    'cartwright/0.1.0',
    '5583730333535110E0C1',
    '8, before it 7',
    'b1946ac92492d2347c6235b4d2611184a0c2f1f3b4d59a6e7788c9d0e1f2a3b4',
    'calibration 12, configuration 3',
    '21.4 °C',
    '48 %',
    '9.81234 m/s²',
    '1207',
    'technician',
    '3f1c5a70d2b94e68a1b2c3d4e5f60718',
    'synchronized',
    'A-10-1 10 kg M1 ±500 mg K-2026-0417',
    'All together they may be wrong by 20 % of the tolerance',
    'Max 30 kg · Min 100 g · e = 5 g · d = 5 g · n = 6000 · dead load 4.2 kg · 4 cells',
    'hysteresis',
    '% of Max',
    'from 15 to 30 min',
    'zero came back to',
    'cell-fl gain +0.124 %',
  ]) {
    t.true(text.includes(part), part);
  }
});

test('sections, drawings and tables come in their order', (t) => {
  const text = renderReport(sampleReport());
  const heads = [...text.matchAll(/<h([1-4])>(.*?)<\/h\1>/gs)].map(
    ([, level, head]) => `${level} ${words(head ?? '').trim()}`,
  );
  t.deepEqual(heads, [
    '1 Calibration report',
    '2 Instrument',
    '2 Calibration',
    '2 Circumstances',
    '2 Done by',
    '2 Weights',
    '2 Plate basket ✓ passed',
    '3 Fit',
    '3 Check with other weights',
    '3 Readings',
    '4 Linearity ✓ passed',
    '4 Eccentricity ✓ passed',
    '4 Repeatability ✓ passed',
    '4 Discrimination ✓ passed',
    '4 Creep ✓ passed',
    '4 Zero return ✓ passed',
  ]);
  t.deepEqual(
    [...text.matchAll(/<figcaption>(\w+)/g)].map(([, word]) => word),
    ['Error', 'Error', 'Residuals', 'Creep'],
  );
  t.is(text.match(/<svg /g)?.length, text.match(/role="img" aria-label="Plate basket/g)?.length);
});

test('what fails is told by sign and word, for the test, the plate and the whole', (t) => {
  const plates = [samplePlate({ maxMg: 30_000_000, cornersMg: { 'cell-fr': 16_000 } })];
  const report = sampleReport({ plates });
  t.is(reportVerdict(report), 'failed');
  const text = words(renderReport(report));
  t.regex(text, /Eccentricity ✗ failed/);
  t.regex(text, /cell-fr up 10005\.33 g \+5\.33 g ±5\.00 g −0\.33 g ✗ no/);
});

test('a calibration without tests is called not verified, and a failed check fails it', (t) => {
  const { tests: _, ...plate } = samplePlate();
  const untested = { ...plate, tests: [], checks: [] };
  t.is(plateVerdict(untested), 'incomplete');
  t.regex(words(renderReport(sampleReport({ plates: [untested] }))), /calibrated, not verified/);
  const checks = [
    {
      massMg: 5_000_000,
      at: 'centre',
      direction: 'up',
      indicatedMg: 5_005_001,
      errorMg: 5_001,
      mpeMg: 5_000,
    },
  ] as const;
  t.is(plateVerdict({ ...untested, checks }), 'failed');
  t.is(reportVerdict(sampleReport({ plates: [] })), 'incomplete');
});

test('a test that is not whole says what is still needed', (t) => {
  const plates = [samplePlate(undefined, ['eccentricity'])].map((plate) => ({
    ...plate,
    tests: plate.tests.map((one) => ({
      ...one,
      verdict: 'incomplete' as const,
      missing: ['a load at cell-rr'],
    })),
  }));
  t.regex(words(renderReport(sampleReport({ plates }))), /Still needed: a load at cell-rr\./);
});

test('a clock that was not set, weights that were not told and an unknown person are said, not left out', (t) => {
  const { by: _b, environment: _e, ...rest } = sampleReport({ timeQuality: 'unset', weights: [] });
  const text = words(renderReport(rest));
  t.regex(text, /time unknown: the clock was not set/);
  t.notRegex(text, /09:41/);
  t.regex(text, /nothing here can be traced to a standard/);
  t.regex(text, /Person not told/);
  t.regex(text, /Temperature not recorded/);
  t.regex(words(renderReport(sampleReport({ timeQuality: 'holdover' }))), /09:41 UTC \(clock free-running\)/);
});

test('weights that are too coarse for the plate are told', (t) => {
  const coarse = sampleWeights.map((weight) => ({ ...weight, class: 'M3' as const }));
  t.regex(words(renderReport(sampleReport({ weights: coarse }))), /finer weights are needed/);
  const unknown = sampleWeights.map(({ class: _, ...weight }) => weight);
  t.regex(
    words(renderReport(sampleReport({ weights: unknown }))),
    /how much of the errors is theirs is not known/,
  );
  t.is(weightErrorMg({ id: 'x', massMg: 5_000_000, class: 'M1' }), 250);
  t.is(weightErrorMg({ id: 'x', massMg: 5_000_120, class: 'F2' }), 80);
  t.is(weightErrorMg({ id: 'x', massMg: 4_000_000, class: 'M1' }), 250);
});

const hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>\u0000&amp;\'';

test('text from outside is escaped wherever it stands', (t) => {
  const plate = samplePlate();
  const bad = sampleReport({
    store: hostile,
    device: hostile,
    board: hostile,
    session: hostile,
    software: hostile,
    by: { who: hostile, role: hostile, key: hostile },
    hardware: { bridge: { [hostile]: hostile } },
    environment: { note: hostile },
    weights: [{ id: hostile, massMg: 1_000_000, certificate: hostile }],
    plates: [
      {
        ...plate,
        id: hostile,
        cells: plate.cells.map((cell) => ({ ...cell, id: `${cell.id}${hostile}` })),
        checks: plate.checks.map((one) => ({ ...one, at: hostile })),
        fit: {
          hash: hostile,
          model: hostile,
          rank: 1,
          condition: 1,
          residuals: [],
          gainPpm: { [hostile]: 1 },
          warnings: [{ code: hostile, message: hostile }],
        },
        tests: plate.tests.map((one) => ({ ...one, missing: [hostile], notes: [hostile] })),
      },
    ],
  });
  const text = renderReport(bad);
  t.notRegex(text, /<script|<img/i);
  t.false(text.includes('\u0000'));
  t.true(text.includes('&quot;&gt;&lt;script&gt;'));
  // Every quote inside an attribute's value is an entity.
  for (const [, value] of text.matchAll(/aria-label="([^"]*)"/g)) t.notRegex(value ?? '', /[<>]/);
});

test('loads are written as on the weights', (t) => {
  t.is(loadText(5_000_000), '5 kg');
  t.is(loadText(12_005_000), '12.005 kg');
  t.is(loadText(7_000), '7 g');
  t.is(loadText(1_400), '1.4 g');
  t.is(loadText(999_999.9), '1 kg');
});

test('an axis has a handful of round ticks over any range', (t) => {
  for (const [low, high] of [
    [0, 30],
    [-8.6, 8.6],
    [0, 0.004],
    [-0.05, 0.05],
    [0, 31.7],
  ] as const) {
    const { ticks, digits } = axisOf(low, high, 0, 100, 6);
    t.true(ticks.length >= 3 && ticks.length <= 9, `${low} … ${high}: ${ticks.join(' ')}`);
    t.is(new Set(ticks.map((tick) => tick.toFixed(digits))).size, ticks.length);
  }
});

for (const width of [320, 390, 1000]) {
  inBrowser(`axe-core finds nothing at a width of ${width}, and nothing sticks out`, async (t) => {
    const failing = samplePlate({ maxMg: 30_000_000, cornersMg: { 'cell-fr': 16_000 } });
    const page = await open(
      t,
      renderReport(sampleReport({ plates: [samplePlate(), { ...failing, id: 'rack' }] })),
      width,
    );
    await page.evaluate(await readFile(axePath, 'utf8'));
    const found = await page.evaluate<readonly string[]>(
      `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag2aaa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')))`,
    );
    t.deepEqual(found, []);
    t.is(
      await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
      0,
    );
  });
}

inBrowser('a name that is markup shows as text and does nothing', async (t) => {
  const page = await open(t, renderReport(sampleReport({ device: hostile.replace('\u0000', '') })));
  t.is(await page.locator('script, img').count(), 0);
  t.true((await page.locator('header').innerText()).includes('<script>alert(1)</script>'));
});

inBrowser('on A4 it prints in a few pages', async (t) => {
  const page = await open(t, renderReport(sampleReport()));
  const pdf = (await page.pdf({ format: 'A4', preferCSSPageSize: true })).toString('latin1');
  const pages = pdf.match(/\/Type\s*\/Page[^s]/g)?.length ?? 0;
  t.true(pages >= 2 && pages <= 5, `${pages} pages`);
});
