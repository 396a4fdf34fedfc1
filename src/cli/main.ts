import { Command, CommanderError } from 'commander';
import { isCoded } from '#base/errors.ts';
import { software } from '#base/software.ts';
import { registerCall } from './call.ts';
import { registerCheck } from './check.ts';
import { registerDemo } from './demo.ts';
import { registerDevices } from './devices.ts';
import { registerDoctor } from './doctor.ts';
import { exitCodeHelp, exitCodes } from './exit.ts';
import { registerReplay } from './replay.ts';
import { registerRecord, registerRun } from './run.ts';
import { registerScore } from './score.ts';
import { registerSimulate } from './simulate.ts';
import { registerTail } from './tail.ts';

const program = new Command('cartwright')
  .description('The gateway of smart carts and smart shelves: sensors in, item events out over MQTT.')
  .version(software, '-V, --version', 'print the version')
  .helpOption('-h, --help', 'show help')
  .showHelpAfterError('(cartwright --help lists the commands, cartwright COMMAND --help shows examples)')
  .addHelpText('after', exitCodeHelp)
  .exitOverride();

for (const register of [
  registerDemo,
  registerRun,
  registerCheck,
  registerDevices,
  registerTail,
  registerCall,
  registerRecord,
  registerReplay,
  registerSimulate,
  registerScore,
  registerDoctor,
]) {
  register(program);
}
for (const command of program.commands) command.exitOverride();

// `cartwright tail | head` ends without a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

const unreachable: ReadonlySet<string> = new Set(['CW-CLI-002', 'CW-CLI-003', 'CW-CLI-004', 'CW-TRC-005']);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
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
