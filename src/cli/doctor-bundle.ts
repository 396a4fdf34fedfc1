import { execFile } from 'node:child_process';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { cpus, freemem, hostname, loadavg, release, totalmem, uptime } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { asOwnerOf } from '#base/as-owner.ts';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { software } from '#base/software.ts';
import { plainCause } from '#base/system-error.ts';
import type { Inspection } from '#config/load.ts';
import { withoutSecrets } from '#gateway/inspection.ts';
import { CliError } from './errors.ts';
import { redactAll, secretsOf } from './redaction.ts';

const run = promisify(execFile);
const programWithinMs = 20_000;
const mostOutput = 8 * 1_048_576;
/** Longest file that goes in whole, bytes. */
const longestFile = 262_144;
const mostNames = 500;
const credentialsFolder = '/etc/cartwright/credentials';
const folderVariable = /\$\{CREDENTIALS_DIRECTORY[^}]*\}/;
const secretFiles = ['device-key.pem', 'broker-password', 'pending/device-key.pem', 'claim.json'];

/** What a program says, or why it says nothing: not every machine has systemd. */
async function said(program: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(program, args, { timeout: programWithinMs, maxBuffer: mostOutput });
    return stdout;
  } catch (error) {
    return `(${program} says nothing: ${plainCause(error)})`;
  }
}

/** The text of a file, or why it is not here. */
async function textOf(path: string): Promise<string> {
  try {
    const { size } = await lstat(path);
    if (size > longestFile) return `(${size} bytes, too long)`;
    return await readFile(path, 'utf8');
  } catch (error) {
    return `(not read: ${plainCause(error)})`;
  }
}

/** What lies below a folder: names, sizes and times, three folders deep. */
async function listing(folder: string, depth = 3): Promise<string[]> {
  const lines: string[] = [];
  const walk = async (inside: string, left: number): Promise<void> => {
    for (const name of (await readdir(join(folder, inside)).catch(() => [])).sort()) {
      if (lines.length >= mostNames) return;
      const path = join(inside, name);
      const status = await lstat(join(folder, path)).catch(() => undefined);
      if (status === undefined) continue;
      const mode = (status.mode & 0o7777).toString(8).padStart(4, '0');
      lines.push(`${mode} ${status.uid}:${status.gid} ${status.size} ${status.mtime.toISOString()} ${path}`);
      if (status.isDirectory() && left > 1) await walk(path, left - 1);
    }
  };
  await walk('', depth);
  return lines;
}

/** Names of what is plugged in, without serial numbers. */
async function usbDevices(): Promise<string[]> {
  const folder = '/sys/bus/usb/devices';
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d[\d.-]*$/.test(name)).sort();
  return await Promise.all(
    names.map(async (name) => {
      const [vendor, product, title] = await Promise.all(
        ['idVendor', 'idProduct', 'product'].map((part) => textOf(join(folder, name, part))),
      );
      return `${name} ${vendor?.trim()}:${product?.trim()} ${title?.trim()}`;
    }),
  );
}

async function machineFacts(): Promise<object> {
  const [system, mounts, memory, thermal] = await Promise.all(
    ['/etc/os-release', '/proc/mounts', '/proc/meminfo', '/sys/class/thermal/thermal_zone0/temp'].map(textOf),
  );
  const model = (await textOf('/proc/device-tree/model')).replaceAll('\0', '');
  return {
    ...{ hostname: hostname(), kernel: release(), uptimeS: Math.round(uptime()), load: loadavg() },
    ...{ processors: cpus().length, processor: cpus()[0]?.model, model, totalBytes: totalmem() },
    ...{ freeBytes: freemem(), system, mounts, memory, thermal, usb: await usbDevices() },
    disk: await said('df', '--portability'),
    serial: await readdir('/dev/serial/by-path').catch(() => []),
  };
}

const unitFacts =
  'Id,ActiveState,SubState,Result,NRestarts,ExecMainStatus,MemoryCurrent,StateChangeTimestamp';

