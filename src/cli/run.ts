import type { Command } from 'commander';
import { describeError, isCoded } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { runDaemon } from '#gateway/daemon.ts';
import { startEmbeddedBroker } from '#gateway/embedded.ts';
import { loadSetup } from '#gateway/setup.ts';
import { chooseConfig, hintAtMissing, withConfig } from './config-file.ts';
import { exitCodes } from './exit.ts';
import { notice } from './terminal.ts';
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
  scripts/cartwright run config/demo.yaml
  scripts/cartwright run config/demo.yaml --record /tmp/trip`,
    )
    .action(async (argument: string | undefined, options: { config?: string; record?: string }) => {
      const configPath = chooseConfig(argument, options);
      hintAtMissing(configPath);
      // Whoever starts it by hand wants a sentence; a service manager gets the log it is used to.
      const byHand = process.stdout.isTTY === true || process.stderr.isTTY === true;
      process.exitCode =
        (byHand ? await cannotStart(configPath) : undefined) ??
        (await runDaemon({ configPath, record: options.record }));
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
    .option('--raw', 'also record the very bytes of every device, for `cartwright driver replay`')
    .addHelpText(
      'after',
      `
The running gateway must be stopped first: two can't hold the same sensors. Exit code 78: the configuration can't
work; 1: a fault while it ran. A recording holds what was scanned, and with --raw all that the devices said: session
codes and card numbers of shoppers included. Give it to nobody who may not see those.

Examples:
  scripts/cartwright record /tmp/trip-1 -c config/demo.yaml --seconds 60
  scripts/cartwright replay /tmp/trip-1
  scripts/cartwright record /tmp/trip-3 --raw --seconds 30, then scripts/cartwright driver replay /tmp/trip-3
  scripts/cartwright record /tmp/trip-2          with the configuration of this device, until Ctrl-C`,
    )
    .action(async (folder: string, options: { config?: string; seconds?: number; raw?: boolean }) => {
      const configPath = chooseConfig(undefined, options);
      hintAtMissing(configPath);
      process.exitCode =
        (await cannotStart(configPath)) ??
        (await runDaemon({ configPath, record: folder, seconds: options.seconds, raw: options.raw }));
    });
}

/**
 * Why a gateway can't start with a configuration: the exit code, after the reason was said on standard error; undefined
 * where nothing speaks against it.
 */
async function cannotStart(configPath: string): Promise<number | undefined> {
  try {
    const { config, broker } = await loadSetup(configPath, process.env);
    if (config.broker.embedded) await (await startEmbeddedBroker(broker.url, silentLogger)).close();
    return undefined;
  } catch (error) {
    notice(describeError(error));
    if (isCoded(error) && error.code.startsWith('CW-UPL')) {
      notice(
        '(is a demo running? CARTWRIGHT_BROKER__URL=mqtt://127.0.0.1:0 before the command takes a free port)',
      );
      return exitCodes.findings;
    }
    notice(`(scripts/cartwright check ${configPath} tells everything that is wrong)`);
    return exitCodes.configuration;
  }
}
