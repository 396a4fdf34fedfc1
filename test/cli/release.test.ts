import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { connectAsync } from 'mqtt';
import { encodeRecord } from '#events/codec.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import { makePrivateKey, publicPem } from '#identity/keys.ts';
import { runCli } from '#test/support/cli.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { encodeRelease } from '#updates/manifest.ts';

const test = needs(anyTest, 'mosquitto');
const maker = makePrivateKey('Ed25519').key;

const health = (update: object) =>
  Buffer.from(
    encodeRecord(gatewayHealth, {
      ...{ ok: true, uptimeS: 1, sensors: [], outboxEvents: 0, outboxBytes: 0, dropped: 0, connected: true },
      ...{ timeQuality: 'synced', rssBytes: 1, update: update as never },
    }),
  );

test('a release is offered to one group, to the next when the first has it, and to no more after too many failed', async (t) => {
  const broker = await startMosquitto();
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-cli-release-'));
  const client = await connectAsync(broker.url);
  t.teardown(async () => {
    await client.endAsync(true);
    await broker.remove();
    await rm(folder, { recursive: true, force: true });
  });
  await mkdir(join(folder, 'keys'));
  await writeFile(join(folder, 'keys/maker.pem'), publicPem(maker.publicKey));
  const facts = {
    release: 1,
    version: '1.4.0',
    unpackedBytes: 1,
    createdMs: 1,
    firmware: {},
    bytes: 1,
  } as const;
  const formats = { configuration: 1, outbox: 1, calibration: 1 };
  const described = join(folder, 'cartwright-1.4.0-linux-x64.release');
  await writeFile(
    described,
    encodeRelease({ ...facts, formats, arch: 'x64', sha256: '0'.repeat(64) }, maker),
  );
  const at = ['-s', 'shop', '-b', broker.url];
  const says = (device: string, update: object) =>
    client.publishAsync(`cw/1/shop/${device}/health`, health({ state: 'idle', ...update }), {
      qos: 1,
      retain: true,
    });
  await says('cart-1', { version: '1.3.0' });
  await says('cart-2', { version: '1.3.0', group: 'night' });

  const publishing = [
    'release',
    'publish',
    described,
    ...at,
    '--keys',
    join(folder, 'keys'),
    '--url',
    'https://f.example/r',
  ];
  const roll = ['--group', 'canary=cart-1', '--group', '*', '--open', '1', '--stop-at', '1'];
  t.regex((await runCli([...publishing, ...roll])).stdout, /shop offers release 1\.4\.0 for x64/);
  t.regex(
    (await runCli(['release', 'status', ...at])).stdout,
    /canary: 0 of 1 have it\n {2}\* \(not due yet\): 0 of 1/,
  );
  t.regex((await runCli(['release', 'advance', ...at])).stdout, /1 of 2 groups open, 0 failed \(as before\)/);
  await says('cart-1', { version: '1.4.0' });
  t.regex((await runCli(['release', 'advance', ...at])).stdout, /2 of 2 groups open/);
  await says('cart-2', { version: '1.3.0', failed: '1.4.0' });
  t.regex((await runCli(['release', 'advance', ...at])).stdout, /1 failed/);
  const told = JSON.parse((await runCli(['release', 'status', ...at, '--json'])).stdout) as {
    offered: object;
  };
  t.like(told.offered, { version: '1.4.0', failed: 1, stopAt: 1, open: 2 });
  t.regex((await runCli(['release', 'withdraw', ...at])).stdout, /no release is offered any more/);
  const foreign = await runCli([
    ...publishing.slice(0, 3),
    ...at,
    '--keys',
    folder,
    '--url',
    'https://f.example',
  ]);
  t.regex(foreign.stderr, /CW-UPD-035/);
  t.not(foreign.code, 0);
});