async function serviceFacts(): Promise<object> {
  const all = ['--all', 'cartwright*'];
  return {
    units: await said('systemctl', 'show', `--property=${unitFacts}`, ...all),
    timers: await said('systemctl', 'list-timers', '--no-pager', ...all),
    boots: await said('journalctl', '--list-boots', '--no-pager'),
    log: await said('journalctl', '--no-pager', '--output=short-iso', '--lines=3000', '--unit=cartwright*'),
    kernel: await said('journalctl', '--no-pager', '--dmesg', '--priority=warning', '--lines=300'),
    time: await said('timedatectl', 'show', '--property=NTPSynchronized,TimeUSec'),
  };
}

/** What a YAML file says, also one with faults; undefined where it is none. */
async function yamlOf(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = parse(await textOf(path), { maxAliasCount: 100 });
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const recordsOfData = ['clock-floor', 'last-end', 'run.json', 'safe-mode.json', 'updates/request.json'];

async function dataFacts(data: string): Promise<object> {
  return {
    names: await listing(data),
    files: Object.fromEntries(
      await Promise.all(
        [...recordsOfData, 'calibrations/last-good.json'].map(
          async (name) => [name, await textOf(join(data, name))] as const,
        ),
      ),
    ),
  };
}

/**
 * What is known to be secret on this device, where whoever runs this may read it. Of a configuration with faults, too: that is when
 * people call.
 */
async function knownSecrets(
  file: string,
  config: Record<string, unknown> | undefined,
): Promise<readonly string[]> {
  const { passwordFile, keyFile } = (config?.broker ?? {}) as Record<string, unknown>;
  const { CREDENTIALS_DIRECTORY: folder = credentialsFolder } = process.env;
  const named = [passwordFile, keyFile].flatMap((path) =>
    typeof path === 'string' ? resolve(dirname(file), path.replace(folderVariable, folder)) : [],
  );
  const all = [...named, ...secretFiles.map((name) => join(credentialsFolder, name))];
  return secretsOf(await Promise.all(all.map((path) => readFile(path, 'utf8').catch(() => ''))));
}

/**
 * Writes everything that a support call asks for into one file, JSON that people can read before they send it, with no secret in it.
 * Rejects with CW-CLI-004.
 * @param found what the doctor itself has found
 */
export async function writeBundle(path: string, inspection: Inspection, found: object): Promise<void> {
  const { paths, file } = inspection;
  const config = await yamlOf(file);
  const data = typeof config?.data === 'string' ? resolve(dirname(file), config.data) : paths?.data;
  const bundle = {
    cartwrightBundle: 1,
    made: new Date().toISOString(),
    software,
    ...found,
    // A text that is no YAML goes in as it is, blanked like all the rest.
    configuration: { path: file, text: config ?? (await textOf(file)) },
    board: paths === undefined ? undefined : await yamlOf(paths.board),
    releases: {
      names: await listing('/opt/cartwright', 2),
      updater: await textOf('/var/lib/cartwright-updater/state.json'),
      healthy: await textOf('/run/cartwright/healthy.json'),
    },
    // Names and modes alone: what is in them is nobody's business.
    identityFiles: await listing(credentialsFolder),
    data: data === undefined ? undefined : await asOwnerOf(data, () => dataFacts(data)),
    machine: await machineFacts(),
    services: await serviceFacts(),
  };
  const text = `${JSON.stringify(redactAll(withoutSecrets(bundle), await knownSecrets(file, config)), null, 1)}\n`;
  const { SUDO_UID, SUDO_GID } = process.env;
  const byRoot = process.geteuid?.() === 0 && /^\d+$/.test(SUDO_UID ?? '') && /^\d+$/.test(SUDO_GID ?? '');
  const owner = byRoot ? { uid: Number(SUDO_UID), gid: Number(SUDO_GID) } : undefined;
  await writeFileAtomic(path, text, 0o600, owner).catch((cause: unknown) => {
    throw new CliError(
      'CW-CLI-004',
      `${basename(path)} can't be written in ${dirname(path)}: ${plainCause(cause)}`,
      {
        cause,
      },
    );
  });
}
