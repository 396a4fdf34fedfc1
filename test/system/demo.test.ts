import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest from 'ava';
import { loadBoard } from '#config/load.ts';
import { freePort } from '#test/support/mosquitto.ts';
import { findTool, needs } from '#test/tools.ts';

const test = needs(anyTest, 'mosquitto_sub');

/** Topics as an independent client prints them; it tries again until the broker is there. */
async function watchTopics(port: number, ended: () => boolean): Promise<string[]> {
  const topics: string[] = [];
  const program = findTool('mosquitto_sub') ?? 'mosquitto_sub';
  while (!ended()) {
    const args = [
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-t',
      'cw/1/+/+/event/#',
      '-q',
      '1',
      '-F',
      '%t',
      '-V',
      '311',
    ];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    createInterface({ input: child.stdout }).on('line', (line) => topics.push(line));
    const exited = once(child, 'exit');
    while (!ended() && child.exitCode === null) await sleep(50);
    child.kill();
    await exited;
  }
  return topics;
}

test('the demo reads its cells and its motion sensor through the real firmware', async (t) => {
  const { devices } = await loadBoard('demo-cart');
  const driverOf = (id: unknown) => devices.find((device) => device.id === id)?.driver;
  const bridge = devices.find(({ driver }) => driver === 'firmata-hx711');
  t.is(driverOf(bridge?.options.bus), 'virtual-microcontroller');
  t.is(devices.find(({ driver }) => driver === 'mpu6050')?.options.bus, bridge?.id);
});

test('the demo has a camera over its basket, which looks at the same world', async (t) => {
  const { devices, plates } = await loadBoard('demo-cart');
  const camera = devices.find(({ driver }) => driver === 'virtual-camera');
  t.is(camera?.options.world, devices.find(({ driver }) => driver === 'virtual-world')?.options.name);
  t.deepEqual(
    plates[0]?.cameras.map(({ id }) => id),
    [camera?.id],
  );
});

test('scripts/start --once shops one trip, every movement right or asked, and ends with 0', async (t) => {
  t.timeout(240_000);
  const port = await freePort();
  const child = spawn('scripts/start', ['--once', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill());
  const output: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => output.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => output.push(line));
  let over = false;
  const watching = watchTopics(port, () => over);
  const [code] = (await once(child, 'exit')) as [number];
  over = true;
  const topics = await watching;
  t.log(output.slice(-4).join('\n'));
  t.is(code, 0, output.join('\n'));

  const summary = output.find((line) => line.includes('movements decided right')) ?? '';
  const [right, of] = (/^(\d+) of (\d+) movements/.exec(summary) ?? []).slice(1).map(Number);
  t.true((of ?? 0) >= 10, summary);
  t.is(right, of, 'every movement of a product in the catalogue was decided right');
  t.regex(summary, / 0 asked, 0 missed, 0 wrong; (\d+) of \1 things/, 'what no shop sells was asked about');
  t.regex(output.join('\n'), /status page +http:\/\/127\.0\.0\.1:\d+/);
  t.regex(
    output.join('\n'),
    /\d\d:\d\d:\d\d\.\d{3} item\.added +\S.* 1 +\d+ g +9\d\.\d\d %/,
    'events are readable lines',
  );

  const seen = (type: string) =>
    topics.filter((topic) => topic === `cw/1/demo-store/cart-0001/event/${type}`).length;
  t.is(seen('basket/opened'), 1, 'an independent client saw the basket open');
  t.is(seen('basket/closed'), 1);
  t.is(seen('item/unresolved'), 1, 'and the only question');
  t.true(seen('item/added') >= 9);
  t.true(seen('look/seen') >= 10, 'the camera looked at nearly every movement');
  for (const name of ['Bananas', 'Navel oranges']) {
    const added = output.filter((line) => /item\.added/.test(line) && line.includes(name));
    t.is(added.length, 1, `${name}: nobody scans them, the camera knows them`);
  }
});
