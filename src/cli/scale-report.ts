import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { plainCause } from '#base/system-error.ts';
import type { CalibrationReport } from '#calibration/report/model.ts';
import { renderReport } from '#calibration/report/render.ts';
import { type BrokerOptions, withBroker } from './broker.ts';
import { callDevice } from './call.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { notice, printable, printJson } from './terminal.ts';
import { integerFrom, nameFrom } from './values.ts';

interface ReportOptions extends BrokerOptions {
  readonly store: string;
  readonly revision?: number;
  readonly output?: string;
  readonly json?: boolean;
}

const answerWithinS = 10;

/** `cartwright report`: the report of a calibration as a page. */
export function registerReport(program: Command): void {
  withBroker(
    program
      .command('report')
      .description('fetch the report of a calibration, as a page to keep or print')
      .argument('<device>', 'cart or shelf')
      .requiredOption('-s, --store <name>', 'the store', nameFrom('--store')),
  )
    .option(
      '--revision <number>',
      'of that revision; the one in force where left out',
      integerFrom('--revision', 1),
    )
    .option('-o, --output <file>', 'where to write the page; DEVICE-REVISION.html where left out')
    .option('--json', 'print the report as JSON instead')
    .addHelpText(
      'after',
      `
A report says what was measured and how it was judged. It is not a legal verification.

Examples:
  scripts/cartwright report cart-0001 -s demo-store
  scripts/cartwright report cart-0001 -s demo-store --revision 3 -o cart-0001.html`,
    )
    .action(async (device: string, options: ReportOptions) => {
      const { revision, json } = options;
      const answer = await callDevice({
        ...options,
        device: nameFrom('device')(device),
        command: 'calibration.report',
        args: revision === undefined ? {} : { revision },
        timeout: answerWithinS,
      });
      if (answer.status === 'refused') {
        notice(`refused: ${answer.code} ${printable(answer.message)}`);
        process.exitCode = exitCodes.findings;
        return;
      }
      const report = JSON.parse(String(answer.data.report)) as CalibrationReport;
      if (json === true) return printJson(report);
      const file = options.output ?? `${report.device}-${report.calibration.revision}.html`;
      await write(file, renderReport(report));
      process.stdout.write(`${file}\n`);
    });
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${file} can't be written: ${plainCause(cause)}`, { cause });
  }
}
