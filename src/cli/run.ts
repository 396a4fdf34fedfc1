import type { Command } from 'commander';
import { runDaemon } from '#gateway/daemon.ts';
import { chooseConfig, hintAtMissing, withConfig } from './config-file.ts';
import { secondsFrom } from './values.ts';

const installed = '';

/** `cartwright run`: the daemon. */
export function registerRun(program: Command): void {
  withConfig(
    program.command('run').description('run the gateway until a signal (what the service does)'),
    installed,
  )
    .option('--record <folder>', 'record every input into a trace that replays on any machine')
    .addHelpText(
      'after',
      `
Logs are JSON lines on standard output. Exit code 78: the configuration can't work (see \`cartwright check\`);
1: a fault after which the service manager should start it again.

Examples:
  cartwright run config/demo.yaml
  cartwright run --record /var/tmp/trip`,
    )
    .action(async (argument: string | undefined, options: { config?: string; record?: string }) => {
      const configPath = chooseConfig(argument, options);
      hintAtMissing(configPath);
      process.exitCode = await runDaemon({ configPath, record: options.record });
    });
}

/** `cartwright record`: the daemon with a recording, for a given time. */
export function registerRecord(program: Command): void {
  program
    .command('record')
    .description('run the gateway and record every input, for replay on any machine')
    .argument('<folder>', 'where to put the trace and what it needs (board, calibration, catalogue)')
    .option('-c, --config <file>', 'configuration (default: as for run)')
    .option('--seconds <number>', 'end after this long (default: at Ctrl-C)', secondsFrom('--seconds'))
    .addHelpText(
      'after',
      `
The running gateway must be stopped first: two can't hold the same sensors.

Examples:
  cartwright record trip-1 --seconds 120
  cartwright record trip-1 -c config/demo.yaml
  cartwright replay trip-1`,
    )
    .action(async (folder: string, options: { config?: string; seconds?: number }) => {
      const configPath = chooseConfig(undefined, options);
      hintAtMissing(configPath);
      process.exitCode = await runDaemon({ configPath, record: folder, seconds: options.seconds });
    });
}
