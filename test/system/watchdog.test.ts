import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest from 'ava';
import { Collector } from '#test/support/collector.ts';
import { device, makeGatewayFolder, store } from '#test/support/gateway.ts';
import { hangThread } from '#test/support/inspector.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { ServiceUnderTest } from '#test/support/service.ts';
import { needs } from '#test/tools.ts';

const test = needs(anyTest, 'mosquitto');

test('a main thread that hangs is ended by the watchdog, and the next birth says so; a broker that hangs is no reason', async (t) => {
  const broker = await startMosquitto();
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'put-back',
    config: { healthS: 1 },
  });
  const collector = await Collector.connect(broker.url, store, device);
  const service = await ServiceUnderTest.start(folder, {
    watchdogMs: 2_500,
    arguments: ['--inspect=127.0.0.1:0'],
  });
  t.teardown(async () => {
    await service.stop();
    await collector.close();
    await broker.remove();
    await folder.remove();
  });
  const ready = await service.until('READY=1');
  await service.until(/^STATUS=in service; broker connected/, ready);
  const healthy = JSON.parse(await readFile(join(service.runtimeFolder, 'healthy.json'), 'utf8')) as object;
  t.like(healthy, { boot: 1, faulty: [], checks: { sensors: true, fusion: true, broker: true } });

  broker.freeze();
  const frozen = service.happenings.length;
  const fed = await service.until('WATCHDOG=1', (await service.until('WATCHDOG=1', frozen)) + 1);
  await service.until('WATCHDOG=1', (await service.until('WATCHDOG=1', fed + 1)) + 1);
  t.false(service.happenings.slice(frozen).some(({ what }) => what === 'watchdog' || what.startsWith('end')));
  broker.thaw();

  await hangThread(service.inspector ?? '');
  const found = await service.until('watchdog', frozen);
  const back = await service.until('READY=1', found);
  const born = await collector.until(
    ({ type, boot }) => type === 'gateway.born' && boot === 2,
    20_000,
    'the birth after the hang',
  );
  t.like(born.data, {
    reason: 'restart-after-crash',
    before: { cause: 'hung', message: 'watchdog killed ABRT' },
  });
  t.deepEqual(collector.unreported(), []);
  t.log(`found and running again ${service.between(found, back)} ms after the watchdog's time was over`);
});
