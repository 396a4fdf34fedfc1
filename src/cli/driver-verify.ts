import type { Command } from 'commander';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { inspectConfig } from '#config/load.ts';
import type { Driver } from '#drivers/driver.ts';
import { createSystemPorts, findDriver } from '#drivers/registry.ts';
import { benchOf, type CheckResult, verifyAttached, verifyDriver } from '#drivers/workbench.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { notice, printable, printJson } from './terminal.ts';
import { integerFrom, secondsFrom } from './values.ts';

interface VerifyOptions {
  readonly file?: string;
  readonly config?: string;
  readonly attached?: boolean;
  readonly options?: string;
  readonly seconds: number;
  readonly unplug?: boolean;
  readonly seed: number;
  readonly json?: boolean;
}

/** `cartwright driver verify`: holds a driver against the driver contract, on its bench or on the attached device. */
export function registerDriverVerify(driver: Command): void {
  driver
    .command('verify')
    .description(
      'hold a driver against the contract: life cycle, readings, unplugging, faults, time stamps, bursts',
    )
    .argument('<name>', 'driver, as a board names it (`cartwright devices --drivers` lists them)')
    .option('-f, --file <file>', "a maker's own driver file, which may export `bench` beside the driver")
    .option('-c, --config <file>', 'configuration whose own drivers are known as well')
    .option('--attached', 'try it on the device that is attached, not on its simulated bench')
    .option('--options <json>', 'with --attached: options as in the board profile (default: {})')
    .option(
      '--seconds <number>',
      'with --attached: how long to wait for readings',
      secondsFrom('--seconds'),
      10,
    )
    .option('--unplug', 'with --attached: also asks you to pull the plug and to put it back')
    .option('--seed <number>', 'seed of the bench', integerFrom('--seed', 0), 1)
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Exit code 1 where a check failed. docs/drivers.md tells how to write a driver and its bench.

Examples:
  scripts/cartwright driver verify hid-pos-scanner
  scripts/cartwright driver verify acme-tcp-scanner --file docs/examples/acme-scanner.mjs
  scripts/cartwright driver verify hid-scale --attached --unplug
  scripts/cartwright driver verify toledo-8217 --attached \\
      --options '{"serial": {"path": "/dev/serial/by-id/usb-…"}, "unit": "kg"}'`,
    )
    .action(async (name: string, options: VerifyOptions) => {
      if (!options.attached && (options.options !== undefined || options.unplug)) {
        throw new CliError(
          'CW-CLI-001',
          '--options and --unplug are for the device itself: add --attached, or leave them out to try the driver on its bench',
        );
      }
      const files = await makersFiles(options);
      const found = await findDriver(name, files);
      const results = options.attached
        ? await onDevice(found, options)
        : await onBench(found, files, options);
      if (options.json) printJson({ driver: name, results });
      else process.stdout.write(`${resultLines(name, results).join('\n')}\n`);
      if (results.some(({ passed }) => !passed)) process.exitCode = exitCodes.findings;
    });
}

async function makersFiles({ file, config }: VerifyOptions): Promise<readonly string[]> {
  const configured =
    config === undefined ? [] : ((await inspectConfig(config, process.env)).paths?.drivers ?? []);
  return file === undefined ? configured : [file, ...configured];
}

async function onBench(
  driver: Driver,
  files: readonly string[],
  { seed }: VerifyOptions,
): Promise<readonly CheckResult[]> {
  const bench = await benchOf(driver.name, files);
  if (bench === undefined) {
    throw new CliError(
      'CW-CLI-001',
      `${driver.name} has no bench; export \`bench\` from its file, or try it on its device with --attached`,
    );
  }
  return verifyDriver(driver, bench, silentLogger, seed);
}

async function onDevice(
  driver: Driver,
  { options = '{}', seconds, unplug }: VerifyOptions,
): Promise<readonly CheckResult[]> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(options);
  } catch (cause) {
    throw new CliError('CW-CLI-001', '--options must be JSON, such as {"baudRate": 9600}', { cause });
  }
  const buses = new Map();
  const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses });
  return verifyAttached(driver, {
    options: parsed,
    context: { log: silentLogger, buses, ports },
    seconds,
    unplug: unplug === true,
    ask: (text) => notice(printable(text)),
  });
}

/** The results as lines. Devices and makers' drivers put words of their own into findings. */
export function resultLines(name: string, results: readonly CheckResult[]): string[] {
  const lines = results.flatMap(({ check, passed, finding }) => [
    `${passed ? 'ok     ' : 'FAILED '} ${check}`,
    ...(finding === undefined ? [] : finding.split('\n').map((line) => `        ${line}`)),
  ]);
  const passed = results.filter((result) => result.passed).length;
  return [...lines, `${name}: ${passed} of ${results.length} checks passed`].map(printable);
}
