import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { commands } from '#cli/commands.ts';
import { type CliResult, runCli, startCli } from '#test/support/cli.ts';

const putBack = 'config/scenarios/put-back.yaml';

async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-cli-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A command that could not do its work: its code, one line or two on standard error, nothing on standard output. */
function fails(t: ExecutionContext, result: CliResult, exitCode: number, code: string): void {
  t.is(result.code, exitCode, result.stderr);
  t.true(result.stderr.startsWith(`${code} `), result.stderr);
  t.is(result.stdout, '');
  t.notRegex(result.stderr, /\n\s+at |node:internal/, 'no stack trace');
}

const json = <T>(text: string): T => JSON.parse(text) as T;

test('every command shows its options and examples', async (t) => {
  for (const { usage } of commands) {
    const [name] = usage.split(' ');
    const { code, stdout, stderr } = await runCli([name ?? '', '--help']);
    t.is(code, 0);
    t.is(stderr, '');
    t.true(stdout.startsWith(`Usage: cartwright ${name} [options]`), stdout);
    for (const argument of usage.split(' ').slice(1))
      t.true(stdout.includes(argument), `${name} ${argument}`);
    t.true(stdout.includes(`\nExamples:\n`), stdout);
    t.regex(stdout, new RegExp(`\\n {2}(CARTWRIGHT_\\S+ )?scripts/cartwright ${name}`), 'can be copied');
    t.notRegex(stdout, /\n {2}cartwright /);
  }
});

test('the help lists every command and the exit codes', async (t) => {
  const { code, stdout } = await runCli(['--help']);
  t.is(code, 0);
  for (const { usage } of commands) t.true(stdout.includes(`\n  ${usage.split(' ')[0]} `), usage);
  for (const number of [0, 1, 2, 3, 70, 78]) t.regex(stdout, new RegExp(`\\n  ${number} +\\w`));
  t.regex((await runCli(['--version'])).stdout, /^cartwright\/\d+\.\d+\.\d+\n$/);
});

