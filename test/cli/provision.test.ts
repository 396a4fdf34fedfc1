import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { runCli, startCli } from '#test/support/cli.ts';

const yaml = `# This comment stays.
cartwright: 1
store: my-store
device: cart-0001   # and this one
board: bench
data: data
broker: { url: 'mqtt://127.0.0.1:1883' }
`;

test.serial(
  'from an empty folder to a provisioned device, its backup, its replacement and back to nothing, by commands alone',
  async (t) => {
    t.timeout(300_000);
    const root = await mkdtemp(join(tmpdir(), 'cartwright-provision-'));
    t.teardown(() => rm(root, { recursive: true, force: true }));
    const at = (...path: readonly string[]) => join(root, ...path);
    const said: string[] = [];
    const run = async (...args: readonly string[]) => {
      const result = await runCli(args);
      said.push(result.stdout, result.stderr);
      return result;
    };
    const folder = ['--folder', at('authority')];
    const init = await run(
      'authority',
      'init',
      ...folder,
      '-s',
      'lab',
      '--broker',
      'mqtts://broker.lab.example:8883',
    );
    t.is(init.code, 0, init.stderr);
    t.regex(init.stdout, /root SHA-256 [0-9a-f]{64}/);
    const service = startCli([
      'authority',
      'serve',
      ...folder,
      '--listen',
      '127.0.0.1:0',
      '--name',
      '127.0.0.1',
    ]);
    t.teardown(() => service.child.kill('SIGKILL'));
    let shown = '';
    service.child.stdout?.on('data', (text: string) => {
      shown += text;
    });
    await service.shows('root SHA-256');
    const url = /https:\/\/127\.0\.0\.1:\d+/.exec(shown)?.[0] ?? '';
    const claims = await run(
      'authority',
      'claim',
      'cart-1',
      ...folder,
      '--authority',
      url,
      '--out',
      at('claim.json'),
    );
    t.is(claims.code, 0, claims.stderr);
    const { claim } = JSON.parse(await readFile(at('claim.json'), 'utf8')) as { claim: string };

    await mkdir(at('device/data/calibrations'), { recursive: true });
    await writeFile(at('device/cartwright.yaml'), yaml, { mode: 0o640 });
    await writeFile(at('device/data/calibrations/calibration-00000001.json'), '{"record":1}');
    const credentials = ['--folder', at('device/credentials')];
    const place = ['--config', at('device/cartwright.yaml'), '--clock-floor', at('device/data/clock-floor')];
    const made = await run('provision', 'claim', at('claim.json'), ...credentials, ...place);
    t.is(made.code, 0, made.stderr);
    t.regex(made.stdout, /^cart-1 of lab is provisioned, until /);
    t.false((await readdir(root)).includes('claim.json'), 'a claim that is used up is not left lying about');
    const written = await readFile(at('device/cartwright.yaml'), 'utf8');
    t.true(written.includes('# This comment stays.') && written.includes('# and this one'));
    t.like(parse(written), { store: 'lab', device: 'cart-1', board: 'bench' });
    t.like((parse(written) as { broker: object }).broker, {
      url: 'mqtts://broker.lab.example:8883',
      keyFile: `$\{CREDENTIALS_DIRECTORY}/device-key.pem`,
    });
    t.is((await stat(at('device/cartwright.yaml'))).mode & 0o777, 0o640);
    t.regex(await readFile(at('device/data/clock-floor'), 'utf8'), /^\d{13}\n$/);
    t.regex((await run('provision', 'renew', ...credentials)).stdout, /^not due/);
    const status = await run('provision', 'status', ...credentials, '--json');
    t.like(JSON.parse(status.stdout), { provisioned: true, store: 'lab', device: 'cart-1', daysLeft: 364 });

    await writeFile(at('passphrase'), 'five quite ordinary words here\n', { mode: 0o600 });
    const sealed = ['--passphrase-file', at('passphrase'), '--credentials'];
    const kept = await run(
      'backup',
      at('cart.cwb'),
      ...sealed,
      at('device/credentials'),
      '-c',
      at('device/cartwright.yaml'),
    );
    t.is(kept.code, 0, kept.stderr);
    t.is((await stat(at('cart.cwb'))).mode & 0o777, 0o600);
    const target = [...sealed, at('new/credentials'), '-c', at('new/cartwright.yaml')];
    const back = await run('restore', at('cart.cwb'), ...target, '--as-is');
    t.is(back.code, 0, back.stderr);
    for (const file of [
      'cartwright.yaml',
      'credentials/device-key.pem',
      'data/calibrations/calibration-00000001.json',
    ]) {
      t.deepEqual(await readFile(at('new', file)), await readFile(at('device', file)), file);
    }
    t.is((await run('restore', at('cart.cwb'), ...target, '--as-is')).code, 0, 'again, as after a power cut');
    await writeFile(at('new/data/calibrations/calibration-00000002.json'), '{"record":1}');
    t.regex((await run('restore', at('cart.cwb'), ...target, '--as-is')).stderr, /calibrations of its own/);
    await writeFile(at('passphrase'), 'another one of some words\n');
    t.regex((await run('restore', at('cart.cwb'), ...target, '--as-is')).stderr, /^CW-IDN-021/);

    const reset = ['factory-reset', '-c', at('new/cartwright.yaml'), '--credentials', at('new/credentials')];
    t.regex((await run(...reset)).stderr, /say --yes/);
    t.is((await run(...reset, '--yes')).code, 0);
    t.deepEqual([await readdir(at('new/credentials')), await readdir(at('new/data'))], [[], []]);
    t.true((await readdir(at('new'))).includes('cartwright.yaml'));
    t.regex(
      (await run('provision', 'renew', '--folder', at('new/credentials'))).stdout,
      /no certificate to renew/,
    );

    const revoked = await run('authority', 'revoke', 'cart-1', ...folder, '--why', 'stolen');
    t.regex(
      revoked.stderr,
      /^CW-CAU-008 .*authority broker/,
      'it is on record, and it is told that no broker knows',
    );
    t.regex((await run('authority', 'list', ...folder)).stdout, /cart-1 .*revoked/);
    t.deepEqual(
      (await run('authority', 'audit', ...folder, '--json')).stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { what: string }).what),
      ['server', 'claim', 'enrolled', 'revoked'],
    );
    service.child.kill('SIGTERM');
    const ended = await service.ended;
    t.is(ended.code, 0, ended.stderr);
    const everything = [...said, ended.stdout, ended.stderr, shown].join('\n');
    const key = await readFile(at('device/credentials/device-key.pem'), 'utf8');
    for (const secret of [claim, claim.replaceAll('-', ''), key.split('\n')[1] ?? '', 'five quite']) {
      t.false(everything.includes(secret), 'no secret is printed or logged');
    }
  },
);

test('what can not be is refused before anything is begun', async (t) => {
  t.timeout(300_000);
  const root = await mkdtemp(join(tmpdir(), 'cartwright-provision-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const folder = ['--folder', join(root, 'credentials')];
  for (const [expected, code, args] of [
    [/^CW-CLI-004 .*can't be read/, 3, ['provision', 'claim', join(root, 'none.json'), ...folder]],
    [
      /^CW-IDN-015/,
      1,
      ['provision', 'claim', '--claim', 'ABCD', '--authority', 'https://a.example', ...folder],
    ],
    [/^CW-CLI-001 .*--yes/, 2, ['provision', 'wipe', ...folder]],
    [/^CW-CLI-001 --authority/, 2, ['authority', 'claim', 'cart-1', '--authority', 'http://a.example']],
    [/^CW-CAU-002/, 1, ['authority', 'list', '--folder', join(root, 'none')]],
  ] as const) {
    const result = await runCli(args);
    t.regex(result.stderr, expected);
    t.is(result.code, code, result.stderr);
  }
});
