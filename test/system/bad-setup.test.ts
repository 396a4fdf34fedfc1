import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type CliResult, runCli } from '#test/support/cli.ts';
import { type GatewayFolder, makeGatewayFolder, startGateway } from '#test/support/gateway.ts';

const nowhere = 'mqtt://127.0.0.1:1';

async function makeFolder(
  t: ExecutionContext,
  config: Readonly<Record<string, unknown>> = {},
): Promise<GatewayFolder> {
  const folder = await makeGatewayFolder({ brokerUrl: nowhere, scenario: 'put-back', config });
  t.teardown(() => folder.remove());
  return folder;
}

/** What the daemon says last of all before it ends by itself. */
/** Its fatal line: that one overtakes lines from right before it that are still being written. */
function lastWords({ stdout }: CliResult): { readonly level: number; readonly err: string } {
  const lines = stdout.trim().split('\n');
  return JSON.parse(lines.findLast((line) => line.startsWith('{"level":60,')) ?? lines.at(-1) ?? '{}') as {
    level: number;
    err: string;
  };
}

test('a catalogue with a wrong check digit is refused by check and daemon, with its code and place', async (t) => {
  const text = await readFile('config/catalogues/demo.json', 'utf8');
  const folder = await makeFolder(t, { catalogue: 'catalogue.json' });
  await writeFile(join(folder.path, 'catalogue.json'), text.replace('"03017620422003"', '"03017620422004"'));
  const check = await runCli(['check', folder.configPath]);
  t.is(check.code, 1);
  t.regex(
    check.stdout,
    /error: CW-CAT-007 \S+catalogue\.json: products\[\d+\]\.gtin: found "03017620422004"/,
  );
  const run = await runCli(['run', folder.configPath]);
  t.is(run.code, 78, 'so that systemd does not start it again in vain');
  t.is(lastWords(run).level, 60);
  t.regex(lastWords(run).err, /^CW-CAT-007 /);
  t.is(run.stderr, '');
});

test('a configuration without a catalogue is no configuration to run', async (t) => {
  const folder = await makeFolder(t);
  const text = await readFile(folder.configPath, 'utf8');
  await writeFile(folder.configPath, text.replace(/^catalogue:.*\n/m, ''));
  t.is((await runCli(['check', folder.configPath])).code, 1, 'check says what the daemon would do');
  const run = await runCli(['run', folder.configPath]);
  t.is(run.code, 78);
  t.regex(lastWords(run).err, /^CW-GWY-001 .*catalogue/);
});

test('broken YAML and binary garbage are coded, with the place', async (t) => {
  const folder = await makeFolder(t);
  const cases: readonly [string | Buffer, RegExp][] = [
    ['cartwright: 1\nstore: [unclosed\n', /^CW-CFG-002 .*cartwright\.yaml:\d+:\d+/],
    [Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]), /^CW-CFG-001 .*UTF-8/],
    [`a: &a [${'x,'.repeat(10)}]\n${'b: [*a,*a,*a,*a]\n'}`, /^CW-CFG-00\d /],
    ['['.repeat(20_000), /^CW-CFG-002 /],
    ['', /^CW-CFG-00\d /],
  ];
  for (const [content, expected] of cases) {
    await writeFile(folder.configPath, content);
    const check = await runCli(['check', folder.configPath]);
    t.true(check.code === 1 || check.code === 3, `${check.code}`);
    t.is(check.stderr, '');
    const run = await runCli(['run', folder.configPath]);
    t.is(run.code, 78);
    t.regex(lastWords(run).err, expected);
  }
});

test('a data folder that can not be written is a coded error, and the service manager tries again', async (t) => {
  const folder = await makeFolder(t);
  // A file in the way keeps everybody out, also the superuser.
  await writeFile(join(folder.path, 'data'), 'not a folder');
  const run = await runCli(['run', folder.configPath]);
  t.is(run.code, 1);
  t.regex(lastWords(run).err, /^CW-UPL-001 .*data/, run.stdout + run.stderr);
  t.is(run.stderr, '');
});

test('a port of the status page that is taken keeps nobody from selling', async (t) => {
  const holder = createServer();
  await new Promise<void>((listening) => holder.listen(0, '127.0.0.1', listening));
  t.teardown(() => holder.close());
  const { port } = holder.address() as { port: number };
  const folder = await makeFolder(t, { status: { port } });
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  t.true(daemon.running());
  const said = daemon.log.find((line) => line.includes('CW-PAG-002'));
  t.is((JSON.parse(said ?? '{}') as { level: number }).level, 50, 'and it is said');
  t.is(await daemon.stop(), 0);
});

test('a port of the embedded broker that is taken is a coded error', async (t) => {
  const holder = createServer();
  await new Promise<void>((listening) => holder.listen(0, '127.0.0.1', listening));
  t.teardown(() => holder.close());
  const { port } = holder.address() as { port: number };
  const broker = { embedded: true, url: `mqtt://127.0.0.1:${port}` };
  const folder = await makeFolder(t, { broker });
  const environment = { CARTWRIGHT_BROKER__URL: broker.url };
  const run = await runCli(['run', folder.configPath], { env: environment });
  t.is(run.code, 1);
  t.regex(lastWords(run).err, /^CW-UPL-040 /);
});

test('an address that is no broker is refused at the start, and one that is away is waited for', async (t) => {
  const folder = await makeFolder(t);
  for (const url of ['http://127.0.0.1', 'nonsense', 'mqtt://']) {
    const run = await runCli(['run', folder.configPath], { env: { CARTWRIGHT_BROKER__URL: url } });
    t.is(run.code, 78, url);
    t.regex(lastWords(run).err, /^CW-CFG-\d{3} .*broker\.url/, url);
  }
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  t.true(daemon.log.some((line) => line.includes('"gateway running"')));
  t.is(await daemon.stop(), 0);
});

test('a device whose options its driver refuses is a fault with that code, and the others run', async (t) => {
  const folder = await makeFolder(t);
  const boardPath = join(folder.path, 'board.yaml');
  const board = await readFile(boardPath, 'utf8');
  const changed = board.replace(/(driver: virtual-motion\n\s+options:\n)/, '$1      samplesPerSekond: 5\n');
  t.not(changed, board);
  await writeFile(boardPath, changed);
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  const faults = daemon.log.filter((line) => line.includes('CW-DRV-002'));
  t.regex(faults[0] ?? '', /"device":"imu"/);
  t.true(daemon.log.some((line) => line.includes('"device running"') && line.includes('"bridge"')));
  t.is(await daemon.stop(), 0);
});

test('two gateways do not share a data folder', async (t) => {
  const folder = await makeFolder(t);
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  const second = await runCli(['run', folder.configPath]);
  t.is(second.code, 1);
  t.regex(lastWords(second).err, /^CW-UPL-004 /);
  t.true(daemon.running());
  t.is(await daemon.stop(), 0);
});