test('a command that is written wrongly ends with 2 and names what was meant', async (t) => {
  const mistakes: readonly [readonly string[], RegExp][] = [
    [['chekc'], /Did you mean check\?/],
    [['check', '--jsn'], /Did you mean --json\?/],
    [['simulate', putBack], /--trace/],
    [['record'], /folder/],
    [['call', 'gateway.info', '-d', 'cart-1'], /--store/],
    [['call', 'gateway.info', '-s', 'Store', '-d', 'cart-1'], /a-z, 0-9 and -/],
    [['call', 'a#b', '-s', 'store', '-d', 'cart-1'], /dotted name/],
    [['call', 'tare', 'plate', '-s', 'store', '-d', 'cart-1'], /name=value/],
    [['call', 'tare', '{"plate":', '-s', 'store', '-d', 'cart-1'], /not valid JSON/],
    [['call', 'tare', 'plate=a', 'plate=b', '-s', 'store', '-d', 'cart-1'], /twice/],
    [['call', 'tare', '--timeout', 'soon', '-s', 'store', '-d', 'cart-1'], /number of seconds/],
    [['tail', '--count', '0'], /integer from 1/],
    [['tail', '--broker', 'http://localhost'], /mqtts?:\/\//],
    [['tail', '--device', '+/#'], /a-z, 0-9 and -/],
    [['record', 'somewhere', '--seconds', '-1'], /number of seconds/],
    [['demo', '--port', '70000'], /0 to 65535/],
    [['simulate', putBack, '--trace', 'x', '--seed', '1.5'], /integer from 0/],
    [['run', 'one.yaml', '--config', 'two.yaml'], /give one/],
  ];
  for (const [args, expected] of mistakes) {
    const result = await runCli(args);
    fails(t, result, 2, args[1] === 'a#b' ? 'CW-UPL-030' : 'CW-CLI-001');
    t.regex(result.stderr, expected);
  }
});

test('a file that is not there ends with 3 and its name', async (t) => {
  const missing = join(await temporary(t), 'missing');
  const cases: readonly [readonly string[], string][] = [
    [['devices', missing], 'CW-CFG-001'],
    [['simulate', missing, '--trace', join(missing, 'out')], 'CW-SIM-001'],
    [['replay', missing], 'CW-TRC-005'],
    [['score', missing], 'CW-TRC-005'],
    [['call', 'gateway.info', '-s', 'a', '-d', 'b', '--ca', missing], 'CW-CLI-004'],
  ];
  for (const [args, code] of cases) {
    const result = await runCli(args);
    fails(t, result, 3, code);
    t.true(result.stderr.includes(missing), result.stderr);
  }
});

test('a broker that is away ends with 3 and its address at once', async (t) => {
  t.timeout(600_000);
  const broker = 'mqtt://127.0.0.1:1';
  for (const args of [
    ['tail'],
    ['call', 'gateway.info', '-s', 'store', '-d', 'cart-1', '--timeout', '3600'],
  ]) {
    // One that waited for its hour would run into the limit above.
    const result = await runCli([...args, '--broker', broker]);
    fails(t, result, 3, 'CW-CLI-002');
    t.true(result.stderr.includes(broker), result.stderr);
  }
});

test('check explains a configuration, and names file, line and remedy of what is wrong in one', async (t) => {
  const good = await runCli(['check', 'config/demo.yaml']);
  t.is(good.code, 0);
  t.regex(good.stdout, /Catalogue demo-1: \d+ products/);
  t.regex(good.stdout, /config\/demo\.yaml: ok/);

  const folder = await temporary(t);
  const path = join(folder, 'cartwright.yaml');
  const text = await readFile('config/demo.yaml', 'utf8');
  await writeFile(
    path,
    text
      .replace('store:', 'stroe:')
      .replace('calibrations/', `${resolve('config')}/calibrations/`)
      .replace('catalogues/', `${resolve('config')}/catalogues/`),
  );
  const bad = await runCli(['check', path]);
  t.is(bad.code, 1);
  t.regex(bad.stdout, /error: CW-CFG-004 .*cartwright\.yaml:3:1: stroe: .*did you mean store/);
  t.is(bad.stderr, '');
  const report = json<{ ok: boolean; findings: { code: string; line?: number }[] }>(
    (await runCli(['check', path, '--json'])).stdout,
  );
  t.false(report.ok);
  t.true(report.findings.some(({ code, line }) => code === 'CW-CFG-004' && line === 3));

  const missing = await runCli(['check', join(folder, 'nothing.yaml')]);
  t.is(missing.code, 3);
  t.regex(missing.stdout, /CW-CFG-001 .*no such file/);
});

test('check asks the drivers what they think of their options', async (t) => {
  const folder = await temporary(t);
  await writeFile(
    join(folder, 'board.yaml'),
    [
      'profile: 1',
      'name: test',
      'devices:',
      '  - { id: world, driver: virtual-world, options: { scenaro: x.yaml } }',
      '  - { id: bridge, driver: no-such-driver, options: { cells: [cell] } }',
      'plates:',
      '  - id: plate',
      '    kind: cart',
      '    maxMg: 1000000',
      '    intervalMg: 1000',
      '    cells: [{ id: cell, positionMm: [0, 0], capacityMg: 5000000 }]',
    ].join('\n'),
  );
  const path = join(folder, 'cartwright.yaml');
  await writeFile(
    path,
    [
      'cartwright: 1',
      'store: store',
      'device: cart-1',
      'board: board.yaml',
      `catalogue: ${resolve('config/catalogues/demo.json')}`,
    ].join('\n'),
  );
  const { code, stdout } = await runCli(['check', path, '--json']);
  t.is(code, 1);
  const { findings } = json<{
    findings: { code: string; path: string; line?: number; column?: number; message: string }[];
  }>(stdout);
  const driver = findings.filter((finding) => finding.code.startsWith('CW-DRV'));
  t.deepEqual(
    driver.map(({ code, path, line, column }) => [code, path, line, column]),
    [
      ['CW-DRV-002', 'devices[0].options', 4, 50],
      ['CW-DRV-001', 'devices[1].driver', 5, 27],
    ],
  );
  t.regex(driver[0]?.message ?? '', /scenaro/);
  t.regex(driver[1]?.message ?? '', /no driver no-such-driver; this release brings: .*virtual-load-cells/);
});

test('devices lists what it opened and identified, in the order in which they are reached', async (t) => {
  const { code, stdout } = await runCli(['devices', 'config/demo.yaml', '--json']);
  t.is(code, 0);
  const { devices: rows, attached } = json<{
    devices: { id: string; state: string; identity: { vendor?: string } }[];
    attached: unknown[];
  }>(stdout);
  t.true(Array.isArray(attached));
  t.deepEqual(
    rows.map(({ id, state }) => [id, state]),
    [
      ['world', 'found'],
      ['mcu', 'found'],
      ['bridge', 'found'],
      ['handle-scanner', 'found'],
      ['imu', 'found'],
      ['basket-camera', 'found'],
    ],
  );
  t.true(rows.every(({ identity }) => identity.vendor !== undefined));
});

test('the drivers of a release are listed, and with a configuration those that it adds', async (t) => {
  const list = async (...more: string[]) => {
    const { code, stdout, stderr } = await runCli(['devices', '--drivers', '--json', ...more]);
    t.is(code, 0, stderr);
    return json<{ name: string; from: string }[]>(stdout);
  };
  const shipped = await list();
  t.true(shipped.some(({ name }) => name === 'virtual-world'));
  t.true(shipped.every(({ from }) => from === 'this release'));

  const folder = await temporary(t);
  await writeFile(
    join(folder, 'acme.js'),
    `import { z } from ${JSON.stringify(import.meta.resolve('zod'))};
     export default { contract: 1, name: 'acme-one', kind: 'scanner', options: z.strictObject({}), open: async () => ({}) };`,
  );
  const path = join(folder, 'cartwright.yaml');
  await writeFile(
    path,
    'cartwright: 1\nstore: store\ndevice: cart-1\nboard: demo-cart\ndrivers: [acme.js]\n',
  );
  t.deepEqual(
    (await list('-c', path)).slice(shipped.length).map(({ name, from }) => [name, from]),
    [['acme-one', 'the configuration']],
  );
});

test('record says in one sentence why it can not start, and ends with 78', async (t) => {
  const folder = await temporary(t);
  const path = join(folder, 'cartwright.yaml');
  await writeFile(path, 'cartwright: 1\nstore: s\ndevice: cart-1\nboard: no-such-board\n');
  const result = await runCli(['record', join(folder, 'out'), '-c', path]);
  fails(t, result, 78, 'CW-CFG-011');
  t.notRegex(result.stderr, /"level"/);
  t.false(existsSync(join(folder, 'out')), 'nothing is left behind');

  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  t.teardown(() => holder.close());
  const { port } = holder.address() as { port: number };
  const env = { CARTWRIGHT_BROKER__URL: `mqtt://127.0.0.1:${port}`, CARTWRIGHT_DATA: join(folder, 'data') };
  const busy = await runCli(['record', join(folder, 'out'), '-c', 'config/demo.yaml'], { env });
  fails(t, busy, 1, 'CW-UPL-040');
  t.regex(busy.stderr, /is a demo running\?/);
});

test('a scenario that can not be played names the step and leaves nothing behind', async (t) => {
  const folder = await temporary(t);
  const path = join(folder, 'bad.yaml');
  const text = await readFile(putBack, 'utf8');
  await writeFile(
    path,
    `${text.slice(0, text.indexOf('steps:')).replace('../', `${resolve('config')}/`)}steps:\n  - { wait: 1 }\n  - { take: { gtin: "08001250120076" } }\n`,
  );
  const out = join(folder, 'out');
  const result = await runCli(['simulate', path, '--trace', out]);
  fails(t, result, 1, 'CW-SIM-006');
  t.regex(result.stderr, /bad\.yaml: step 2 \(take\): can not take 1/);
  t.false(existsSync(out));
});

test('doctor looks at everything, also without a configuration of its own, and says whose it looks at', async (t) => {
  const { code, stdout, stderr } = await runCli(['doctor', '--json']);
  t.is(code, 0, stdout);
  t.regex(stderr, /this is about the demo, config\/demo\.yaml/);
  const findings = json<{ what: string; ok: boolean; state: string }[]>(stdout);
  for (const what of ['software', 'machine', 'clock', 'configuration', 'disk', 'device bridge', 'broker']) {
    t.true(findings.find((finding) => finding.what === what)?.ok, what);
  }
  for (const { what, ok, state } of findings) {
    t.is(ok, state !== 'bad', `${what}: a warning keeps nothing from working`);
    if (what !== 'clock') t.is(state, 'ok', what);
  }
});

test('doctor names what is bad and ends with 1', async (t) => {
  const env = {
    CARTWRIGHT_BROKER__EMBEDDED: 'false',
    CARTWRIGHT_BROKER__URL: 'mqtt://127.0.0.1:1',
    CARTWRIGHT_DATA: '/proc/self/nowhere',
  };
  const { code, stdout } = await runCli(['doctor', 'config/demo.yaml'], { env });
  t.is(code, 1);
  t.regex(stdout, /\nBAD {2}disk .*\/proc/);
  t.regex(stdout, /\nBAD {2}broker .*CW-CLI-002/);
  const missing = await runCli(['doctor', 'nothing.yaml']);
  t.is(missing.code, 1);
  t.regex(missing.stdout, /\nBAD {2}configuration .*CW-CFG-001/);
});

test('simulating a scenario twice gives the same bytes, and with another seed other ones', async (t) => {
  const folder = await temporary(t);
  const run = async (name: string, ...more: string[]) => {
    const result = await runCli(['simulate', putBack, '--trace', join(folder, name), '--json', ...more]);
    t.is(result.code, 0, result.stderr);
    return { ...json<{ trace: string; truths: number }>(result.stdout), name };
  };
  const [first, second, other] = [await run('a'), await run('b'), await run('c', '--seed', '77')];
  t.is(first.truths, 3);
  const bytes = (run: { trace: string }) => readFile(run.trace);
  t.deepEqual(await bytes(first), await bytes(second));
  t.notDeepEqual(await bytes(first), await bytes(other));
  for (const file of ['board.yaml', 'calibration.json', 'catalogue.json']) {
    t.deepEqual(await readFile(join(folder, 'a', file)), await readFile(join(folder, 'b', file)), file);
  }
});

test('replaying a trace gives the same bytes every time and in every time zone', async (t) => {
  const folder = await temporary(t);
  t.is((await runCli(['simulate', putBack, '--trace', folder])).code, 0);
  const outputs: Buffer[] = [];
  for (const TZ of ['UTC', 'UTC', 'Pacific/Auckland', 'America/St_Johns']) {
    const out = join(folder, `${outputs.length}.ndjson`);
    const { code, stdout, stderr } = await runCli(['replay', folder, '--events', out, '--json'], {
      env: { TZ },
    });
    t.is(code, 0, stderr);
    t.true(json<{ events: number }>(stdout).events > 5);
    outputs.push(await readFile(out));
  }
  for (const output of outputs.slice(1)) t.deepEqual(output, outputs[0]);
  const lines = outputs[0]?.toString().trim().split('\n') ?? [];
  t.true(lines.some((line) => json<{ type: string }>(line).type === 'item.removed'));
});

test('a replay that nobody reads to its end stops quietly', async (t) => {
  const folder = await temporary(t);
  await runCli(['simulate', 'config/scenarios/several-items.yaml', '--trace', folder]);
  const run = startCli(['replay', folder]);
  run.child.stdout?.once('data', () => run.child.stdout?.destroy());
  const { code, stderr } = await run.ended;
  t.is(code, 0);
  t.is(stderr, '');
});

test('lines are not coloured where nobody sees them, and say what happened', async (t) => {
  const folder = await temporary(t);
  await runCli(['simulate', putBack, '--trace', folder]);
  const { code, stdout } = await runCli(['replay', folder]);
  t.is(code, 0);
  t.false(stdout.includes('\u{1b}'));
  t.regex(stdout, /item\.added +\S.* 1 +[\d.]+ k?g +9\d\.\d\d %/);
  t.regex(stdout, /\n\d+ events of 1\d\.\d s, \d+ cell samples, \d+ × real time\n$/);
});

test('score judges traces by their truth lines, and adds several up', async (t) => {
  const folder = await temporary(t);
  await runCli(['simulate', putBack, '--trace', folder]);
  const good = await runCli(['score', folder, folder]);
  t.is(good.code, 0, good.stderr);
  t.regex(good.stdout, /\nall +6 +6 /);

  // The same trip, held against goods that were never moved.
  const trace = join(folder, 'trace.ndjson');
  const text = await readFile(trace, 'utf8');
  await writeFile(trace, text.replaceAll('"gtin":"03017620422003"', '"gtin":"00000000000000"'));
  const bad = await runCli(['score', folder, '--json']);
  t.is(bad.code, 1);
  const score = json<{ wrong: number; missed: number }>(bad.stdout);
  t.is(score.wrong, 2);

  // Cut in the middle of a line, it is judged as far as it goes.
  await writeFile(trace, text.slice(0, Math.floor(text.length * 0.8)));
  const cut = await runCli(['score', folder, '--json']);
  t.is(cut.code, 1);
  t.regex(cut.stderr, /: CW-TRC-004 /);
  const partial = json<{ truths: number; error: { code: string } }>(cut.stdout);
  t.true(partial.truths > 0 && partial.truths <= 3);
  t.is(partial.error.code, 'CW-TRC-004');

  await writeFile(trace, text.replace(/^.*"truth":\{.*$\n/gm, ''));
  fails(t, await runCli(['score', folder]), 1, 'CW-TRC-007');
});

test('a fault of the software itself ends with 70 and without a stack, unless one is asked for', async (t) => {
  // A built-in that breaks stands for what nobody foresaw.
  const hook = join(await temporary(t), 'hook.mjs');
  await writeFile(hook, `JSON.stringify = () => { throw new RangeError('unforeseen') };`);
  const args = ['devices', '--drivers', '--json'];
  const plain = await runCli(args, { env: { NODE_OPTIONS: `--import=${hook}` } });
  fails(t, plain, 70, 'CW-CLI-006');
  t.regex(plain.stderr, /unforeseen/);
  const full = await runCli(args, { env: { NODE_OPTIONS: `--import=${hook}`, NODE_DEBUG: 'cartwright' } });
  t.is(full.code, 70);
  t.regex(full.stderr, /unforeseen\n\s+at /);
});
