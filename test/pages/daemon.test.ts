import test from 'ava';
import type { StatusPicture } from '#pages/status/source.ts';
import { makeGatewayFolder, startGateway } from '../support/gateway.ts';

test('the page of a running gateway knows everything from its start on, e beside d, and rates where there are any', async (t) => {
  t.timeout(60_000);
  const folder = await makeGatewayFolder({
    brokerUrl: 'mqtt://127.0.0.1:0',
    scenario: 'demo-trip',
    config: { broker: { embedded: true } },
  });
  t.teardown(() => folder.remove());
  const daemon = await startGateway(folder);
  t.teardown(() => daemon.kill());
  const answer = await fetch(new URL('api/snapshot', daemon.statusUrl));
  const picture = (await answer.json()) as StatusPicture;
  t.is(picture.events[0]?.type, 'gateway.born');
  t.is(picture.events[0]?.sequence, 1);
  t.like(picture.plates[0], { maxMg: 30_000_000, intervalMg: 5_000, divisionMg: 1_000 });
  const rates = Object.fromEntries(picture.devices.map((device) => [device.id, device.ratePerMinute]));
  t.deepEqual(Object.keys(rates).sort(), ['bridge', 'handle-scanner', 'imu', 'world']);
  t.is(rates.world, undefined);
  t.is(typeof rates.bridge, 'number');
  t.is(await daemon.stop(), 0);
});
