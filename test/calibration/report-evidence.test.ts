import test from 'ava';
import { Procedure } from '#calibration/procedure.ts';
import { makeReport } from '#calibration/report/make.ts';
import { renderReport } from '#calibration/report/render.ts';
import { fitted } from './refusals.ts';
import { samplePlate, sampleReport } from './sample-report.ts';
import { basket, load, options, perfect, SyntheticPlate, step, takeLoads } from './synthetic-plate.ts';

const at = 1_000_000;
const facts = {
  store: 'store-1',
  device: 'cart-1',
  atMs: 0,
  timeQuality: 'synced',
  software: 'cartwright/0',
  calibration: { revision: 1 },
  regime: 'r76-initial',
  plates: [basket],
} as const;
const words = (text: string) =>
  text
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('\u00a0', ' ')
    .replace(/\s+/g, ' ');

test('whoever forced a step reads the reason in the report, as every notice, and how often steps were taken back', (t) => {
  const { procedure, plate } = fitted();
  const before = makeReport(procedure.view(), facts).plates[0];
  t.deepEqual([before?.notices, before?.undone], [undefined, undefined], 'nothing to tell');
  step(procedure, plate, { kind: 'zero', force: 'a new <rack> stands on it' }, [{ massMg: 900_000 }]);
  load(procedure, plate, 'verify', ['a10']);
  load(procedure, plate, 'verify', ['c10']);
  procedure.take({ kind: 'undo' }, at);
  const report = makeReport(procedure.view(), facts);
  const [own] = report.plates;
  t.deepEqual(
    own?.notices?.map(({ code }) => code),
    ['CW-CAL-074', 'CW-CAL-078'],
  );
  t.is(own?.undone, 1);
  const text = words(renderReport(report));
  t.regex(text, /CW-CAL-074 zero was taken although .*, because: a new &lt;rack&gt; stands on it/);
  t.true(text.includes('1 step was taken back'));
});

test('a report says which weights lay where, and at which temperature', (t) => {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin(options(basket));
  step(procedure, plate, { kind: 'zero' }, [], 20_100);
  step(procedure, plate, { kind: 'load', weights: ['a10'] }, [{ massMg: 10_000_000 }], 20_300);
  takeLoads(procedure, plate);
  step(procedure, plate, { kind: 'load', massMg: 7_000_000 }, [{ massMg: 7_000_000 }]);
  procedure.take({ kind: 'fit' }, at);
  load(procedure, plate, 'verify', ['c10']);
  const linear = { kind: 'test', test: 'linearity', weights: ['a5', 'a2'] } as const;
  step(procedure, plate, linear, [{ massMg: 7_000_000 }], 21_400);
  const report = makeReport(procedure.view(), facts);
  const [own] = report.plates;
  t.deepEqual(own?.fit?.residuals[0]?.weights, ['a10']);
  t.deepEqual(own?.measured, { leastMilliCelsius: 20_300, mostMilliCelsius: 21_400 });
  const text = words(renderReport(report));
  t.regex(text, /10 kg centre up [\d. g−+±✓]+ yes a10/);
  t.true(text.includes('7 kg centre up') && text.includes('not named'));
  t.false(text.includes('unnamed-'));
  t.true(text.includes('a5, a2'));
  t.true(text.includes('20.3 to 21.4 °C at the plate'));
});

test('reports of earlier versions, which say less, are rendered still', (t) => {
  const text = renderReport(sampleReport({ plates: [samplePlate()] }));
  t.false(text.includes('undefined'));
  t.false(text.includes('taken back'));
});
