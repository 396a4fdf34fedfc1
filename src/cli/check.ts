import type { Command } from 'commander';
import { checkConfiguration } from '#catalogue/check-configuration.ts';
import type { Finding } from '#config/errors.ts';
import { chooseConfigOrDemo, demoFallback, withConfig } from './config-file.ts';
import { checkDrivers } from './driver-checks.ts';
import { exitCodes } from './exit.ts';
import { printJson, shortPath } from './terminal.ts';
import { checkVision } from './vision-checks.ts';

/** `cartwright check`: whether a configuration works, and what it means. */
export function registerCheck(program: Command): void {
  withConfig(
    program
      .command('check')
      .description('check a configuration with its board, calibration and catalogue, and explain it'),
    demoFallback,
  )
    .option('--json', 'print the report as JSON')
    .option('-q, --quiet', 'only what is wrong')
    .addHelpText(
      'after',
      `
Exit code 1 where anything would keep the gateway from starting, 3 where there is no such file. Every error
names file, line, key, what was found and what would be valid; a warning does not change the exit code.

Examples:
  scripts/cartwright check
  scripts/cartwright check config/demo.yaml
  scripts/cartwright check config/demo.yaml --json | jq -r '.findings[].message'
  CARTWRIGHT_DEVICE=cart-0042 scripts/cartwright check config/demo.yaml`,
    )
    .action(
      async (argument: string | undefined, options: { config?: string; json?: boolean; quiet?: boolean }) => {
        const path = chooseConfigOrDemo(argument, options);
        const report = await checkConfiguration(path, process.env, [checkDrivers, checkVision]);
        if (options.json) printJson(report);
        else {
          for (const finding of report.findings) process.stdout.write(`${formatFinding(finding)}\n`);
          if (!options.quiet) for (const line of report.explanation) process.stdout.write(`${line}\n`);
          if (!options.quiet || !report.ok) process.stdout.write(`${path}: ${verdict(report.findings)}\n`);
        }
        if (report.ok) return;
        const missing = report.findings.some(
          ({ code, file }) => code === 'CW-CFG-001' && file === report.file,
        );
        process.exitCode = missing ? exitCodes.unreachable : exitCodes.findings;
      },
    );
}

function formatFinding({ severity, code, file, line, column, path, message }: Finding): string {
  const place = [shortPath(file), line, column].filter((part) => part !== undefined).join(':');
  return `${severity}: ${code} ${place}: ${path === '' ? '' : `${path}: `}${message}`;
}

function verdict(findings: readonly Finding[]): string {
  const count = (severity: Finding['severity']) => findings.filter((one) => one.severity === severity).length;
  const said = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`;
  const warnings = count('warning') === 0 ? '' : `, ${said(count('warning'), 'warning')}`;
  if (count('error') === 0) return `ok${warnings}`;
  return `${said(count('error'), 'error')}${warnings}; the gateway would not start with it`;
}
