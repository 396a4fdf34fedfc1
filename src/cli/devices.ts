import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { throwOnErrors } from '#config/errors.ts';
import { inspectConfig } from '#config/load.ts';
import { listDrivers } from '#drivers/registry.ts';
import {
  type ConfigChoice,
  chooseConfig,
  chooseConfigOrDemo,
  demoFallback,
  installedConfig,
  withConfig,
} from './config-file.ts';
import { inspectDevices, isUsable } from './device-inspection.ts';
import { attachedLines, deviceLines } from './device-table.ts';
import { exitCodes } from './exit.ts';
import { printJson } from './terminal.ts';

/** `cartwright devices`: what is attached, and which entry of the profile it matches. */
export function registerDevices(program: Command): void {
  withConfig(
    program
      .command('devices')
      .description('list the devices of the board profile: found, or why not; and all that is attached'),
    demoFallback,
  )
    .option('--drivers', 'list drivers instead: those of this release, and those that the configuration adds')
    .option('--all', "show the machine's own sensors, buttons and lines as well")
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Exit code 1 where a device is missing, held by another process or forbidden to this user. What a running gateway holds is
left alone and said to be in use. Who holds a port is seen by root only, where it is another user's process.

Examples:
  scripts/cartwright devices
  scripts/cartwright devices config/demo.yaml --json | jq '.devices[] | select(.state == "missing")'
  scripts/cartwright devices --drivers
  scripts/cartwright devices --drivers -c config/demo.yaml`,
    )
    .action(
      async (
        argument: string | undefined,
        options: { config?: string; drivers?: boolean; json?: boolean; all?: boolean },
      ) => {
        if (options.drivers) {
          return printDrivers(await ownDrivers(argument, options), options.json === true);
        }
        const { devices, attached } = await inspectDevices(chooseConfigOrDemo(argument, options));
        if (options.json) printJson({ devices, attached });
        else {
          const lines = [
            ...deviceLines(devices),
            '',
            'attached:',
            ...attachedLines(attached, options.all === true),
          ];
          process.stdout.write(`${lines.join('\n')}\n`);
        }
        if (!devices.every(isUsable)) process.exitCode = exitCodes.findings;
      },
    );
}

/** Files of a maker's own drivers, where a configuration is given or installed. Rejects with ConfigError. */
async function ownDrivers(argument: string | undefined, choice: ConfigChoice): Promise<readonly string[]> {
  const path = chooseConfig(argument, choice);
  if (path === installedConfig && !existsSync(path)) return [];
  const { paths, findings } = await inspectConfig(path, process.env);
  if (paths === undefined) throwOnErrors(findings);
  return paths?.drivers ?? [];
}

async function printDrivers(own: readonly string[], json: boolean): Promise<void> {
  const shipped = (await listDrivers()).length;
  const drivers = (await listDrivers(own)).map(({ name, kind }, index) => ({
    name,
    kind,
    from: index < shipped ? 'this release' : 'the configuration',
  }));
  if (json) return printJson(drivers);
  for (const { name, kind, from } of drivers) {
    process.stdout.write(`${name.padEnd(24)} ${kind.padEnd(12)} ${from}\n`);
  }
}
