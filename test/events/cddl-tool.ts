import { execFile } from 'node:child_process';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const folder = join(root, '.setup/cddl-verifier-1.5.3');

/** Asks the tool about many messages at once; each answer is null or what is wrong with it. */
export type CddlCheck = (questions: readonly { rule: string; cbor: string }[]) => Promise<(string | null)[]>;

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * cddl-verifier, an implementation of RFC 8610 in plain Python that knows nothing of ours, installed by its hash into
 * .setup/ the first time. Undefined, with the reason on stderr, where there is no Python or no way to get it.
 */
export async function openCddlTool(schema: string): Promise<CddlCheck | undefined> {
  try {
    if (!(await exists(folder))) await install();
  } catch (error) {
    console.error(`cddl-verifier could not be installed (python3 with pip is needed): ${String(error)}`);
    return undefined;
  }
  return async (questions) => {
    const child = run('python3', [join(import.meta.dirname, 'cddl-check.py'), join(root, schema)], {
      env: { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' },
      maxBuffer: 16_777_216,
    });
    child.child.stdin?.end(questions.map((question) => `${JSON.stringify(question)}\n`).join(''));
    const { stdout } = await child;
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as string | null);
  };
}

async function install(): Promise<void> {
  const fresh = `${folder}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  try {
    const options = [
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--only-binary=:all:',
      '--require-hashes',
    ];
    const requirements = join(import.meta.dirname, 'cddl-requirements.txt');
    await run('python3', [
      '-m',
      'pip',
      'install',
      ...options,
      '--target',
      fresh,
      '--requirement',
      requirements,
    ]);
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}
