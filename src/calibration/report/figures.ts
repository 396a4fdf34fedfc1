import { usPerMinute } from '#base/units.ts';
import { differenceText } from '../mass-text.ts';
import { maximumPermissibleErrorMg, toleranceChangesMg } from '../tests/tolerances.ts';
import type { JudgedObservation, Regime, TestVerdict } from '../tests/types.ts';
import { html, type Markup } from './html.ts';
import type { ReportedLoad, ReportedPlate } from './model.ts';
import { type CornerMark, cornerMap, errorPlot, type PlotSeries, toKilograms } from './plots.ts';

/** The drawings of one plate, each with a caption; those that have nothing to show are left out. */
export function plateFigures(plate: ReportedPlate, regime: Regime): Markup[] {
  const find = (test: TestVerdict['test']) => plate.tests.find((one) => one.test === test);
  return [
    errorFigure(plate, find('linearity'), regime),
    cornerFigure(plate, find('eccentricity')),
    residualFigure(plate, regime),
    creepFigure(plate, find('creep')),
  ].flatMap((figure) => (figure === undefined ? [] : [figure]));
}

function figure(caption: string, drawing: Markup): Markup {
  return html`<figure>${drawing}<figcaption>${caption}</figcaption></figure>`;
}

/** Tolerance by load up to Max, as the plot's band. */
function envelope(plate: ReportedPlate, regime: Regime): { upTo: number; limitMg: number }[] {
  const ends = [...toleranceChangesMg(plate, regime).filter((massMg) => massMg < plate.maxMg), plate.maxMg];
  return ends.map((massMg) => ({
    upTo: toKilograms(massMg),
    limitMg: maximumPermissibleErrorMg(massMg, plate, regime),
  }));
}

function errorFigure(
  plate: ReportedPlate,
  linearity: TestVerdict | undefined,
  regime: Regime,
): Markup | undefined {
  const observed = linearity?.observations ?? [];
  const of = (direction: 'up' | 'down') =>
    observed
      .filter(({ observation }) => observation.direction === direction)
      .map(({ observation, errorMg }) => ({ x: toKilograms(observation.massMg), yMg: errorMg }));
  const checks = plate.checks.map(({ massMg, errorMg }) => ({ x: toKilograms(massMg), yMg: errorMg }));
  const all: PlotSeries[] = [
    { kind: 'up', name: 'loading', points: of('up'), joined: true },
    { kind: 'down', name: 'unloading', points: of('down'), joined: true },
    { kind: 'other', name: 'check', points: checks, joined: false },
  ];
  const series = all.filter(({ points }) => points.length > 0);
  if (series.length === 0) return undefined;
  const label = `Plate ${plate.id}: error over load, with the band that is allowed. The figures are in the tables below.`;
  const xMost = toKilograms(plate.maxMg);
  const drawing = errorPlot({ label, xName: 'load in kg', xMost, series, limits: envelope(plate, regime) });
  return figure('Error over load. The band is what the tolerance allows.', drawing);
}

/** Where quarters of a plate without cells at its corners are drawn. */
const quarterPositions: Readonly<Record<string, readonly [number, number]>> = {
  'front-left': [-1, 1],
  'front-right': [1, 1],
  'rear-left': [-1, -1],
  'rear-right': [1, -1],
};

function cornerFigure(plate: ReportedPlate, eccentricity: TestVerdict | undefined): Markup | undefined {
  if (eccentricity === undefined || eccentricity.observations.length === 0) return undefined;
  const byPlace = new Map<string, JudgedObservation>();
  for (const one of eccentricity.observations) {
    const { at } = one.observation;
    const known = byPlace.get(at);
    if (known === undefined || Math.abs(one.errorMg) > Math.abs(known.errorMg)) byPlace.set(at, one);
  }
  const places: (readonly [string, readonly [number, number]])[] =
    plate.cells.length >= 3
      ? plate.cells.map(({ id, positionMm }) => [id, positionMm] as const)
      : Object.entries(quarterPositions);
  if (byPlace.has('centre')) places.push(['centre', [0, 0]]);
  const marks = places.map(([name, positionMm]): CornerMark => {
    const one = byPlace.get(name);
    if (one === undefined) return { name, positionMm };
    return { name, positionMm, text: differenceText(one.errorMg, plate.intervalMg), passed: one.passed };
  });
  const words = marks.map(({ name, text }) => `${name} ${text ?? 'not tested'}`).join(', ');
  const limit = differenceText(eccentricity.observations[0]?.limitMg ?? 0, plate.intervalMg).replace(
    '+',
    '±',
  );
  return figure(
    `Error of the same load over each corner; ${limit} is allowed.`,
    cornerMap(marks, `Plate ${plate.id}: errors by corner: ${words}.`),
  );
}

function residualFigure(plate: ReportedPlate, regime: Regime): Markup | undefined {
  const residuals = plate.fit?.residuals ?? [];
  if (residuals.length === 0) return undefined;
  const pick = (keep: (load: ReportedLoad) => boolean) =>
    residuals.filter(keep).map(({ massMg, errorMg }) => ({ x: toKilograms(massMg), yMg: errorMg }));
  const all: PlotSeries[] = [
    {
      kind: 'up',
      name: 'loading',
      points: pick((one) => one.at === 'centre' && one.direction === 'up'),
      joined: false,
    },
    {
      kind: 'down',
      name: 'unloading',
      points: pick((one) => one.at === 'centre' && one.direction === 'down'),
      joined: false,
    },
    { kind: 'other', name: 'corner', points: pick((one) => one.at !== 'centre'), joined: false },
  ];
  const series = all.filter(({ points }) => points.length > 0);
  const label = `Plate ${plate.id}: what the fit leaves of each load, with the band that is allowed. The figures are in the tables below.`;
  const xMost = toKilograms(plate.maxMg);
  const drawing = errorPlot({ label, xName: 'load in kg', xMost, series, limits: envelope(plate, regime) });
  return figure('Residuals: what the new calibration makes of the loads that it was fitted to.', drawing);
}

function creepFigure(plate: ReportedPlate, creep: TestVerdict | undefined): Markup | undefined {
  const observed = creep?.observations ?? [];
  const times = observed.map(({ observation }) => observation.atUs);
  const start = Math.min(...times);
  // The last one repeats a reading for the limit between 15 and 30 min: its error is not from the start.
  const seen = new Set<number>();
  const points = observed.flatMap(({ observation, errorMg }) => {
    if (seen.has(observation.atUs)) return [];
    seen.add(observation.atUs);
    return [{ x: (observation.atUs - start) / usPerMinute, yMg: errorMg }];
  });
  if (points.length < 2) return undefined;
  const xMost = Math.max(30, ...points.map(({ x }) => x));
  const drawing = errorPlot({
    label: `Plate ${plate.id}: change of the reading under a load that stays, over time. The figures are in the tables below.`,
    xName: 'minutes under load',
    xMost,
    series: [{ kind: 'other', name: 'change', points, joined: true }],
    limits: [{ upTo: xMost, limitMg: observed[0]?.limitMg ?? 0 }],
  });
  return figure('Creep: change of the reading while the load stays.', drawing);
}
