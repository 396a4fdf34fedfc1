import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { describeError, isCoded } from '#base/errors.ts';
import { dataWork } from './data-keeper.ts';
import { takeLock } from './lock.ts';
import { placesUnder } from './places.ts';
import { systemServices } from './services.ts';
import { Updater } from './updater.ts';

const help = `The updater of a Cartwright device: run by systemd, as root.

node src/updates/main.ts run|boot|status [--root DIR] [--systemctl PROGRAM]

  run     goes on with a release on trial, then does what the gateway asks for
  boot    at the start of the machine: counts it, and finishes what a power cut left
  status  shows what the updater knows, as JSON

  --root DIR            takes all places below DIR
  --systemctl PROGRAM   speaks to the service manager by it
  --boot-id TEXT        in place of the kernel's

Exit codes: 0 done (also where a request was refused: the state says why) · 1 it could not go on · 2 wrong usage`;

async function main(args: readonly string[]): Promise<number> {
  const piece = dataWork[args[0] ?? ''];
  if (piece !== undefined) {
    process.stdout.write(`${await piece(args.slice(1))}\n`);
    return 0;
  }
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      root: { type: 'string', default: '/' },
      systemctl: { type: 'string', default: 'systemctl' },
      'boot-id': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [action] = positionals;
  if (values.help || positionals.length !== 1 || !['run', 'boot', 'status'].includes(action ?? '')) {
    process.stdout.write(`${help}\n`);
    return values.help ? 0 : 2;
  }
  const places = placesUnder(values.root);
  const bootId = values['boot-id'] ?? (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
  const options = {
    places,
    services: systemServices(values.systemctl),
    log,
    bootId,
    utcMs: () => Date.now(),
    nowMs: () => performance.now(),
    sleep: (ms: number) => sleep(ms),
  };
  if (action === 'status') {
    process.stdout.write(`${JSON.stringify((await Updater.open(options)).state, null, 1)}\n`);
    return 0;
  }
  const release = await takeLock(join(places.own, 'lock'), bootId);
  try {
    const updater = await Updater.open(options);
    await (action === 'boot' ? updater.boot() : updater.run());
    return 0;
  } finally {
    await release();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage =
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`${isCoded(error) || isUsage ? describeError(error) : (error as Error).stack}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
