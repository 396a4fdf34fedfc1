import { access, constants, statfs } from 'node:fs/promises';
import { arch, freemem, release, totalmem, type } from 'node:os';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { software } from '#base/software.ts';
import { plainCause } from '#base/system-error.ts';
import { checkConfiguration } from '#catalogue/check-configuration.ts';
import { describeFinding } from '#config/errors.ts';
import { type Inspection, inspectConfig } from '#config/load.ts';
import { TimeSource } from '#gateway/time-source.ts';
import { chooseConfigOrDemo, demoFallback, withConfig } from './config-file.ts';
import { inspectDevices, isUsable } from './device-inspection.ts';
import { describeIdentity } from './device-table.ts';
import { examineBroker } from './doctor-broker.ts';
import { writeBundle } from './doctor-bundle.ts';
import { examineService } from './doctor-machine.ts';
import type { Note, State } from './doctor-notes.ts';
import { exitCodes } from './exit.ts';
import { notice, printJson } from './terminal.ts';
import { checkVision } from './vision-checks.ts';

interface Finding {
  readonly what: string;
  /** Nothing keeps the gateway from working; true for a warning too. */
  readonly ok: boolean;
  readonly state: State;
  readonly message: string;
}

const marks: Readonly<Record<State, string>> = { ok: 'ok  ', warn: 'warn', bad: 'BAD ' };

/** `cartwright doctor`: what a support call asks first. */
export function registerDoctor(program: Command): void {
  withConfig(
    program
      .command('doctor')
      .description('look at machine, configuration, disk, clock, devices and broker, and say what is wrong'),
    demoFallback,
  )
    .option('--json', 'print as JSON')
    .option('--bundle <file>', 'also write all that a support call asks for into one file, without secrets')
    .addHelpText(
      'after',
      `
Nothing is changed and no secret is printed. On a device run it with sudo: only root may read the credentials and the log. The bundle is JSON: findings,
configuration, releases, units, the log of days, machine, disk, USB, names of files; passwords, keys, claims and logins are blanked. Read it before you send it. Exit code 1 where anything is bad; a warning does not change it. A
running gateway holds its devices: they are then shown as held, and its own page tells how they are.

Examples:
  scripts/cartwright doctor
  scripts/cartwright doctor config/demo.yaml
  sudo scripts/cartwright doctor --bundle cart-0042.json
  scripts/cartwright doctor --json | jq -r '.[] | select(.state != "ok") | .message'`,
    )
    .action(doctor);
}

interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly bundle?: string;
}

async function doctor(argument: string | undefined, options: DoctorOptions): Promise<void> {
  const { findings, inspection, seen } = await examine(chooseConfigOrDemo(argument, options));
  if (options.json) printJson(findings);
  else {
    const width = Math.max(...findings.map(({ what }) => what.length));
    for (const { what, state, message } of findings) {
      process.stdout.write(`${marks[state]} ${what.padEnd(width)}  ${message}\n`);
    }
  }
  if (options.bundle !== undefined) {
    await writeBundle(options.bundle, inspection, { findings, seen });
    notice(`${options.bundle}: read it before you send it`);
  }
  if (findings.some(({ ok }) => !ok)) process.exitCode = exitCodes.findings;
}

async function examine(configPath: string) {
  const findings: Finding[] = [];
  const note: Note = (what, said, message) => {
    const state = typeof said === 'string' ? said : said ? 'ok' : 'bad';
    findings.push({ what, ok: state !== 'bad', state, message });
  };
  const attempt = async (what: string, look: () => Promise<void>) => {
    try {
      await look();
    } catch (error) {
      note(what, false, describeError(error));
    }
  };
  const seen: Record<string, unknown> = {};
  await examineMachine(note);
  await attempt('configuration', () => examineConfiguration(configPath, note));
  const inspection = await inspectConfig(configPath, process.env);
  await attempt('disk', () => examineDisk(inspection, note));
  await attempt('machine', () => examineService(inspection, note));
  if (inspection.findings.every(({ severity }) => severity === 'warning')) {
    await attempt('devices', async () => {
      for (const row of (await inspectDevices(configPath)).devices) {
        const identity = describeIdentity(row.identity) || row.driver;
        note(`device ${row.id}`, isUsable(row), row.message ?? identity);
      }
    });
  }
  await attempt('vision', () => examineVision(inspection, note));
  await attempt('broker', () =>
    examineBroker(inspection, note, (what, value) => {
      seen[what] = value;
    }),
  );
  return { findings, inspection, seen };
}

const clockStates = {
  synced: ['ok', 'synchronized'],
  holdover: ['warn', 'no sign of time synchronization; systemd-timesyncd or chrony would give it'],
  unset: [
    'bad',
    'not set: events carry no time of day, and a signed command needs a nonce; connect a time server',
  ],
} as const;

const megabytes = (bytes: number) => `${Math.round(bytes / 1_048_576)} MB`;

async function examineMachine(note: Note): Promise<void> {
  const { node } = process.versions;
  const rightNode = node.startsWith('24.');
  note(
    'software',
    rightNode,
    `${software}, Node ${node}${rightNode ? '' : '; it needs Node 24: start it with scripts/cartwright'}`,
  );
  note(
    'machine',
    type() === 'Linux',
    `${type()} ${release()} ${arch()}, ${megabytes(freemem())} of ${megabytes(totalmem())} free`,
  );
  const time = new TimeSource(systemClock);
  await time.refresh();
  const now = new Date(systemClock.utcMs()).toISOString();
  const [state, meaning] = clockStates[time.quality];
  note('clock', state, `${now} (${meaning})`);
}

async function examineConfiguration(configPath: string, note: Note): Promise<void> {
  const { findings } = await checkConfiguration(configPath, process.env);
  const errors = findings.filter((finding) => finding.severity === 'error');
  if (errors.length === 0) return note('configuration', true, configPath);
  for (const error of errors.slice(0, 3)) {
    note('configuration', false, `${error.code} ${describeFinding(error)}`);
  }
  if (errors.length > 3) {
    note(
      'configuration',
      false,
      `and ${errors.length - 3} more; see: scripts/cartwright check ${configPath}`,
    );
  }
}

/** Nothing is said where there are no cameras. */
async function examineVision(inspection: Inspection, note: Note): Promise<void> {
  const { findings, explanation } = await checkVision(inspection);
  for (const { code, message } of findings) note('vision', 'warn', `${code} ${message}`);
  if (findings.length === 0 && explanation.length > 0) note('vision', true, explanation.join(' '));
}

async function examineDisk({ config, paths }: Inspection, note: Note): Promise<void> {
  if (config === undefined || paths === undefined) return;
  const folder = await nearestFolder(paths.data);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const advice = `give the gateway's user a folder it may write, or set data: in the configuration`;
    return note('disk', false, `${folder} is not writable (${plainCause(error)}); ${advice}`);
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const enough = free > config.outbox.maxBytes;
  note(
    'disk',
    enough,
    `${megabytes(free)} free at ${folder}, the outbox may take ${megabytes(config.outbox.maxBytes)}${
      enough ? '' : '; free some, or lower outbox.maxBytes'
    }`,
  );
}

/** The folder itself, or the nearest one above that exists: it is made at the first start. */
async function nearestFolder(path: string): Promise<string> {
  try {
    await access(path);
    return path;
  } catch {
    const parent = dirname(path);
    return parent === path ? path : nearestFolder(parent);
  }
}
