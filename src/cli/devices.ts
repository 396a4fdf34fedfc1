import type { Command } from 'commander';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { loadConfig } from '#config/load.ts';
import type { Device } from '#drivers/driver.ts';
import { findDriver, listDrivers, openDevice } from '#drivers/registry.ts';
import { exitCodes } from './exit.ts';

interface Row {
  readonly id: string;
  readonly driver: string;
  readonly kind: string;
  readonly state: 'found' | 'missing';
  readonly identity: string;
  readonly message?: string;
}

/** `cartwright devices`: what is attached, and which entry of the profile it matches. */
export function registerDevices(program: Command): void {
  program
    .command('devices')
    .description('list the devices of the board profile: opened and identified, or why not')
    .option('-c, --config <file>', 'configuration', '/etc/cartwright/cartwright.yaml')
    .option('--drivers', 'list the drivers instead')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Examples:
  cartwright devices -c config/demo.yaml
  cartwright devices --drivers`,
    )
    .action(async (options: { config: string; drivers?: boolean; json?: boolean }) => {
      if (options.drivers) {
        const drivers = (await listDrivers()).map(({ name, kind }) => ({ name, kind }));
        const lines = drivers.map(({ name, kind }) => `${name.padEnd(24)} ${kind}`);
        process.stdout.write(`${options.json ? JSON.stringify(drivers) : lines.join('\n')}\n`);
        return;
      }
      const rows = await inspectDevices(options.config);
      if (options.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
      else for (const row of rows) process.stdout.write(`${formatRow(row)}\n`);
      if (rows.some((row) => row.state === 'missing')) process.exitCode = exitCodes.findings;
    });
}

/** Opens each device of a configuration's board in turn and closes it again. Rejects with coded errors of the configuration. */
export async function inspectDevices(configPath: string): Promise<Row[]> {
  const { board, paths } = await loadConfig(configPath, process.env);
  const rows: Row[] = [];
  const opened = new Map<string, Device>();
  try {
    // Those that others are reached through come first.
    const entries = [...board.devices].sort(
      (a, b) =>
        Number('world' in a.options || 'bus' in a.options) -
        Number('world' in b.options || 'bus' in b.options),
    );
    for (const entry of entries) {
      let kind = '';
      try {
        kind = (await findDriver(entry.driver, paths.drivers)).kind;
        const context = { id: entry.id, clock: systemClock, log: silentLogger, buses: opened };
        const device = await openDevice(entry, context, paths.drivers);
        opened.set(entry.id, device);
        const { vendor, model, serial, firmware, address } = device.identity;
        const identity = [vendor, model, serial, firmware, address]
          .filter((part) => part !== undefined)
          .join(' ');
        rows.push({ id: entry.id, driver: entry.driver, kind, state: 'found', identity });
      } catch (error) {
        const message = describeError(error);
        rows.push({ id: entry.id, driver: entry.driver, kind, state: 'missing', identity: '', message });
      }
    }
  } finally {
    for (const device of [...opened.values()].reverse()) await device.stop();
  }
  return rows;
}

function formatRow({ id, driver, kind, state, identity, message }: Row): string {
  return `${state === 'found' ? 'ok     ' : 'MISSING'} ${id.padEnd(18)} ${driver.padEnd(20)} ${kind.padEnd(10)} ${message ?? identity}`.trimEnd();
}
