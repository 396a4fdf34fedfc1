import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import anyTest, { type ExecutionContext } from 'ava';
import { isShell, ownFiles, readOwn, root } from '../../scripts/checks/tree.ts';
import { findTool, needs } from '../tools.ts';

const run = promisify(execFile);

/** Runs a checker and passes when it does; what it printed is the failure's message. */
async function passes(t: ExecutionContext, command: string, args: readonly string[]): Promise<void> {
  t.timeout(110_000);
  try {
    await run(command, args, { cwd: root, maxBuffer: 1 << 26 });
    t.pass();
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim();
    t.fail(`${command} ${args.slice(0, 4).join(' ')}\n${said === '' ? message : said.slice(-8000)}`);
  }
}

const test = anyTest.serial;
const bin = (name: string) => `${root}/node_modules/.bin/${name}`;

test('every file is formatted and free of lint, warnings included', (t) =>
  passes(t, bin('biome'), ['check', '--error-on-warnings', '--colors=off', '.']));

test('the gateway, its tests and scripts pass the strict type check', (t) =>
  passes(t, bin('tsc'), ['--noEmit', '--pretty', 'false']));

test('the pages that run in a browser pass the strict type check', (t) =>
  passes(t, bin('tsc'), ['--noEmit', '--pretty', 'false', '--project', 'src/pages/tsconfig.json']));

test('the generated documentation is what its sources say', (t) =>
  passes(t, bin('node'), ['scripts/docs.ts', '--check']));

needs(anyTest, 'shellcheck').serial('every shell script passes shellcheck', (t) => {
  const scripts = ownFiles()
    .filter((path) => /^(?:scripts|\.ci|boards|systemd|test)\//.test(path))
    .map(readOwn)
    .filter(isShell)
    .map(({ path }) => path);
  t.true(scripts.includes('scripts/lib/setup.sh') && scripts.includes('scripts/test'));
  return passes(t, findTool('shellcheck') ?? 'shellcheck', ['--external-sources', ...scripts]);
});
