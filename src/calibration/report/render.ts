import { loadText } from '../mass-text.ts';
import { maximumPermissibleErrorMg, minimumCapacityMg, regimeTitle } from '../tests/tolerances.ts';
import type { Verdict } from '../tests/types.ts';
import type { Weight } from '../types.ts';
import { weightErrorMg } from '../weights.ts';
import { plateFigures } from './figures.ts';
import { html, Markup } from './html.ts';
import { type CalibrationReport, plateVerdict, type ReportedPlate, reportVerdict } from './model.ts';
import { reportStyle } from './style.ts';
import { badge, loadsTable, percentText, summaryTable, testDetails, weightsTable } from './tables.ts';

/** What every report says of itself. */
const notLegal =
  'This is not a legal verification. It records checks by the owner of the scale; it is no verification or reverification by an authority, carries no mark, and makes no instrument legal for trade.';

/**
 * The report as one HTML file that needs nothing else: it prints on A4, reads on a phone, and holds no script. Whatever
 * text came from outside is escaped.
 */
export function renderReport(report: CalibrationReport): string {
  const title = report.purpose === 'calibrate' ? 'Calibration report' : 'Verification report';
  const verdict = reportVerdict(report);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}: ${report.device}, revision ${report.calibration.revision}</title>
<style>${new Markup(reportStyle)}</style>
</head>
<body>
<main>
<header><div><p class="kicker">Cartwright · ${report.store}</p><h1>${title}</h1>
<p class="sub">${report.device}, revision ${report.calibration.revision}, ${timeText(report)}</p></div>
${badge(verdict, verdictWord(report, verdict))}</header>
<p class="legal"><strong>Not a legal verification.</strong> ${notLegal.slice(notLegal.indexOf('.') + 2)}</p>
<div class="facts">${instrument(report)}${calibration(report)}${circumstances(report)}${who(report)}</div>
${weightSet(report)}
${report.plates.map((plate) => plateSection(plate, report))}
<div class="sign"><p>Date and place</p><p>Name and signature</p></div>
<footer><p>${notLegal}</p><p>Made by ${report.software} from what was recorded in session ${report.session}. Errors are readings before rounding, less the load; “margin” is what is left to the limit.</p></footer>
</main>
</body>
</html>
`;
  return page.text;
}

function verdictWord(report: CalibrationReport, verdict: Verdict): string | undefined {
  const tested = report.plates.some(({ tests, checks }) => tests.length + checks.length > 0);
  if (verdict === 'incomplete' && !tested) return 'calibrated, not verified';
  return undefined;
}

/** UTC to the minute, and what the clock was worth. */
function timeText({ atMs, timeQuality }: CalibrationReport): string {
  if (timeQuality === 'unset') return 'time unknown: the clock was not set';
  const at = `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return timeQuality === 'synced' ? at : `${at} (clock free-running)`;
}

type Fact = readonly [name: string, value: Markup | string | undefined];

function factList(title: string, facts: readonly Fact[]): Markup {
  const known = facts.filter(([, value]) => value !== undefined && value !== '');
  return html`<section><h2>${title}</h2><dl>${known.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>`;
}

function instrument(report: CalibrationReport): Markup {
  const { hardware } = report;
  const bridge = hardware?.bridge;
  const bridges =
    typeof bridge === 'object'
      ? Object.entries(bridge)
          .map(([id, serial]) => `${id}: ${serial}`)
          .join(', ')
      : bridge;
  return factList('Instrument', [
    ['Store', report.store],
    ['Device', report.device],
    ['Board', report.board],
    ['Software', report.software],
    ['Bridge', bridges],
    ['Gain', hardware?.gain?.toString()],
    ['Rate', hardware?.samplesPerSecond === undefined ? undefined : `${hardware.samplesPerSecond} samples/s`],
  ]);
}

