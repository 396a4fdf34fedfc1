import { Command, CommanderError } from 'commander';
import { isCoded } from '#base/errors.ts';
import { software } from '#base/software.ts';
import { registerCommands } from './commands.ts';
import { exitCodeHelp, exitCodes } from './exit.ts';
import { printableLines } from './terminal.ts';

/** A file, a broker or an answer that is not there, whichever room says so. */
const unreachable: ReadonlySet<string> = new Set([
  'CW-CLI-002',
  'CW-CLI-003',
  'CW-CLI-004',
  'CW-CLI-008',
  'CW-CFG-001',
  'CW-CAT-002',
  'CW-SIM-001',
  'CW-TRC-005',
]);
/** Names that a command can't do its work with are a matter of usage, though the room of topics says so. */
const usage: ReadonlySet<string> = new Set(['CW-CLI-001', 'CW-UPL-030']);

/**
 * The command line: runs the command that `argv` (with Node.js and script in front, as in `process.argv`) names and
 * resolves with the exit code.
 */
export async function runProgram(argv: readonly string[]): Promise<number | string | undefined> {
  const program = new Command('cartwright')
    .description('The gateway of smart carts and smart shelves: sensors in, item events out over MQTT.')
    .version(software, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'CW-CLI-001 ')),
    })
    .showHelpAfterError('(scripts/cartwright --help lists the commands)')
    .addHelpText('after', `\nFor a first look: scripts/cartwright demo\n${exitCodeHelp}`)
    .exitOverride();
  endQuietlyWithoutReader(process.stdout);
  endQuietlyWithoutReader(process.stderr);
  process.on('uncaughtException', (error) => process.exit(report(error)));
  try {
    await registerCommands(program, argv.slice(2));
    for (const command of program.commands) {
      command.exitOverride();
      command.showHelpAfterError(`(scripts/cartwright ${command.name()} --help shows examples)`);
    }
    await program.parseAsync(argv);
    return process.exitCode ?? exitCodes.ok;
  } catch (error) {
    return report(error);
  }
}

/** `cartwright tail | head` ends without a word: who reads has enough. */
function endQuietlyWithoutReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCodes.ok);
    throw error;
  });
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (isCoded(error)) {
    // Devices, files and brokers put words of their own into messages.
    process.stderr.write(`${error.code} ${printableLines(error.message)}\n`);
    if (usage.has(error.code)) return exitCodes.usage;
    return unreachable.has(error.code) ? exitCodes.unreachable : exitCodes.findings;
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const wanted = /\bcartwright\b/.test(process.env.NODE_DEBUG ?? '');
  process.stderr.write(
    `CW-CLI-006 this is a fault of cartwright: ${wanted ? stack : message}\n${
      wanted ? '' : 'please report it, with what NODE_DEBUG=cartwright before the same command shows\n'
    }`,
  );
  return exitCodes.internal;
}
