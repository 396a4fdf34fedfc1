import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { throwOnErrors } from '#config/errors.ts';
import { inspectConfig, loadConfig } from '#config/load.ts';
import type { Device, DeviceIdentity } from '#drivers/driver.ts';
import { createSystemPorts, findDriver, listDrivers, openDevice } from '#drivers/registry.ts';
import { inOrderOfBuses } from '#gateway/bus-order.ts';
import {
  type ConfigChoice,
  chooseConfig,
  chooseConfigOrDemo,
  demoFallback,
  installedConfig,
  withConfig,
} from './config-file.ts';
import { exitCodes } from './exit.ts';
import { printJson } from './terminal.ts';

export interface DeviceRow {
  readonly id: string;
  readonly driver: string;
  readonly kind: string;
  readonly state: 'found' | 'missing';
  /** What the device says of itself. */
  readonly identity: DeviceIdentity;
  /** Why it is missing, coded. */
  readonly message?: string;
}

/** `cartwright devices`: what is attached, and which entry of the profile it matches. */
export function registerDevices(program: Command): void {
  withConfig(
    program
      .command('devices')
      .description('list the devices of the board profile: opened and identified, or why not'),
    demoFallback,
  )
    .option('--drivers', 'list drivers instead: those of this release, and those that the configuration adds')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Exit code 1 where a device is missing. A running gateway holds its devices: stop it first.

Examples:
  scripts/cartwright devices
  scripts/cartwright devices config/demo.yaml --json | jq '.[] | select(.state == "missing")'
  scripts/cartwright devices --drivers
  scripts/cartwright devices --drivers -c config/demo.yaml`,
    )
    .action(
      async (
        argument: string | undefined,
        options: { config?: string; drivers?: boolean; json?: boolean },
      ) => {
        if (options.drivers) {
          return printDrivers(await ownDrivers(argument, options), options.json === true);
        }
        const rows = await inspectDevices(chooseConfigOrDemo(argument, options));
        if (options.json) printJson(rows);
        else for (const row of rows) process.stdout.write(`${formatRow(row)}\n`);
        if (rows.some((row) => row.state === 'missing')) process.exitCode = exitCodes.findings;
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

/** Opens each device of a configuration's board in turn and closes it again. Rejects with coded errors of the configuration. */
export async function inspectDevices(configPath: string): Promise<DeviceRow[]> {
  const { board, paths } = await loadConfig(configPath, process.env);
  const rows: DeviceRow[] = [];
  const opened = new Map<string, Device>();
  try {
    for (const entry of inOrderOfBuses(board.devices)) {
      let kind = '';
      try {
        kind = (await findDriver(entry.driver, paths.drivers)).kind;
        const system = { clock: systemClock, log: silentLogger, buses: opened };
        const context = { id: entry.id, ...system, ports: createSystemPorts(system) };
        const device = await openDevice(entry, context, paths.drivers);
        opened.set(entry.id, device);
        const { identity } = device;
        rows.push({ id: entry.id, driver: entry.driver, kind, state: 'found', identity });
      } catch (error) {
        const message = describeError(error);
        rows.push({ id: entry.id, driver: entry.driver, kind, state: 'missing', identity: {}, message });
      }
    }
  } finally {
    for (const device of [...opened.values()].reverse()) await device.stop();
  }
  return rows;
}

/** Vendor, model, serial number, firmware and address, as far as the device told them. */
export function describeIdentity({ vendor, model, serial, firmware, address }: DeviceIdentity): string {
  return [vendor, model, serial, firmware, address].filter((part) => part !== undefined).join(' ');
}

function formatRow({ id, driver, kind, state, identity, message }: DeviceRow): string {
  const cells = [
    state === 'found' ? 'ok     ' : 'MISSING',
    id.padEnd(18),
    driver.padEnd(20),
    kind.padEnd(10),
    message ?? describeIdentity(identity),
  ];
  return cells.join(' ').trimEnd();
}
