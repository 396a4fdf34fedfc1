import type { Command } from 'commander';
import { registerVisionBench } from './vision-bench.ts';
import { registerVisionCodes } from './vision-codes.ts';
import { registerVisionEval } from './vision-eval.ts';

/** `cartwright vision …`: what cameras see, tried on pictures. */
export function registerVision(program: Command): void {
  const vision = program
    .command('vision')
    .description('try what cameras see: products and codes on pictures, and how fast')
    .usage('[options] <codes|eval|bench>')
    .addHelpText(
      'after',
      `
Examples:
  scripts/cartwright vision codes /tmp/pictures
  scripts/cartwright vision eval --images val.txt --root /tmp/groceries
  scripts/cartwright vision bench`,
    );
  registerVisionCodes(vision);
  registerVisionEval(vision);
  registerVisionBench(vision);
  for (const command of vision.commands) command.exitOverride();
}