function calibration({ calibration: made, session, purpose }: CalibrationReport): Markup {
  const { counters } = made;
  return factList('Calibration', [
    ['Purpose', purpose === 'calibrate' ? 'calibration' : 'verification, nothing was changed'],
    ['Revision', `${made.revision}${made.previous === undefined ? '' : `, before it ${made.previous}`}`],
    ['Record', made.hash === undefined ? undefined : html`<span class="hash">${made.hash}</span>`],
    [
      'Counters',
      counters === undefined
        ? undefined
        : `calibration ${counters.calibration}, configuration ${counters.configuration}`,
    ],
    ['Session', session],
  ]);
}

function circumstances(report: CalibrationReport): Markup {
  const { environment, gravityUmS2 } = report;
  const { milliCelsius, humidityPpm, pressurePa, note } = environment ?? {};
  const known = milliCelsius === undefined ? undefined : `${(milliCelsius / 1_000).toFixed(1)} °C`;
  const temperature = known ?? (measuredText(report) === '' ? 'not recorded' : undefined);
  return factList('Circumstances', [
    ['Tolerances', regimeTitle(report.regime)],
    ['Temperature', temperature],
    ['Measured', measuredText(report)],
    ['Humidity', humidityPpm === undefined ? undefined : `${Math.round(humidityPpm / 10_000)} %`],
    ['Pressure', pressurePa === undefined ? undefined : `${(pressurePa / 100).toFixed(0)} hPa`],
    ['Gravity', gravityUmS2 === undefined ? undefined : `${(gravityUmS2 / 1e6).toFixed(5)} m/s²`],
    ['Note', note],
  ]);
}

/** What the plates' own sensors said. */
function measuredText({ plates }: CalibrationReport): string {
  const several = plates.length > 1;
  return plates
    .flatMap(({ id, measured }) => {
      if (measured === undefined) return [];
      const [least, most] = [measured.leastMilliCelsius, measured.mostMilliCelsius].map((one) =>
        (one / 1_000).toFixed(1),
      );
      return `${least === most ? least : `${least} to ${most}`} °C at ${several ? `plate ${id}` : 'the plate'}`;
    })
    .join(', ');
}

function who(report: CalibrationReport): Markup {
  const { by, timeQuality } = report;
  const clock = {
    synced: 'synchronized',
    holdover: 'free-running since it was last synchronized',
    unset: 'not set',
  };
  return factList('Done by', [
    ['Person', by?.who === undefined ? 'not told' : String(by.who)],
    ['Role', by?.role],
    ['Key', by?.key === undefined ? undefined : html`<span class="hash">${by.key}</span>`],
    ['When', timeText(report)],
    ['Clock', clock[timeQuality]],
  ]);
}

function weightSet(report: CalibrationReport): Markup {
  const { weights } = report;
  if (weights.length === 0) {
    return html`<h2>Weights</h2><p class="missing">Which weights were used was not told: nothing here can be traced to a standard.</p>`;
  }
  const rows = weights.map((weight) => {
    const error = weightErrorMg(weight);
    return {
      id: weight.id,
      mass: loadText(weight.massMg),
      class: weight.class ?? 'not told',
      error: error === undefined ? '—' : `±${error >= 1_000 ? `${error / 1_000} g` : `${error} mg`}`,
      certificate: weight.certificate ?? '—',
    };
  });
  return html`<h2>Weights</h2>${weightsTable(rows)}<p class="note">${fineEnough(weights, report)}</p>`;
}

