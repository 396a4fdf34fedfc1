import { join } from 'node:path';
import anyTest from 'ava';
import { configSchema } from '#config/schema.ts';
import type { EventData } from '#events/catalog.ts';
import { careKey } from '#gateway/scale-care.ts';
import { Collector } from '#test/support/collector.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { Uplink } from '#uplink/uplink.ts';

const test = needs(anyTest, 'mosquitto');

test.serial(
  'health tells how the calibration stands, and what happened to the scales outlives a restart',
  async (t) => {
    t.timeout(90_000);
    const broker = await startMosquitto();
    t.teardown(() => broker.remove());
    const folder = await makeGatewayFolder({
      brokerUrl: broker.url,
      scenario: 'put-back',
      config: { healthS: 5 },
    });
    t.teardown(() => folder.remove());
    const collector = await Collector.connect(broker.url, store, device);
    t.teardown(() => collector.close());
    /** The first health report of a boot after `boot`. */
    const healthAfter = async (boot: number) => {
      const found = await collector.until(
        (event) => event.type === 'gateway.health' && event.boot > boot,
        30_000,
        `a health report after boot ${boot}`,
      );
      return (found.data as EventData<'gateway.health'>).calibration;
    };
    const first = await startGateway(folder);
    t.teardown(() => first.kill());
    const health = await healthAfter(0);
    t.is(typeof health?.revision, 'number');
    t.deepEqual([health?.due, health?.reasons], [false, []]);
    t.is(await first.stop(), 0);
    const stored = await savedCare(folder.path);
    t.deepEqual(Object.keys(stored.plates), ['basket']);
    const second = await startGateway(folder);
    t.teardown(() => second.kill());
    // Looking into its outbox counted as a boot.
    const later = await healthAfter(2);
    // The age goes on from the first start, it does not begin anew.
    if (health?.ageS !== undefined) t.true((later?.ageS ?? -1) > 0);
    t.is(await second.stop(), 0);
    t.is((await savedCare(folder.path)).plates.basket?.sinceMs, stored.plates.basket?.sinceMs);
  },
);

/** What a device that is stopped has kept of its scales. */
async function savedCare(path: string): Promise<{ plates: Record<string, { sinceMs?: number }> }> {
  const defaults = configSchema.parse({ cartwright: 1, store, device, board: 'bench' });
  const uplink = await Uplink.open({
    store,
    device,
    folder: join(path, 'data'),
    encoding: 'cbor',
    broker: { ...defaults.broker, url: 'mqtt://127.0.0.1:1' },
    outbox: defaults.outbox,
  });
  try {
    return JSON.parse(uplink.start.state[careKey] ?? '{"plates":{}}');
  } finally {
    await uplink.stop(100);
  }
}
