import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest from 'ava';
import { callDevice } from '#cli/call.ts';
import { Collector } from '#test/support/collector.ts';
import { device, makeGatewayFolder, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { ServiceUnderTest } from '#test/support/service.ts';
import { needs } from '#test/tools.ts';

const test = needs(anyTest, 'mosquitto');

test('a restart is asked for once, not while a shopper is there, and the next birth tells why', async (t) => {
  const broker = await startMosquitto();
  const folder = await makeGatewayFolder({ brokerUrl: broker.url, scenario: 'put-back' });
  const collector = await Collector.connect(broker.url, store, device);
  const service = await ServiceUnderTest.start(folder, { watchdogMs: 30_000 });
  t.teardown(async () => {
    await service.stop();
    await collector.close();
    await broker.remove();
    await folder.remove();
  });
  await service.until('READY=1');
  const wish = join(service.runtimeFolder, 'power.json');
  const call = { broker: broker.url, store, device, timeout: 30 };
  const reboot = {
    ...call,
    command: 'device.reboot',
    args: { why: 'new antenna' },
    transaction: 'reboot-0001',
  };
  const code = async (args: typeof reboot) => {
    const answer = await callDevice(args);
    return answer.status === 'refused' ? answer.code : 'done';
  };
  t.is(await code({ ...reboot, args: { why: '' }, transaction: 'reboot-0002' }), 'CW-CMD-008');
  t.is((await callDevice({ ...call, command: 'session.begin', args: { touch: true } })).status, 'done');
  t.is(await code({ ...reboot, transaction: 'reboot-0003' }), 'CW-GWY-010');
  await t.throwsAsync(readFile(wish), { code: 'ENOENT' });
  t.is((await callDevice({ ...call, command: 'session.end', args: {} })).status, 'done');
  t.is(await code(reboot), 'done');
  t.like(JSON.parse(await readFile(wish, 'utf8')), { action: 'reboot', why: 'new antenna' });

  // What root's helper and systemd do then.
  await rm(wish);
  await service.restart();
  const born = await collector.until(
    ({ type, boot }) => type === 'gateway.born' && boot === 2,
    20_000,
    'birth',
  );
  t.like(born.data, { reason: 'start', before: { cause: 'reboot', message: 'new antenna' } });
  t.is(await code(reboot), 'done', 'answered as before');
  await t.throwsAsync(readFile(wish), { code: 'ENOENT' }, 'and not done again');
  const done = collector
    .ledger()
    .filter(
      ({ type, data }) =>
        type === 'command.done' && 'transaction' in data && data.transaction === 'reboot-0001',
    );
  t.is(done.length, 1);
  const floor = Number(await readFile(join(folder.path, 'data', 'clock-floor'), 'utf8'));
  t.true(Math.abs(Date.now() - floor) < 600_000);
});
