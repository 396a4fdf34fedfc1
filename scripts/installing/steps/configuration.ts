import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { describeFinding } from '#config/errors.ts';
import { type Inspection, inspectConfig } from '#config/load.ts';
import { SetupError } from '../errors.ts';
import { isThere, type Machine, textOf } from '../machine.ts';
import type { Options } from '../options.ts';
import { file, make, missing, type Part } from '../parts.ts';
import { readReleaseKey } from '../source.ts';
import { partsStep, type Step } from '../step.ts';

export const configPath = '/etc/cartwright/cartwright.yaml';
export const certificatePath = '/etc/cartwright/credentials/device.pem';
const dataFolder = '/var/lib/cartwright';
/** What the service is given; the files are made later, by provisioning. */
const environment = { CREDENTIALS_DIRECTORY: '/run/credentials/cartwright.service' };

/**
 * The configuration: the one that was given, where there is none yet. Before a claim is taken there has to be one for
 * it to be written into. What is there is never changed here.
 */
export function configuration({ config, provision }: Pick<Options, 'config' | 'provision'>): Step {
  const wanted = async (machine: Machine): Promise<readonly Part[]> => {
    if (config !== undefined) return givenParts(machine, config);
    if (provision === undefined) return [];
    return [confidential(configPath, machine.release.text('config/device.yaml'))];
  };
  return {
    title: 'configuration',
    async look(machine) {
      if (isThere(machine, configPath)) {
        const wrong = missing(machine, confidential(configPath, textOf(machine, configPath) ?? ''));
        if (wrong !== undefined) return { state: 'needed', plan: [wrong] };
        const given = config === undefined ? undefined : readFileSync(config, 'utf8');
        const same = given === undefined || given === textOf(machine, configPath);
        return {
          state: 'done',
          what: same ? configPath : `${configPath} is there already, and is kept as it is`,
        };
      }
      const plan = (await wanted(machine)).flatMap((part) => missing(machine, part) ?? []);
      if (plan.length > 0) return { state: 'needed', plan };
      return {
        state: 'left',
        why: `none was given (--config, --provision): write ${configPath} from cartwright.example.yaml beside it; the gateway starts when it is there`,
      };
    },
    async act(machine) {
      const kept = textOf(machine, configPath);
      // Whoever edited it may have made it unreadable to the gateway, or readable to all.
      if (kept !== undefined) return make(machine, confidential(configPath, kept));
      for (const part of await wanted(machine))
        if (part.path === configPath || !isThere(machine, part.path)) await make(machine, part);
    },
    // With the folder that they lie in, where that is wanted.
    undo: async () => [],
  };
}

const confidential = (path: string, content: string) =>
  file(path, content, { mode: 0o640, group: 'cartwright' });

/** The configuration and what it names in its own folder. Rejects with CW-SYS-012. */
async function givenParts(machine: Machine, path: string): Promise<readonly Part[]> {
  if (!existsSync(path)) throw unusable(path, ['the file is not there']);
  const inspection = await inspectConfig(path, environment);
  const faults = inspection.findings.filter(({ severity }) => severity !== 'warning').map(describeFinding);
  const data = inspection.config?.data;
  if (data !== undefined && !`${resolve('/etc/cartwright', data)}/`.startsWith(`${dataFolder}/`))
    faults.push(`data: is ${data}; the service may write to ${dataFolder} alone`);
  if (faults.length > 0) throw unusable(path, faults);
  const parts = namedFiles(inspection, dirname(resolve(path)), machine).map(([name, from]) =>
    confidential(`/etc/cartwright/${name}`, readFileSync(from, 'utf8')),
  );
  return [...parts, confidential(configPath, readFileSync(path, 'utf8'))];
}

/** Looks at what was given before anything is done. Rejects with CW-SYS-012, -013 and -020. */
export async function checkGiven(machine: Machine, { config, keys, provision }: Options): Promise<void> {
  for (const path of keys) readReleaseKey(path);
  if (provision !== undefined && !existsSync(provision) && !isThere(machine, certificatePath))
    throw new SetupError(
      'CW-SYS-020',
      `the claim file ${provision} is not there; the store's authority makes it`,
    );
  if (config !== undefined && !isThere(machine, configPath)) await givenParts(machine, config);
}

/** Files beside the configuration that it names, by their place from there. Keys and passwords are no part of it. */
function namedFiles({ paths }: Inspection, folder: string, machine: Machine): [string, string][] {
  if (paths === undefined) return [];
  const { board, calibration, catalogue, planogram, keysFile, rootKeyFile, passwordFile, certFile, keyFile } =
    paths;
  for (const secret of [passwordFile, certFile, keyFile]) {
    if (secret?.startsWith(`${folder}/`) === true)
      machine.say(
        `${basename(secret)} is not taken along: secrets belong to /etc/cartwright/credentials (docs/operator/provision.md)`,
      );
  }
  return [board, calibration, catalogue, planogram, keysFile, rootKeyFile]
    .filter((path) => path?.startsWith(`${folder}/`) === true && existsSync(path))
    .map((path) => [relative(folder, path ?? ''), path ?? '']);
}

function unusable(path: string, faults: readonly string[]): SetupError {
  return new SetupError('CW-SYS-012', `${path} can't work on a device: ${faults.join('; ')}`, {
    details: { faults },
  });
}

/** Public keys of whoever makes releases, named by their fingerprints. */
export function releaseKeys({ keys }: Pick<Options, 'keys'>): Step {
  const step = partsStep({
    title: 'release keys',
    what: 'releases are taken from whoever is named in /etc/cartwright/release-keys',
    parts: () =>
      keys.map((path) =>
        file(`/etc/cartwright/release-keys/${readReleaseKey(path).id}.pem`, readFileSync(path, 'utf8')),
      ),
  });
  return {
    ...step,
    look(machine) {
      if (keys.length > 0) return step.look(machine);
      return { state: 'left', why: 'none was given (--key); updates need one' };
    },
    undo: async () => [],
  };
}
