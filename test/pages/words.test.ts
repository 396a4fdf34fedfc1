import test from 'ava';
import { eventTypes } from '#events/catalog.ts';
import { describe } from '#pages/status/client/describe.ts';
import {
  byteSize,
  change,
  duration,
  measurement,
  money,
  plateMass,
  probability,
  rate,
  timeOfDay,
  unbroken,
} from '#pages/status/client/format.ts';
import { makeEvent } from './scripted-source.ts';

test('a sensor of power or temperature shows what it said last', (t) => {
  t.is(measurement({ externalPower: false, batteryPpm: 819_999 }), '81 % on battery');
  t.is(measurement({ externalPower: true, batteryPpm: 1_000_000 }), '100 % external power');
  t.is(measurement({ externalPower: true }), 'external power');
  t.is(measurement({ milliCelsius: 31_250 }), '31.3 °C');
  t.is(measurement({ milliCelsius: -4_250 }), '−4.3 °C');
  t.is(measurement({}), '');
});

test('the end of a fault that flapped says how often it came, that of any other nothing', (t) => {
  const recovered = { source: 'deli-scale', fault: 'disconnected', lastedUs: 61_950_000 } as const;
  const line = (times: object) => describe(makeEvent('device.recovered', { ...recovered, ...times })).detail;
  t.is(line({ times: 599 }), 'It came 599 times before it stayed away.');
  t.is(line({}), undefined);
});

test('a plate shows its mass rounded to its interval, and nothing where there is no reading', (t) => {
  t.deepEqual(plateMass(4_237_400, 5_000), { number: '4.235', unit: 'kg' });
  t.deepEqual(plateMass(-2_000, 5_000), { number: '0.000', unit: 'kg' });
  t.deepEqual(plateMass(-412_000, 1_000), { number: '−0.412', unit: 'kg' });
  t.deepEqual(plateMass(1_234_560, 100), { number: '1.2346', unit: 'kg' });
  t.deepEqual(plateMass(undefined, 5_000), { number: '—', unit: '' });
});

test('an amount in a name stays on one line with its unit, and nothing else is changed', (t) => {
  const shown = (name: string) => unbroken(name).replaceAll('\u00a0', '_');
  t.deepEqual(['Water, 1.5 l', 'Cola 6 x 33 cl', 'De Cecco n° 7, 500 g', 'Oil 1 L (glass)'].map(shown), [
    'Water, 1.5_l',
    'Cola 6_x_33_cl',
    'De Cecco n°_7, 500_g',
    'Oil 1_L (glass)',
  ]);
  for (const name of ['7 grains', 'Size 3 large', 'Tea 2 go', 'Vitamin B12 men']) t.is(unbroken(name), name);
});

test('a change of mass has its sign, in grams below a kilogram', (t) => {
  t.deepEqual([412_000, -35_400, 1_250_000, -1_250_000, 999_700].map(change), [
    '+412 g',
    '−35 g',
    '+1.250 kg',
    '−1.250 kg',
    '+1.000 kg',
  ]);
});

test('what is not certain is never shown as certain', (t) => {
  t.deepEqual([1_000_000, 999_999, 999_899, 981_499, 0].map(probability), [
    '100 %',
    '>99.9 %',
    '99.9 %',
    '98.1 %',
    '0.0 %',
  ]);
});

test('money has the decimals of its currency', (t) => {
  t.is(money(1_234, 'EUR'), '€12.34');
  t.is(money(1_234, 'JPY').replace(/[^\d,.]/g, ''), '1,234');
  t.is(money(-50, 'EUR'), '-€0.50');
  t.is(money(100, 'not a currency'), '1.00 not a currency');
});

test('durations, sizes and rates are short', (t) => {
  t.deepEqual([40_000, 300_000, 7_500_000, 273_600_000, -5].map(duration), [
    '40 s',
    '5 min',
    '2 h 5 min',
    '3 d 4 h',
    '0 s',
  ]);
  t.deepEqual([12, 81_920, 268_435_456, 2e9].map(byteSize), ['12 B', '81.9 kB', '268.4 MB', '2.00 GB']);
  t.deepEqual([4, 240, 19_200].map(rate), ['4 /min', '4.0 /s', '320 /s']);
});

test('an event from before the clock was set shows the time since the start', (t) => {
  t.is(timeOfDay(0, 12_340_000), '+12.3 s');
});

test('every type of event has words of its own', (t) => {
  const silent = ['basket.voided', 'basket.suspended', 'basket.transferred'];
  for (const type of Object.keys(eventTypes)) {
    const line = describe(makeEvent(type, {}));
    t.not(line.what, '', type);
    if (!silent.includes(type)) t.not(line.what, type);
  }
});

test('a type that only a newer gateway knows is shown by its name, whatever its data', (t) => {
  for (const type of ['item.teleported', 'constructor', '__proto__']) {
    t.is(describe(makeEvent(type, { totals: [null], name: 7 })).what, type);
  }
});

test('an item says product, count, mass and probability', (t) => {
  const line = describe(
    makeEvent('item.added', {
      gtin: '04006381333931',
      name: 'Tea',
      count: 2,
      massMg: 500,
      probabilityPpm: 990_000,
    }),
  );
  t.like(line, {
    what: 'Put in',
    subject: 'Tea',
    count: 2,
    massMg: 500,
    probabilityPpm: 990_000,
    decision: true,
  });
  t.is(describe(makeEvent('item.added', { gtin: '04006381333931' })).subject, 'product 04006381333931');
});

test('a question says what is asked and what it may be', (t) => {
  const line = describe(
    makeEvent('item.unresolved', {
      kind: 'ambiguous',
      ask: 'choose',
      massMg: 1,
      candidates: [{ name: 'Tea' }, { plu: '4011' }, {}],
    }),
  );
  t.is(line.subject, 'More than one product fits');
  t.is(line.detail, 'Which of these is it? Candidates: Tea, product 4011.');
});

test('a basket line carries the running total, estimates included', (t) => {
  const totals = { currency: 'EUR', finalMinor: 1_000, estimateMinor: 179 };
  t.is(describe(makeEvent('basket.line', { name: 'Tea', change: 1, totals })).total, '€11.79');
});
