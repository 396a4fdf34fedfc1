import type { Command } from 'commander';
import type { PressResult } from '#calibration/diagnosis/press.ts';
import type { Finding } from '#calibration/diagnosis/types.ts';
import { type BrokerOptions, withBroker } from './broker.ts';
import { callDevice } from './call.ts';
import { exitCodes } from './exit.ts';
import { withKey } from './key-files.ts';
import { notice, printable, printJson } from './terminal.ts';
import { integerFrom, nameFrom } from './values.ts';

interface DiagnoseOptions extends BrokerOptions {
  readonly store: string;
  readonly plates?: string;
  readonly seconds: number;
  readonly empty?: boolean;
  readonly press?: string;
  readonly json?: boolean;
  readonly key?: string;
}

/** A cell of the answer; fractions are decimal text. */
interface ToldCell {
  readonly cell: string;
  readonly plate: string;
  readonly samples: number;
  readonly lost: number;
  readonly ratePerS: number | string;
  readonly noiseCounts: number | string;
  readonly noiseMg?: number;
  readonly driftMgPerS?: number | string;
  readonly uniqueValues: number;
  readonly saturated: number;
  readonly findings: readonly Finding[];
}

/** The answer may come so long after the measurement, s. */
const answerWithinS = 10;

/** `cartwright diagnose`: the noise and drift test of a device's cells. */
export function registerDiagnose(program: Command): void {
  withBroker(
    withKey(program.command('diagnose'))
      .description("test a device's load cells: noise, drift, hum, lost samples, coupling")
      .argument('<device>', 'cart or shelf; nobody may touch it meanwhile')
      .requiredOption('-s, --store <name>', 'the store', nameFrom('--store')),
  )
    .option('--plates <list>', 'plates, with commas between; all on cells where left out')
    .option('--seconds <count>', 'how long', integerFrom('--seconds', 2, 120), 10)
    .option('--empty', 'the plates are empty: their zero is held against the calibration')
    .option('--press <cell>', 'somebody presses over this cell meanwhile: which one feels it?')
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `
Exit code 1 where a cell has a fault. docs/technician/diagnose.md says what to do about each.

Examples:
  scripts/cartwright diagnose cart-0001 -s demo-store --empty
  scripts/cartwright diagnose cart-0001 -s demo-store --press cell-fl --seconds 4`,
    )
    .action(async (device: string, options: DiagnoseOptions) => {
      const { plates, seconds, json, press, empty = false } = options;
      if (json !== true) notice(askedOf(device, options));
      const answer = await callDevice({
        ...options,
        device: nameFrom('device')(device),
        command: 'calibration.diagnose',
        args: {
          seconds,
          empty,
          ...(press === undefined ? {} : { press }),
          ...(plates === undefined ? {} : { plates: plates.split(',').map((id) => id.trim()) }),
        },
        timeout: seconds + answerWithinS,
      });
      if (answer.status === 'refused') {
        notice(`refused: ${answer.code} ${printable(answer.message)}`);
        process.exitCode = exitCodes.findings;
        return;
      }
      if (json === true) printJson(answer.data);
      else if (press !== undefined) {
        const pressed = answer.data.press as unknown as PressResult;
        process.stdout.write(`${pressLines(press, pressed).join('\n')}\n`);
        if ((pressed.findings[press]?.length ?? 0) > 0) process.exitCode = exitCodes.findings;
      } else
        process.stdout.write(
          `${diagnosisLines(answer.data.cells as unknown as readonly ToldCell[]).join('\n')}\n`,
        );
      if (answer.data.verdict === 'fault') process.exitCode = exitCodes.findings;
    });
}

function askedOf(device: string, { press, seconds }: DiagnoseOptions): string {
  return press === undefined
    ? `${device} is listened to for ${seconds} s; nobody may touch it.`
    : `Press over ${press} with one hand, one second from now, for ${seconds} s.`;
}

/** Which cell felt a press, or what is wrong and what to do. */
export function pressLines(cell: string, { findings }: Pick<PressResult, 'findings'>): readonly string[] {
  const found = findings[cell] ?? [];
  if (found.length === 0) return [`${cell} answers in its own place.`];
  return found.flatMap(({ code, message, advice }) => [
    `${code} ${printable(message)}`,
    `  ${printable(advice)}`,
  ]);
}

/** A table of the cells, and below it what was found and what to do. */
export function diagnosisLines(cells: readonly ToldCell[]): readonly string[] {
  const width = Math.max(4, ...cells.map(({ cell }) => cell.length));
  const rows = cells.map((one) => {
    const grams = one.noiseMg === undefined ? '–' : `${(one.noiseMg / 1_000).toFixed(2)} g`;
    const drift =
      one.driftMgPerS === undefined ? '–' : `${((Number(one.driftMgPerS) * 60) / 1_000).toFixed(2)} g/min`;
    const columns = [
      Number(one.ratePerS).toFixed(1).padStart(8),
      Number(one.noiseCounts).toFixed(1).padStart(8),
      grams.padStart(10),
      drift.padStart(14),
      String(one.lost).padStart(6),
      String(one.uniqueValues).padStart(8),
    ];
    const verdict = one.findings.length === 0 ? 'good' : one.findings.map(({ code }) => code).join(' ');
    return `${one.cell.padEnd(width)}${columns.join('')}  ${verdict}`;
  });
  const found = cells.flatMap(({ cell, findings }) =>
    findings.flatMap(({ code, message, advice }) => [
      '',
      `${code} ${cell}: ${printable(message)}`,
      `  ${printable(advice)}`,
    ]),
  );
  const head = `${'cell'.padEnd(width)}${'rate/s'.padStart(8)}${'noise'.padStart(8)}${''.padStart(10)}${'drift'.padStart(14)}${'lost'.padStart(6)}${'values'.padStart(8)}`;
  return [head, ...rows, ...found];
}
