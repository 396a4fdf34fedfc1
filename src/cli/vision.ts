import type { Command } from 'commander';
import { registerVisionCodes } from './vision-codes.ts';
import { registerVisionEval } from './vision-eval.ts';

/** `cartwright vision …`: what cameras see, tried on pictures. */
export function registerVision(program: Command): void {
  const vision = program
    .command('vision')
    .description('try what cameras see, on pictures')
    .usage('[options] <codes|eval>')
    .addHelpText(
      'after',
      `
Examples:
  scripts/cartwright vision codes /tmp/pictures
  scripts/cartwright vision eval --images val.txt --root /tmp/groceries`,
    );
  registerVisionCodes(vision);
  registerVisionEval(vision);
  for (const command of vision.commands) command.exitOverride();
}