/** Weights are fine enough where their own errors are at most a third of the tolerance (R 76-1, 3.7.1). */
function fineEnough(weights: readonly Weight[], report: CalibrationReport): string {
  const errors = weights.map(weightErrorMg);
  const error = errors.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  const massMg = weights.reduce((sum, one) => sum + one.massMg, 0);
  if (errors.includes(undefined)) {
    return 'Not every weight has a class of OIML R 111, so how much of the errors is theirs is not known.';
  }
  const finest = Math.min(
    ...report.plates.map((plate) => maximumPermissibleErrorMg(massMg, plate, report.regime)),
  );
  if (!Number.isFinite(finest)) return '';
  const share = Math.round((error / finest) * 100);
  return share <= 33
    ? `All together they may be wrong by ${share} % of the tolerance of their load; a third is allowed.`
    : `All together they may be wrong by ${share} % of the tolerance of their load: finer weights are needed, a third is allowed.`;
}

function plateSection(plate: ReportedPlate, report: CalibrationReport): Markup {
  const verdict = plateVerdict(plate);
  const checked = plate.tests.length + plate.checks.length > 0;
  const figures = plateFigures(plate, report.regime);
  return html`<section class="plate-section" aria-label="Plate ${plate.id}">
<h2>Plate ${plate.id} ${badge(verdict, verdict === 'incomplete' && !checked ? 'not verified' : undefined)}</h2>
<p class="sub">${plateLine(plate)}</p>
${summaryTable(plate)}
${figures.length > 0 ? html`<div class="figures">${figures}</div>` : undefined}
${noticeSection(plate)}
${fitSection(plate)}
${plate.checks.length > 0 ? html`<div class="loads"><h3>Check with other weights</h3>${loadsTable(`Checks of plate ${plate.id}`, plate.checks, plate)}</div>` : undefined}
${plate.tests.length > 0 ? html`<h3>Readings</h3>${plate.tests.map((test) => testDetails(test, plate))}` : undefined}
</section>`;
}

/** Plate data in one line, which breaks between its parts alone. */
function plateLine(plate: ReportedPlate): string {
  const { cells, deadLoadMg = 0 } = plate;
  const parts = [
    `Max ${loadText(plate.maxMg)}`,
    `Min ${loadText(minimumCapacityMg(plate))}`,
    `e = ${loadText(plate.intervalMg)}`,
    `d = ${loadText(plate.divisionMg)}`,
    `n = ${Math.round(plate.maxMg / plate.intervalMg)}`,
    ...(deadLoadMg > 0 ? [`dead load ${loadText(deadLoadMg)}`] : []),
    cells.length === 0 ? 'a complete scale' : `${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}`,
    ...cells.map(({ id, capacityMg }) => `${id} ${loadText(capacityMg)}`),
  ];
  return parts.map((part) => part.replaceAll(' ', '\u00a0')).join(' · ');
}

/** What was told meanwhile, with the reasons of steps that were taken against a check. */
function noticeSection({ notices = [], undone = 0 }: ReportedPlate): Markup | undefined {
  if (notices.length === 0 && undone === 0) return undefined;
  const back =
    undone === 0
      ? undefined
      : html`<p class="note">${undone === 1 ? '1 step was' : `${undone} steps were`} taken back.</p>`;
  return html`<h3>Notices</h3>${notices.map(({ code, message }) => html`<p class="missing">${code} ${message}</p>`)}${back}`;
}

function fitSection(plate: ReportedPlate): Markup | undefined {
  const { fit } = plate;
  if (fit === undefined) return undefined;
  const gains = Object.entries(fit.gainPpm).map(
    ([cell, change]): Fact => [cell, `gain ${change > 0 ? '+' : ''}${percentText(change)}`],
  );
  return html`<h3>Fit</h3><dl><dt>Model</dt><dd>${fit.model}</dd><dt>Rank</dt><dd>${fit.rank}, condition ${fit.condition.toFixed(1)}</dd>${gains.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}<dt>Candidate</dt><dd class="hash">${fit.hash}</dd></dl>
${fit.warnings.map(({ code, message }) => html`<p class="missing">${code} ${message}</p>`)}
${fit.residuals.length > 0 ? html`<div class="loads">${loadsTable(`Residuals of plate ${plate.id}`, fit.residuals, plate)}</div>` : undefined}`;
}
