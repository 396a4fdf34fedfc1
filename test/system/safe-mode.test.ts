import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt from 'mqtt';
import { callDevice } from '#cli/call.ts';
import { statePayload } from '#events/mqtt-payloads.ts';
import { device, type GatewayFolder, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { freePort, startMosquitto } from '#test/support/mosquitto.ts';
import { needs } from '#test/tools.ts';
import { decodePayload } from '#uplink/payloads.ts';

const test = needs(anyTest, 'mosquitto');

/** Starts safe mode as its unit does; resolves when it says that it is connected. */
async function startSafeMode(t: ExecutionContext, folder: GatewayFolder) {
  const runtime = join(folder.path, 'run');
  await mkdir(runtime, { recursive: true });
  const child = spawn(process.execPath, ['src/safe-mode.ts', folder.configPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, RUNTIME_DIRECTORY: runtime, STATE_DIRECTORY: join(folder.path, 'data') },
  });
  t.teardown(() => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"connected"')) break;
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    return (await ended)[0] as number;
  };
  return { runtime, stop };
}

type State = ReturnType<typeof decodePayload<typeof statePayload>>;

test('a gateway whose configuration breaks reports, shows a page, takes commands once, and comes back', async (t) => {
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const port = await freePort();
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'put-back',
    config: { display: { port, languages: ['de', 'en'] } },
  });
  t.teardown(() => folder.remove());
  const client = await mqtt.connectAsync(broker.url);
  t.teardown(() => client.endAsync(true));
  const states: State[] = [];
  client.on('message', (_topic, payload) => states.push(decodePayload(statePayload, payload)));
  await client.subscribeAsync(`cw/1/${store}/${device}/state`, { qos: 1 });
  const next = async (fits: (state: State) => boolean) => {
    for (;;) {
      const found = states.find(fits);
      if (found !== undefined) return found;
      await new Promise((resolve) => client.once('message', resolve));
    }
  };
  const first = await startGateway(folder);
  const born = await next(({ online }) => online);
  t.is(born.mode, undefined);
  await first.kill();
  // What lies on the topics that safe mode subscribes to may be anything.
  for (const topic of ['_store/keys', '_store/release', `${device}/request/gateway/info`]) {
    await client.publishAsync(`cw/1/${store}/${topic}`, Buffer.from([0xbf]), { qos: 1, retain: true });
  }

  const good = await readFile(folder.configPath, 'utf8');
  await writeFile(folder.configPath, good.replace('board: board.yaml', 'board: none.yaml\ncolour: red'));
  const outbox = await readFile(join(folder.path, 'data', 'outbox.sqlite'));
  const safe = await startSafeMode(t, folder);
  const told = await next(({ mode }) => mode === 'safe');
  t.like(told, { online: true, ledger: born.ledger, boot: born.boot, connection: born.connection });
  t.like(told.safe, { cause: 'fault', failed: born.software, retryS: 600 });
  t.regex(told.safe?.code ?? '', /^CW-CFG-/);
  t.regex(told.safe?.message ?? '', /colour|none\.yaml/);

  const page = await fetch(`http://127.0.0.1:${port}/`);
  t.regex(await page.text(), /<p lang="de">Dieser Wagen hat Pause.*<p lang="en">This cart is resting/);
  t.is((await fetch(`http://127.0.0.1:${port}/api/produce`)).status, 404);
  t.is((await fetch(`http://127.0.0.1:${port}/`, { headers: { Origin: 'http://elsewhere' } })).status, 403);

  const call = { broker: broker.url, store, device, args: {}, timeout: 30 };
  const info = await callDevice({ ...call, command: 'gateway.info' });
  t.like(info.status === 'done' ? info.data : {}, { mode: 'safe', store, device });
  const tare = await callDevice({ ...call, command: 'tare' });
  t.is(tare.status === 'refused' ? tare.code : '', 'CW-CMD-002');
  const wish = join(safe.runtime, 'power.json');
  const reboot = { ...call, command: 'device.reboot', args: { why: 'it rests' }, transaction: 'reboot-1' };
  t.is((await callDevice(reboot)).status, 'done');
  t.like(JSON.parse(await readFile(wish, 'utf8')), { action: 'reboot', why: 'it rests' });
  await rm(wish);
  t.is((await callDevice(reboot)).status, 'done', 'answered again');
  await t.throwsAsync(readFile(wish), { code: 'ENOENT' }, 'and not done again');

  t.is(await safe.stop(), 0);
  await next(
    ({ online, boot, connection }) => !online && boot === born.boot && connection === born.connection,
  );
  t.deepEqual(await readFile(join(folder.path, 'data', 'outbox.sqlite')), outbox, 'the outbox is untouched');

  await writeFile(folder.configPath, good);
  const back = await startGateway(folder, { environment: { RUNTIME_DIRECTORY: safe.runtime } });
  t.teardown(() => back.kill());
  const returned = await next(({ online, boot }) => online && boot > born.boot);
  t.is(returned.mode, undefined);
  t.is((await callDevice(reboot)).status, 'done', 'the gateway knows it too');
  await t.throwsAsync(readFile(wish), { code: 'ENOENT' });
  t.false(
    back.log.some((line) => line.includes('CW-UPL-022')),
    'its own safe mode is no second device',
  );
  t.is(await back.stop(), 0);
});
