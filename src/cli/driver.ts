import type { Command } from 'commander';
import { registerDriverReplay } from './driver-replay.ts';
import { registerDriverVerify } from './driver-verify.ts';

/** `cartwright driver …`: what writers of drivers need. */
export function registerDriver(program: Command): void {
  const driver = program
    .command('driver')
    .description('try a driver: against the driver contract, or on recorded bytes');
  registerDriverVerify(driver);
  registerDriverReplay(driver);
  for (const command of driver.commands) command.exitOverride();
}
