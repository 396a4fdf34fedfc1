import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import { checkConfiguration } from '#catalogue/check-configuration.ts';
import { inspectConfig } from '#config/load.ts';
import { findDriver, parseDriverOptions } from '#drivers/registry.ts';
import { exitCodes } from './exit.ts';

/** `cartwright check`: whether a configuration works, and what it means. */
export function registerCheck(program: Command): void {
  program
    .command('check')
    .description('check a configuration with its board, calibration and catalogue, and explain it')
    .argument('[config]', 'configuration', '/etc/cartwright/cartwright.yaml')
    .option('--json', 'print the report as JSON')
    .option('-q, --quiet', 'only what is wrong')
    .addHelpText(
      'after',
      `
Exit code 1 where anything would keep the gateway from starting.

Examples:
  cartwright check config/demo.yaml
  CARTWRIGHT_BROKER__URL=mqtts://store-broker cartwright check cartwright.yaml`,
    )
    .action(async (path: string, options: { json?: boolean; quiet?: boolean }) => {
      const report = await checkConfiguration(path, process.env);
      const drivers = await checkDriverOptions(path);
      const ok = report.ok && drivers.length === 0;
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ ...report, ok, drivers })}\n`);
      } else {
        for (const finding of report.findings) {
          const place = [finding.file, finding.line, finding.column]
            .filter((part) => part !== undefined)
            .join(':');
          process.stdout.write(
            `${finding.severity}: ${finding.code} ${place}: ${finding.path}: ${finding.message}\n`,
          );
        }
        for (const finding of drivers) process.stdout.write(`error: ${finding}\n`);
        if (!options.quiet) for (const line of report.explanation) process.stdout.write(`${line}\n`);
        process.stdout.write(`${path}: ${ok ? 'ok' : 'the gateway would not start with it'}\n`);
      }
      if (!ok) process.exitCode = exitCodes.findings;
    });
}

/** What the drivers themselves say of the options they are given, coded. */
async function checkDriverOptions(path: string): Promise<string[]> {
  const { board, paths } = await inspectConfig(path, process.env);
  const findings: string[] = [];
  for (const entry of board?.devices ?? []) {
    try {
      parseDriverOptions(await findDriver(entry.driver, paths?.drivers ?? []), entry.options, entry.id);
    } catch (error) {
      findings.push(describeError(error));
    }
  }
  return findings;
}
