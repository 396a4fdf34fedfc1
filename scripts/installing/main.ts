import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, isCoded } from '#base/errors.ts';
import { SetupError } from './errors.ts';
import { lock } from './lock.ts';
import { type Machine, runProgram } from './machine.ts';
import { help, type Options, readOptions, UsageError } from './options.ts';
import { setUp, stepsOf, takeOff } from './plan.ts';
import { SetupRecord } from './record.ts';
import { Screen } from './screen.ts';
import { openSource, ownSource, type Source } from './source.ts';
import { wantedPackages } from './steps/packages.ts';

const exitCodes = { done: 0, failed: 1, usage: 2, internal: 70 } as const;
const logPath = 'var/log/cartwright-setup.log';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(`${help}\n`);
    return exitCodes.done;
  }
  if (options.listPackages) {
    process.stdout.write(`${wantedPackages(options).join('\n')}\n`);
    return exitCodes.done;
  }
  const log = options.dryRun ? undefined : join(options.root, logPath);
  const screen = new Screen(log, (line) => process.stdout.write(`${line}\n`));
  try {
    await run(options, screen);
    return exitCodes.done;
  } catch (error) {
    const isKnown = isCoded(error);
    const text = isKnown || !(error instanceof Error) ? describeError(error) : (error.stack ?? error.message);
    screen.keep(text);
    process.stderr.write(`\n${isKnown ? '' : 'A fault of setup, please report it: '}${text}\n`);
    return isKnown ? exitCodes.failed : exitCodes.internal;
  }
}

async function run(options: Options, screen: Screen): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new SetupError('CW-SYS-001', 'only root may do this: run it again with sudo');
  if (!existsSync(options.root))
    throw new SetupError('CW-SYS-014', `the folder ${options.root} is not there`);
  screen.keep(`setup ${process.argv.slice(2).join(' ')}`);
  const unlock = options.dryRun ? () => {} : lock(options.root);
  let source: Source | undefined;
  try {
    source = options.uninstall ? ownSource() : await openSource(options);
    const { folder, contents } = source;
    const machine: Machine = {
      root: options.root,
      live: options.root === '/' && existsSync('/run/systemd/system'),
      rootId: 0,
      release: { version: contents.version, text: (path) => readFileSync(join(folder, path), 'utf8') },
      record: SetupRecord.read(options.root),
      run: runProgram,
      say: (line) => screen.say(`         ${line}`),
    };
    if (options.uninstall) await remove(options, source, machine, screen);
    else await install(options, source, machine, screen);
  } finally {
    await source?.close();
    unlock();
  }
}

async function install(options: Options, source: Source, machine: Machine, screen: Screen): Promise<void> {
  const { version, arch } = source.contents;
  const where = options.root === '/' ? 'this machine' : options.root;
  screen.say(`Cartwright ${version} (${arch}) onto ${where}${options.dryRun ? ', as a dry run' : ''}`);
  const changes = await setUp(stepsOf(source, options), machine, options.dryRun, screen.report);
  if (changes === 0) screen.say('All is as it should be; nothing was changed.');
  else if (options.dryRun) screen.say(`${changes} steps would change something. Nothing was changed.`);
  else screen.say(`Done. What was done is in /${logPath}.`);
}

async function remove(options: Options, source: Source, machine: Machine, screen: Screen): Promise<void> {
  if (options.dryRun) {
    screen.say('Would stop all services, and remove:');
    const data = /^\/(?:etc|var\/lib)\/cartwright/;
    for (const path of machine.record.all('made'))
      if (options.purge || !data.test(path)) screen.say(`  ${path}`);
    for (const user of machine.record.all('users')) screen.say(`  the user and group ${user}`);
    if (!options.purge) screen.say('Configuration, credentials and data would stay (--purge removes them).');
    return;
  }
  screen.say(`Taking Cartwright off ${options.root === '/' ? 'this machine' : options.root}`);
  await takeOff(
    stepsOf(source, { ...options, kiosk: true, console: true }),
    machine,
    options.purge,
    screen.report,
  );
  screen.say('Done. Nothing of it is left but what is named above.');
  await rm(join(options.root, logPath), { force: true });
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\nscripts/setup --help tells what there is.\n`);
  process.exitCode = exitCodes.usage;
}
