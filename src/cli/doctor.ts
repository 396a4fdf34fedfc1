import { access, constants, statfs } from 'node:fs/promises';
import { arch, freemem, release, totalmem } from 'node:os';
import type { Command } from 'commander';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { software } from '#base/software.ts';
import { checkConfiguration } from '#catalogue/check-configuration.ts';
import { inspectConfig } from '#config/load.ts';
import { timeQuality } from '#gateway/time-source.ts';
import { connectBroker } from './broker.ts';
import { inspectDevices } from './devices.ts';
import { exitCodes } from './exit.ts';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly message: string;
}

/** `cartwright doctor`: what a support call asks first. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look at machine, configuration, disk, clock, devices and broker, and say what is wrong')
    .option('-c, --config <file>', 'configuration', '/etc/cartwright/cartwright.yaml')
    .option('--json', 'print as JSON')
    .addHelpText(
      'after',
      `
Nothing is changed and no secret is printed.

Examples:
  cartwright doctor -c config/demo.yaml`,
    )
    .action(async (options: { config: string; json?: boolean }) => {
      const findings = await examine(options.config);
      if (options.json) process.stdout.write(`${JSON.stringify(findings)}\n`);
      else {
        for (const { what, ok, message } of findings) {
          process.stdout.write(`${ok ? 'ok  ' : 'BAD '} ${what.padEnd(14)} ${message}\n`);
        }
      }
      if (findings.some(({ ok }) => !ok)) process.exitCode = exitCodes.findings;
    });
}

async function examine(configPath: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  const note = (what: string, ok: boolean, message: string) => findings.push({ what, ok, message });
  const attempt = async (what: string, look: () => Promise<void>) => {
    try {
      await look();
    } catch (error) {
      note(what, false, describeError(error));
    }
  };
  const megabytes = (bytes: number) => `${Math.round(bytes / 1_048_576)} MB`;
  note('software', process.versions.node.startsWith('24.'), `${software}, Node ${process.versions.node}`);
  note(
    'machine',
    true,
    `Linux ${release()} ${arch()}, ${megabytes(freemem())} of ${megabytes(totalmem())} free`,
  );
  const quality = timeQuality(systemClock);
  note(
    'clock',
    quality !== 'unset',
    `${new Date(systemClock.utcMs()).toISOString()} (${quality}${quality === 'holdover' ? ': no sign of time synchronization' : ''})`,
  );
  await attempt('configuration', async () => {
    const report = await checkConfiguration(configPath, process.env);
    const errors = report.findings.filter((finding) => finding.severity === 'error');
    note(
      'configuration',
      report.ok,
      report.ok ? configPath : `${errors.length} errors; see cartwright check ${configPath}`,
    );
  });
  const { config, paths } = await inspectConfig(configPath, process.env);
  if (config === undefined || paths === undefined) return findings;
  await attempt('disk', async () => {
    const folder = await nearestFolder(paths.data);
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const enough = free > config.outbox.maxBytes;
    note(
      'disk',
      enough,
      `${megabytes(free)} free at ${folder}, the outbox may take ${megabytes(config.outbox.maxBytes)}`,
    );
  });
  await attempt('devices', async () => {
    for (const row of await inspectDevices(configPath)) {
      note(`device ${row.id}`, row.state === 'found', row.message ?? (row.identity || row.driver));
    }
  });
  if (!config.broker.embedded) {
    await attempt('broker', async () => {
      const { url, username } = config.broker;
      const client = await connectBroker({ url, username, passwordFile: paths.passwordFile, timeoutS: 5 });
      await client.endAsync(true);
      note('broker', true, url);
    });
  }
  return findings;
}

/** The folder itself, or the nearest one above that exists: it is made at the first start. */
async function nearestFolder(path: string): Promise<string> {
  try {
    await access(path);
    return path;
  } catch {
    const parent = path.replace(/\/[^/]*$/, '') || '/';
    return parent === path ? path : nearestFolder(parent);
  }
}
