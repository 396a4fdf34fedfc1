import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { ByteRequest } from '#drivers/ports/ports.ts';
import { createSystemPorts } from '#drivers/ports/system.ts';
import { KernelTree } from '../support/kernel-tree.ts';
import { PortProcess } from '../support/port-process.ts';
import { PtyPair } from '../support/pty-pair.ts';
import { findTool, needs } from '../tools.ts';

interface Rig {
  readonly tree: KernelTree;
  readonly ends: (() => Promise<unknown>)[];
}
const anyRigTest = anyTest as TestFn<Rig>;
// One after the other: they share two processes, as starting one for each takes longer than the tests.
const test = needs(anyRigTest, 'socat').serial;
const host = new PortProcess();
const device = new PortProcess();

anyRigTest.beforeEach(async (t) => {
  t.context = { tree: await KernelTree.make(), ends: [] };
});
anyRigTest.afterEach.always(async ({ context: { tree, ends } }) => {
  for (const end of ends) await end();
  await tree.remove();
});
anyRigTest.after.always(() => Promise.all([host.end(), device.end()]));

const serial = (match: Extract<ByteRequest, { via: 'serial' }>['match']): ByteRequest => ({
  via: 'serial',
  match,
  settings: { baudRate: 115_200 },
});

async function line({ tree, ends }: Rig, name = 'ttyUSB0') {
  const paths = { far: join(tree.folder, `far-${name}`), near: join(tree.root.dev, name) };
  const pair = await PtyPair.make(paths.far, paths.near);
  ends.push(() => pair.pull());
  return { ...paths, pair };
}

test('bytes go both ways over a serial line, with the time they came at', async (t) => {
  const { far, near } = await line(t.context);
  const scale = await device.open(serial({ path: far }));
  const { port, identity } = await host.open(serial({ path: near }));
  t.deepEqual(identity, { address: near });
  const beforeUs = systemClock.nowUs();
  await device.ask({ do: 'write', port: scale.port, text: 'S S 100.00 g\r\n' });
  await host.until(() => host.text(port).length >= 14, 'the answer of the scale');
  t.is(host.text(port), 'S S 100.00 g\r\n');
  const atUs = host.data.get(port)?.[0]?.atUs ?? 0;
  t.true(atUs >= beforeUs && atUs <= systemClock.nowUs());
  const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  await Promise.all(Array.from({ length: 40 }, () => host.ask({ do: 'write', port, text: bytes })));
  await device.until(() => device.text(scale.port).length >= 256 * 40, 'all bytes');
  t.is(
    device.text(scale.port),
    bytes.repeat(40),
    'every byte passes unchanged, and in the order of the writes',
  );
});

