import type { Command } from 'commander';
import { registerDriverReplay } from './driver-replay.ts';
import { registerDriverVerify } from './driver-verify.ts';

/** `cartwright driver …`: what writers of drivers need. */
export function registerDriver(program: Command): void {
  const driver = program
    .command('driver')
    .description('try a driver: against the driver contract, or on recorded bytes')
    .usage('[options] <verify|replay>')
    .addHelpText(
      'after',
      `
Examples:
  scripts/cartwright driver verify hid-pos-scanner
  scripts/cartwright driver replay /tmp/trip       what \`cartwright record --raw\` has recorded`,
    );
  registerDriverVerify(driver);
  registerDriverReplay(driver);
  for (const command of driver.commands) command.exitOverride();
}
