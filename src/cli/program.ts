import { Command, CommanderError } from 'commander';
import { isCoded } from '#base/errors.ts';
import { software } from '#base/software.ts';
import { registerCommands } from './commands.ts';
import { exitCodeHelp, exitCodes } from './exit.ts';

const unreachable: ReadonlySet<string> = new Set(['CW-CLI-002', 'CW-CLI-003', 'CW-CLI-004', 'CW-TRC-005']);

/**
 * The command line: runs the command that `argv` (with Node.js and script in front, as in `process.argv`) names and
 * resolves with the exit code.
 */
export async function runProgram(argv: readonly string[]): Promise<number | string | undefined> {
  const program = new Command('cartwright')
    .description('The gateway of smart carts and smart shelves: sensors in, item events out over MQTT.')
    .version(software, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showHelpAfterError('(cartwright --help lists the commands, cartwright COMMAND --help shows examples)')
    .addHelpText('after', exitCodeHelp)
    .exitOverride();
  // `cartwright tail | head` ends without a stack trace.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
    throw error;
  });
  try {
    await registerCommands(program, argv.slice(2));
    for (const command of program.commands) command.exitOverride();
    await program.parseAsync(argv);
    return process.exitCode ?? exitCodes.ok;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (isCoded(error)) {
    process.stderr.write(`${error.code} ${error.message}\n`);
    if (error.code === 'CW-CLI-001') return exitCodes.usage;
    return unreachable.has(error.code) ? exitCodes.unreachable : exitCodes.findings;
  }
  process.stderr.write(
    `a fault of this software, please report it:\n${error instanceof Error ? error.stack : error}\n`,
  );
  return exitCodes.internal;
}
