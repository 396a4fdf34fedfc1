import type { Command } from 'commander';
import { registerVisionCodes } from './vision-codes.ts';

/** `cartwright vision …`: what cameras see, tried on pictures. */
export function registerVision(program: Command): void {
  const vision = program
    .command('vision')
    .description('try what cameras see, on pictures')
    .usage('[options] <codes>')
    .addHelpText(
      'after',
      `
Examples:
  scripts/cartwright vision codes /tmp/pictures`,
    );
  registerVisionCodes(vision);
  for (const command of vision.commands) command.exitOverride();
}
