import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { callDevice } from '#cli/call.ts';
import { DemoTill } from '#cli/demo/demo-till.ts';
import { Ear } from '#cli/demo/ear.ts';
import type { SendCommand } from '#cli/demo/shopper.ts';
import type { CartEvent } from '#events/event.ts';
import { readEventPayload } from '#events/payload.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';

const test = needs(anyTest, 'mosquitto');

const bananas = {
  line: 1,
  plu: '4011',
  name: 'Bananas',
  count: 1,
  massMg: 800_000,
  unitPriceMinor: 179,
  priceMinor: 143,
  priceStatus: 'estimate',
  entry: 'look',
};

test.serial(
  "the demo's shopper pays estimated goods at its till, gets her receipt and leaves; an empty basket is left",
  async (t) => {
    t.timeout(900_000);
    const broker = await startMosquitto();
    const folder = await mkdtemp(join(tmpdir(), 'cartwright-demo-till-'));
    const place = await makeGatewayFolder({
      brokerUrl: broker.url,
      scenario: '../../test/fixtures/scenarios/quiet',
      config: { display: { enabled: false }, status: { enabled: false } },
    });
    const daemon = await startGateway(place);
    const said: string[] = [];
    const send: SendCommand = (command, args) =>
      callDevice({ broker: broker.url, store, device, command, args, timeout: 60 });
    const till = await DemoTill.open({
      broker: broker.url,
      store,
      device,
      folder,
      send,
      say: (text) => said.push(text),
    });
    const ear = await Ear.open(broker.url, `cw/1/${store}/${device}/event/#`);
    const events: CartEvent[] = [];
    ear.listen((_topic, payload) => {
      const event = readEventPayload(payload) as CartEvent;
      events.push(event);
      till.happened(event);
    });
    t.teardown(async () => {
      await till.close();
      await ear.close();
      await daemon.kill();
      await broker.remove();
      await place.remove();
      await rm(folder, { recursive: true, force: true });
    });
    await send('basket.receive', { from: 'cart-9', session: 'x', lines: [bananas] });
    t.is((await till.pay()).status, 'done');
    const closed = events.find((event) => event.type === 'basket.closed');
    t.like(closed?.data, { outcome: 'paid', totals: { toPayMinor: 143 } });
    t.regex(said.join('\n'), /till: payment demo-till-\S+ of EUR 1\.43 captured/);
    t.regex(said.join('\n'), /till: receipt, 1 items, EUR 1\.43/);

    await send('session.begin', { token: 'QR-DEMO-1' });
    t.is((await till.pay()).status, 'done');
    t.regex(said.at(-1) ?? '', /CW-BSK-011/);
    t.is(events.filter((event) => event.type === 'basket.paid').length, 1);
  },
);