test('what came before anybody listened is given first', async (t) => {
  const { far, near } = await line(t.context);
  const { port } = await host.open(serial({ path: near }), { listen: false });
  const scale = await device.open(serial({ path: far }));
  await device.ask({ do: 'write', port: scale.port, text: 'early' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await host.ask({ do: 'listen', port });
  await device.ask({ do: 'write', port: scale.port, text: ' late' });
  await host.until(() => host.text(port).length >= 10, 'both');
  t.is(host.text(port), 'early late');
});

test('a second opener is refused with the process that has the port, and let in when it is closed', async (t) => {
  const { near } = await line(t.context);
  const { port } = await host.open(serial({ path: near }));
  const error = await t.throwsAsync(device.open(serial({ path: near })), {
    code: 'CW-DRV-003',
    message: /ttyUSB0 is held by .*; end it, or give it another device$/,
  });
  t.true(error?.message.includes(`process ${host.pid} (node port-server.ts)`), error?.message);
  await t.throwsAsync(host.open(serial({ path: near })), {
    code: 'CW-DRV-003',
    message: /this gateway itself/,
  });
  await host.ask({ do: 'close', port });
  await host.ask({ do: 'close', port });
  const again = await device.open(serial({ path: near }));
  await t.throwsAsync(host.ask({ do: 'write', port, text: 'x' }), {
    code: 'CW-DRV-005',
    message: /is closed/,
  });
  await device.ask({ do: 'close', port: again.port });
});

needs(
  anyRigTest,
  'socat',
  'flock',
)('a program that locks the port is named', async (t) => {
  const { near } = await line(t.context);
  const locker = spawn(findTool('flock') ?? 'flock', ['--no-fork', near, 'sleep', '60'], { stdio: 'ignore' });
  t.context.ends.push(async () => {
    locker.kill('SIGKILL');
    await once(locker, 'exit');
  });
  await once(locker, 'spawn');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await t.throwsAsync(host.open(serial({ path: near })), {
    code: 'CW-DRV-003',
    message: new RegExp(`held by .*process ${locker.pid} \\(sleep\\)`),
  });
});

anyRigTest.serial(
  'a program that reads along without a lock is named before the port is touched',
  async (t) => {
    const { tree } = t.context;
    const usb = { port: '1-1.2', vendorId: '0403', productId: '6001', serial: 'A1' };
    await tree.serial('ttyUSB3', usb);
    await tree.file('dev/ttyUSB3');
    const node = join(tree.root.dev, 'ttyUSB3');
    const file = await open(node);
    t.context.ends.push(() => file.close());
    await t.throwsAsync(host.open(serial({ serial: 'A1' }), { root: { ...tree.root, proc: '/proc' } }), {
      code: 'CW-DRV-003',
      message: new RegExp(`0403:6001, serial A1, at 1-1\\.2:1\\.0 .* is held by process ${process.pid} `),
    });
  },
);

test('a port that vanishes is lost once, and its descriptor is given back', async (t) => {
  const { near, pair } = await line(t.context);
  const { port } = await host.open(serial({ path: near }));
  await pair.pull();
  await host.until(() => host.lost.has(port), 'the loss');
  await t.throwsAsync(host.ask({ do: 'write', port, text: 'x' }), { code: 'CW-DRV-005', message: /is lost/ });
  await host.ask({ do: 'close', port });
  t.is(host.lost.get(port)?.length, 1);
  t.like(host.lost.get(port)?.[0], { code: 'CW-DRV-005' });
  await t.throwsAsync(host.open(serial({ path: near })), { code: 'CW-DRV-004', message: /is not attached/ });
});

test('a port is lost for one who listens later, too', async (t) => {
  const { near, pair } = await line(t.context);
  const { port } = await host.open(serial({ path: near }), { listen: false });
  await pair.pull();
  await new Promise((resolve) => setTimeout(resolve, 100));
  await host.ask({ do: 'listen', port });
  await host.until(() => host.lost.has(port), 'the loss');
  t.is(host.lost.get(port)?.length, 1);
});

test('a device that is put back on another port is found by its serial number', async (t) => {
  const { tree } = t.context;
  const usb = { port: '1-1.2', vendorId: '0403', productId: '6001', serial: 'A10K1234', product: 'Bridge' };
  await tree.serial('ttyUSB0', usb);
  const first = await line(t.context, 'ttyUSB0');
  const one = await host.open(serial({ serial: 'A10K1234' }), { root: tree.root });
  t.like(one.identity, { model: 'Bridge', serial: 'A10K1234', address: '1-1.2:1.0' });
  await first.pair.pull();
  await tree.unplug(usb, 'ttyUSB0');
  await host.until(() => host.lost.has(one.port), 'the loss');
  await t.throwsAsync(host.open(serial({ serial: 'A10K1234' }), { root: tree.root }), { code: 'CW-DRV-004' });
  await tree.serial('ttyUSB1', { ...usb, port: '1-2.3' });
  const second = await line(t.context, 'ttyUSB1');
  const two = await host.open(serial({ serial: 'A10K1234' }), { root: tree.root });
  t.is(two.identity.address, '1-2.3:1.0');
  const far = await device.open(serial({ path: second.far }));
  await device.ask({ do: 'write', port: far.port, text: 'back' });
  await host.until(() => host.text(two.port) === 'back', 'the first bytes');
});

test('opening and closing over and over leaves no file open', async (t) => {
  const { near } = await line(t.context);
  const times = Number(process.env.CARTWRIGHT_PORT_CYCLES ?? 50);
  const { before, after } = (await host.ask({
    do: 'cycle',
    request: serial({ path: near }),
    times,
  })) as {
    before: number;
    after: number;
  };
  t.is(after, before);
});

test('what is no serial port is refused, and so is one that nobody may open from another thread', async (t) => {
  const { tree } = t.context;
  await tree.file('dev/ttyUSB9');
  await t.throwsAsync(host.open(serial({ path: join(tree.root.dev, 'ttyUSB9') })), { code: 'CW-DRV-004' });
  const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses: new Map() });
  await t.throwsAsync(ports.bytes(serial({ path: '/dev/null' })), { message: /main thread/ });
});

anyRigTest.serial(
  'a TCP connection carries bytes both ways, and is lost when the other end hangs up',
  async (t) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    t.teardown(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses: new Map() });
    const client = await ports.bytes({ via: 'tcp', host: '127.0.0.1', port });
    t.deepEqual(client.identity, { address: `127.0.0.1:${port}` });
    while (sockets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const [socket] = sockets;
    socket?.write('from afar');
    const got: string[] = [];
    const lost = Promise.withResolvers<string>();
    client.listen({
      data: (bytes) => got.push(Buffer.from(bytes).toString()),
      lost: ({ code }) => lost.resolve(code),
    });
    await client.write(Buffer.from('hello'));
    const [heard] = (await once(socket ?? server, 'data')) as [Buffer];
    t.is(heard.toString(), 'hello');
    socket?.end();
    t.is(await lost.promise, 'CW-DRV-005');
    t.deepEqual(got, ['from afar']);
    await t.throwsAsync(client.write(Buffer.from('x')), { code: 'CW-DRV-005', message: /hung up/ });
    await client.close();
    await client.close();
    server.close();
    await once(server, 'close');
    await t.throwsAsync(ports.bytes({ via: 'tcp', host: '127.0.0.1', port }), {
      code: 'CW-DRV-004',
      message: new RegExp(`127.0.0.1:${port}: nothing listens there`),
    });
  },
);

anyRigTest.serial('what is reached through a device of the profile is opened there', async (t) => {
  const identity = {};
  const faults = { subscribe: () => () => {} };
  const plain = { identity, faults, start: async () => {}, stop: async () => {} };
  const opened: string[] = [];
  const port = { identity, listen() {}, onLost() {}, close: async () => {}, write: async () => {} };
  const bridge = {
    ...plain,
    openBytes: async () => {
      opened.push('bytes');
      return port;
    },
  };
  const buses = new Map([
    ['bridge', bridge],
    ['wand', plain],
  ]);
  const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses });
  await ports.bytes({ via: 'bus', bus: 'bridge' });
  t.deepEqual(opened, ['bytes']);
  await t.throwsAsync(ports.i2c({ via: 'bus', bus: 'bridge' }), {
    code: 'CW-DRV-002',
    message: /no I²C bus/,
  });
  await t.throwsAsync(ports.bytes({ via: 'bus', bus: 'wand' }), { code: 'CW-DRV-002' });
  await t.throwsAsync(ports.bytes({ via: 'bus', bus: 'gone' }), {
    code: 'CW-DRV-004',
    message: /device gone/,
  });
});
