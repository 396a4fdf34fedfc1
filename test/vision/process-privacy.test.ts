import { execFile } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import anyTest, { type ExecutionContext } from 'ava';
import mqtt from 'mqtt';
import { parse, stringify } from 'yaml';
import { device, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { startMosquitto } from '#test/support/mosquitto.ts';
import { findTool, needs } from '#test/tools.ts';
import { tracesBelow, tracesIn, writeMarkedPictures } from './support/marker.ts';
import { visionOf } from './support/processes.ts';

const test = needs(anyTest, 'mosquitto');
const topics = `cw/1/${store}/${device}`;

/** Everything that a daemon with two cameras of marked pictures lets out. */
class Watched {
  readonly mqtt: { topic: string; payload: Buffer }[] = [];
  readonly path: string;
  readonly writes: string | undefined;
  readonly client: mqtt.MqttClient;
  readonly daemon: Awaited<ReturnType<typeof startGateway>>;
  #transaction = 0;

  constructor(parts: {
    path: string;
    writes: string | undefined;
    client: mqtt.MqttClient;
    daemon: Awaited<ReturnType<typeof startGateway>>;
  }) {
    this.path = parts.path;
    this.writes = parts.writes;
    this.client = parts.client;
    this.daemon = parts.daemon;
    this.client.on('message', (topic, payload) => this.mqtt.push({ topic, payload }));
  }

  get data(): string {
    return join(this.path, 'data');
  }

  async command(name: string, args: object): Promise<Record<string, unknown>> {
    const transaction = `t-${++this.#transaction}`;
    const response = `${topics}/response/${name.replace('.', '/')}`;
    const now = Date.now();
    await this.client.publishAsync(
      `${topics}/request/${name.replace('.', '/')}`,
      JSON.stringify({ transaction, issued: now, expires: now + 60_000, args }),
      { qos: 1 },
    );
    return this.until(() => {
      const answers = this.mqtt.filter(({ topic }) => topic === response);
      return answers
        .map(({ payload }) => JSON.parse(payload.toString()) as Record<string, unknown>)
        .find((answer) => answer.transaction === transaction);
    });
  }

  health(): Record<string, Record<string, unknown>> {
    const last = this.mqtt.findLast(({ topic }) => topic === `${topics}/health`);
    return last === undefined ? {} : JSON.parse(last.payload.toString());
  }

  events(type: string): Record<string, unknown>[] {
    return this.mqtt
      .filter(({ topic }) => topic === `${topics}/event/${type.replace('.', '/')}`)
      .map(({ payload }) => JSON.parse(payload.toString()));
  }

  async until<T>(find: () => T | undefined | false): Promise<T> {
    for (let tries = 0; tries < 600; tries++) {
      const found = find();
      if (found !== undefined && found !== false) return found;
      await sleep(100);
    }
    throw new Error(`it did not come:\n${this.daemon.log.slice(-10).join('\n')}`);
  }

  /** Traces of marked frames in what went to the broker and to the log. */
  told(): string[] {
    return [
      ...this.mqtt.flatMap(({ topic, payload }) => tracesIn(payload).map((what) => `${topic}: ${what}`)),
      ...tracesIn(Buffer.from(this.daemon.log.join('\n'))).map((what) => `log: ${what}`),
    ];
  }

  /** Traces in all that any of the daemon's processes and threads wrote, to whatever file, pipe or socket. */
  async written(): Promise<string[]> {
    if (this.writes === undefined) return [];
    const found = new Set<string>();
    let before = Buffer.alloc(0);
    for await (const line of createInterface({ input: createReadStream(this.writes) })) {
      const hex = [...line.matchAll(/"((?:\\x[0-9a-f]{2})+)"/g)].map(([, text = '']) =>
        text.replaceAll('\\x', ''),
      );
      const bytes = Buffer.from(hex.join(''), 'hex');
      for (const what of tracesIn(Buffer.concat([before, bytes]))) found.add(what);
      before = bytes.subarray(-512);
    }
    return [...found];
  }
}

/** Whether a process may be traced here: containers often forbid it. */
async function findTracer(): Promise<string | undefined> {
  const strace = findTool('strace');
  if (strace === undefined) return undefined;
  return promisify(execFile)(strace, ['-f', '-o', '/dev/null', 'true']).then(
    () => strace,
    () => undefined,
  );
}

async function watched(t: ExecutionContext): Promise<Watched> {
  const broker = await startMosquitto();
  t.teardown(() => broker.remove());
  const folder = await makeGatewayFolder({
    brokerUrl: broker.url,
    scenario: 'demo-trip',
    config: {
      encoding: 'json',
      healthS: 1,
      log: { level: 'trace' },
      vision: { recording: { longestS: 60, keepMinutes: 0 } },
    },
  });
  t.teardown(() => folder.remove());
  const pictures = join(folder.path, 'pictures');
  const temporary = join(folder.path, 'tmp');
  await Promise.all([mkdir(pictures), mkdir(temporary)]);
  await writeMarkedPictures(pictures);
  const boardPath = join(folder.path, 'board.yaml');
  const board = parse(await readFile(boardPath, 'utf8')) as {
    devices: object[];
    plates: { cameras?: object[] }[];
  };
  const region = [0, 0, 320, 240];
  for (const [id, ending] of [
    ['basket-camera', 'png'],
    ['side-camera', 'jpg'],
  ]) {
    const files = ['empty', 'thing'].map((name) => join(pictures, `${name}.${ending}`));
    board.devices.push({ id, driver: 'files', options: { files, everyMs: 1_500 } });
    const [basket] = board.plates;
    if (basket !== undefined) basket.cameras = [...(basket.cameras ?? []), { id, region }];
  }
  await writeFile(boardPath, stringify(board));
  const client = await mqtt.connectAsync(broker.url, { protocolVersion: 4 });
  t.teardown(() => client.endAsync(true));
  await client.subscribeAsync('#', { qos: 1 });
  const strace = await findTracer();
  const writes = strace === undefined ? undefined : join(folder.path, '..', `${Date.now()}-writes.txt`);
  const calls = 'write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg';
  const daemon = await startGateway(folder, {
    environment: { TMPDIR: temporary },
    ...(strace === undefined || writes === undefined
      ? {}
      : {
          under: [
            strace,
            '-D',
            '-f',
            '--seccomp-bpf',
            '-e',
            `trace=${calls}`,
            '-xx',
            '-s',
            '9999999',
            '-o',
            writes,
          ],
        }),
  });
  t.teardown(async () => {
    await daemon.kill();
    if (writes !== undefined) await promisify(execFile)('rm', ['-f', writes]);
  });
  return new Watched({ path: folder.path, writes, client, daemon });
}

test('The marks are found in every disguise, and nowhere else', (t) => {
  const area = Buffer.concat(Array<Buffer>(40).fill(Buffer.from('c71d93', 'hex')));
  const forms = [
    area,
    Buffer.from(area.toString('hex')),
    Buffer.from(`{"pixels":"${area.subarray(1).toString('base64')}"}`),
    Buffer.from(JSON.stringify([...area])),
    Buffer.from(JSON.stringify({ data: area.toString('latin1') })),
  ];
  for (const form of forms) t.not(tracesIn(form).length, 0, form.toString().slice(0, 60));
  t.deepEqual(tracesIn(Buffer.from('c71d93 is a colour, cartwright-frame is not a frame')), []);
});

test("A frame leaves the device on no way but a technician's recording, and that is erased", async (t) => {
  const gateway = await watched(t);
  // Frames were looked at while a shopper put things in.
  await gateway.until(() => Number(gateway.health().vision?.looked ?? 0) >= 2);
  await gateway.until(() => gateway.events('movement.settled').length >= 2);
  await gateway.until(() => {
    const sensors = gateway.health().sensors as unknown as { id: string; ratePerMinute: number }[];
    const cameras = sensors.filter(({ id }) => id.endsWith('camera'));
    return cameras.length === 2 && cameras.every(({ ratePerMinute }) => ratePerMinute > 0);
  });
  await gateway.command('vision.record', { camera: 'nobody', seconds: 5 });
  t.deepEqual(gateway.told(), []);
  const ours = [join(gateway.path, 'pictures')];
  t.deepEqual(await tracesBelow(gateway.path, ours), []);
  t.deepEqual(await gateway.written(), []);

  // The control: what watches would see it.
  const started = (await gateway.command('vision.record', { camera: 'basket-camera', seconds: 10 })) as {
    status: string;
    data?: { path: string };
  };
  t.is(started.status, 'done', JSON.stringify(started));
  await gateway.until(() => Number(gateway.health().vision?.recordingS ?? 0) > 0);
  await gateway.command('vision.record', { camera: 'side-camera', seconds: 9 });
  const folder = join(gateway.data, 'recordings');
  const forms = ['a row of pixels', 'an area of one colour', 'a compressed frame'];
  let recorded: string[] = [];
  const isThere = (what: string) => recorded.some((line) => line.startsWith(folder) && line.endsWith(what));
  for (let tries = 0; !forms.every(isThere) && tries < 20; tries++) {
    await sleep(200);
    recorded = await tracesBelow(gateway.path, ours);
  }
  for (const what of forms) t.true(isThere(what), `${what} in ${recorded.join(', ')}`);
  t.deepEqual(
    recorded.filter((line) => !line.startsWith(folder)),
    [],
  );
  if (gateway.writes !== undefined) t.not((await gateway.written()).length, 0);
  t.deepEqual(gateway.told(), []);

  await gateway.until(() => gateway.health().vision?.recordingS === undefined);
  for (let tries = 0; (await readdir(folder)).length > 0 && tries < 100; tries++) await sleep(100);
  t.deepEqual(await readdir(folder), []);
  t.deepEqual(await tracesBelow(gateway.path, ours), []);
  t.true(
    gateway
      .events('command.done')
      .some(({ data }) => (data as { command: string }).command === 'vision.record'),
  );
});

test('A recording that a crash left behind is erased at the next start', async (t) => {
  const gateway = await watched(t);
  await gateway.until(() => gateway.health().vision?.running === true);
  await gateway.until(() =>
    (gateway.health().sensors as unknown as { id: string; ratePerMinute: number }[]).some(
      ({ id, ratePerMinute }) => id === 'basket-camera' && ratePerMinute > 0,
    ),
  );
  const startedMs = Date.now();
  await gateway.command('vision.record', { camera: 'basket-camera', seconds: 60 });
  const folder = join(gateway.data, 'recordings');
  for (let tries = 0; (await readdir(folder)).length === 0 && tries < 400; tries++) await sleep(50);
  const eyes = await visionOf(gateway.daemon.pid);
  t.not(eyes, undefined);
  await gateway.daemon.kill();
  for (let tries = 0; existsSync(`/proc/${eyes}`) && tries < 100; tries++) await sleep(50);
  t.false(existsSync(`/proc/${eyes}`), 'nobody looks on when the gateway is gone');
  const left = await readdir(folder);
  t.is(left.length, 1);
  // Its time passes: what is known of that is its name alone.
  const [name = ''] = left;
  const eraseAtMs = Number(/\.erase-(\d+)\./.exec(name)?.[1]);
  t.true(eraseAtMs >= startedMs + 60_000 && eraseAtMs <= Date.now() + 60_000, name);
  await rename(join(folder, name), join(folder, name.replace(String(eraseAtMs), String(Date.now() - 1))));
  const again = await startGateway({ configPath: join(gateway.path, 'cartwright.yaml') });
  t.teardown(() => again.kill());
  for (let tries = 0; (await readdir(folder)).length > 0 && tries < 100; tries++) await sleep(100);
  t.deepEqual(await readdir(folder), []);
});
