import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest from 'ava';
import { callDevice, type DeviceRequest } from '#cli/call.ts';
import { writeKeyFile } from '#identity/key-list.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { entryOf, listOf } from '#test/identity/support.ts';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { StoreProcess } from './support.ts';

const test = needs(anyTest, 'mosquitto');

const wine = {
  line: 1,
  gtin: '08003753900438',
  name: 'For adults',
  count: 1,
  unitPriceMinor: 150,
  priceMinor: 150,
  priceStatus: 'final',
  entry: 'scan',
  minimumAge: 18,
};

test.serial(
  'a cart that demands signatures refuses a till without a key, which says what to do, and is paid by one that signs',
  async (t) => {
    t.timeout(900_000);
    const broker = await startMosquitto();
    const folder = await mkdtemp(join(tmpdir(), 'cartwright-signed-till-'));
    const keys = { till: makePrivateKey('Ed25519'), staff: makePrivateKey('ES256') };
    const place = await makeGatewayFolder({
      brokerUrl: broker.url,
      scenario: '../../test/fixtures/scenarios/quiet',
      config: {
        commands: { signed: 'always', keysFile: 'keys.json' },
        display: { enabled: false },
        status: { enabled: false },
      },
    });
    const list = listOf([
      entryOf(keys.till.key, 'till', { who: '3' }),
      entryOf(keys.staff.key, 'staff', { who: '17' }),
    ]);
    await writeFile(join(place.path, 'keys.json'), writeKeyFile(list));
    const files = { till: join(folder, 'till-3.pem'), staff: join(folder, 'staff-17.pem') };
    await writeFile(files.till, keys.till.pem, { mode: 0o600 });
    await writeFile(files.staff, keys.staff.pem, { mode: 0o600 });
    const daemon = await startGateway(place);
    const stores: StoreProcess[] = [];
    t.teardown(async () => {
      for (const process of stores) await process.kill();
      await daemon.kill();
      await broker.remove();
      await place.remove();
      await rm(folder, { recursive: true, force: true });
    });
    const open = (...args: readonly string[]) => {
      const book = ['--book', join(folder, 'book.sqlite')];
      const process = new StoreProcess(['-b', broker.url, '-s', store, ...book, '--age', 'auto', ...args]);
      stores.push(process);
      return process;
    };
    const ask = async (command: string, args: DeviceRequest['args']) => {
      const call = { broker: broker.url, store, device, command, args, timeout: 60, key: files.staff };
      return await callDevice(call);
    };
    const received = await ask('basket.receive', { from: 'cart-9', session: 'theirs', lines: [wine] });
    t.is(received.status, 'done');
    // Right after the start something may still move, for all the cart knows.
    while ((await ask('basket.checkout', {})).status === 'refused') await sleep(300);

    const unsigned = open();
    const { message } = await unsigned.until('trouble', { device });
    t.regex(String(message), /^basket\.approve was refused: CW-CMD-010 .*start the store with --key FILE/);
    await unsigned.stop();
    t.deepEqual(unsigned.of('payment'), []);

    const signed = open('--key', files.till);
    t.is((await signed.until('payment', { state: 'captured' })).totalMinor, 150);
    t.like((await signed.until('receipt')).paid, { totalMinor: 150 });
    await signed.stop();
    t.deepEqual(signed.of('trouble'), []);
  },
);
