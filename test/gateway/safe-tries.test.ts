import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { silentLogger } from '#base/log.ts';
import { factsOf, keepFacts, readFacts } from '#gateway/known-facts.ts';
import { countTry, forgetTries, retryAfterS } from '#gateway/safe-tries.ts';
import { loadSetup } from '#gateway/setup.ts';

test('a gateway is tried again after ten minutes, then twenty, an hour at most; doing well ends that', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-tries-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const waits: number[] = [];
  for (let i = 0; i < 5; i++) waits.push(retryAfterS(await countTry(folder, silentLogger)));
  t.deepEqual(waits, [600, 1_200, 2_400, 3_600, 3_600]);
  t.is(retryAfterS(1e9), 3_600);
  await forgetTries(folder);
  t.is(await countTry(folder, silentLogger), 1);
  await writeFile(join(folder, 'safe-mode.json'), '{"tries":"many"');
  t.is(await countTry(folder, silentLogger), 1, 'torn');
});

test('what a device knows of itself outlives its configuration, and follows the folder of credentials', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-known-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const setup = await loadSetup('config/demo.yaml', {
    CARTWRIGHT_BROKER__URL: 'mqtts://broker.example:8883',
    CARTWRIGHT_BROKER__EMBEDDED: 'false',
    CARTWRIGHT_BROKER__KEY_FILE: '/run/credentials/cartwright.service/device-key.pem',
    CARTWRIGHT_BROKER__CERT_FILE: '/run/credentials/cartwright.service/device.pem',
    CARTWRIGHT_DATA: folder,
  });
  t.is(await readFacts(folder, undefined), undefined);
  const facts = factsOf(setup, { ledger: '0123456789abcdef', boot: 7 });
  t.true(facts.mustSign);
  await keepFacts(folder, facts, '/run/credentials/cartwright.service');
  const read = await readFacts(folder, '/run/credentials/cartwright-safe.service');
  t.deepEqual(read, {
    ...facts,
    broker: {
      ...facts.broker,
      keyFile: '/run/credentials/cartwright-safe.service/device-key.pem',
      certFile: '/run/credentials/cartwright-safe.service/device.pem',
    },
  });
  await writeFile(join(folder, 'known.json'), '{"known":1,"store":');
  t.is(await readFacts(folder, undefined), undefined);
});
