import type { Command } from 'commander';
import { runDaemon } from '#gateway/daemon.ts';

const configOption = ['-c, --config <file>', 'configuration', '/etc/cartwright/cartwright.yaml'] as const;

/** `cartwright run`: the daemon. */
export function registerRun(program: Command): void {
  program
    .command('run')
    .description('run the gateway until a signal (what the service does)')
    .option(...configOption)
    .option('--record <folder>', 'record every input into a trace that replays on any machine')
    .addHelpText(
      'after',
      `
Logs are JSON lines on standard output. Exit code 78: the configuration can't work (see \`cartwright check\`).

Examples:
  cartwright run -c config/demo.yaml
  cartwright run -c /etc/cartwright/cartwright.yaml --record /var/tmp/trip`,
    )
    .action(async (options: { config: string; record?: string }) => {
      process.exitCode = await runDaemon({ configPath: options.config, record: options.record });
    });
}

/** `cartwright record`: the daemon with a recording, for a given time. */
export function registerRecord(program: Command): void {
  program
    .command('record')
    .description('run the gateway and record every input, for replay on any machine')
    .argument('<folder>', 'where to put the trace and what it needs (board, calibration, catalogue)')
    .option(...configOption)
    .option('--seconds <number>', 'end after this long', (text) => Number.parseFloat(text))
    .addHelpText(
      'after',
      `
The running gateway must be stopped first: two can't hold the same sensors.

Examples:
  cartwright record trip-1 -c /etc/cartwright/cartwright.yaml --seconds 120
  cartwright replay trip-1/trace.ndjson`,
    )
    .action(async (folder: string, options: { config: string; seconds?: number }) => {
      process.exitCode = await runDaemon({
        configPath: options.config,
        record: folder,
        seconds: options.seconds,
      });
    });
}
