import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { connectServiceManager, socketAddress } from '#base/service-manager.ts';
import { startNotifyPeer } from '#test/support/service.ts';

interface Peer {
  readonly address: string;
  next(): Promise<string>;
}

async function startPeer(t: ExecutionContext, kind: 'path' | 'abstract'): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-notify-'));
  const address = kind === 'path' ? join(folder, 'notify') : `@${folder}/notify`;
  const { child, lines } = await startNotifyPeer(address);
  t.teardown(async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  const next = async () => String((await lines.next()).value);
  return { address, next: async () => JSON.parse(await next()) as string };
}

for (const kind of ['path', 'abstract'] as const) {
  test(`systemd hears over a socket with ${kind} name what becomes of the program`, async (t) => {
    const peer = await startPeer(t, kind);
    const environment: NodeJS.ProcessEnv = { NOTIFY_SOCKET: peer.address, WATCHDOG_USEC: '30000000' };
    const manager = await connectServiceManager(environment, (message) => t.fail(message));
    t.deepEqual(environment, {}, 'programs started from here do not speak in its name');
    t.is(manager.watchdogUs, 30_000_000);
    manager.extend(2_500_000);
    manager.ready();
    manager.status('two\nlines are one');
    manager.alive();
    manager.stopping();
    manager.close();
    manager.alive();
    const heard: string[] = [];
    for (let i = 0; i < 5; i++) heard.push(await peer.next());
    t.deepEqual(heard, [
      'EXTEND_TIMEOUT_USEC=2500000',
      'READY=1',
      'STATUS=two lines are one',
      'WATCHDOG=1',
      'STOPPING=1',
    ]);
  });
}

test('a program that nobody supervises says nothing and loads nothing for it', async (t) => {
  const program = `
    const { connectServiceManager } = await import('#base/service-manager.ts');
    const manager = await connectServiceManager({}, console.log);
    manager.ready(); manager.alive(); manager.status('x'); manager.extend(1); manager.stopping(); manager.close();
    const { readFileSync } = await import('node:fs');
    console.log(manager.watchdogUs, readFileSync('/proc/self/maps', 'utf8').includes('koffi'));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  t.is(stdout.trim(), 'undefined false');
});

test('the watchdog of another process is not fed', async (t) => {
  const peer = await startPeer(t, 'abstract');
  const other = { NOTIFY_SOCKET: peer.address, WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' };
  const manager = await connectServiceManager(other, (message) => t.fail(message));
  t.is(manager.watchdogUs, undefined);
  manager.close();
  const own = { ...other, NOTIFY_SOCKET: peer.address, WATCHDOG_USEC: '1000000' };
  const mine = await connectServiceManager({ ...own, WATCHDOG_PID: String(process.pid) }, (message) =>
    t.fail(message),
  );
  t.is(mine.watchdogUs, 1_000_000);
  mine.close();
});

test('a service manager that is gone, or an address that is none, is told once and ends nothing', async (t) => {
  const told: string[] = [];
  const gone = { NOTIFY_SOCKET: '/run/cartwright-nobody-is-here/notify', WATCHDOG_USEC: 'soon' };
  const manager = await connectServiceManager(gone, (message) => told.push(message));
  t.is(manager.watchdogUs, undefined, 'what is no number asks for nothing');
  manager.ready();
  manager.alive();
  manager.close();
  t.is(told.length, 1);
  t.regex(told[0] ?? '', /does not take READY/);
  for (const address of ['vsock:2:1234', `/${'long/'.repeat(30)}`]) {
    const silent = await connectServiceManager({ NOTIFY_SOCKET: address }, (message) => told.push(message));
    silent.ready();
  }
  t.is(told.length, 3);
});

test('a name of 107 bytes is the longest path that fits beside its end mark', (t) => {
  t.is(socketAddress(`/${'x'.repeat(106)}`).length, 2 + 108);
  t.throws(() => socketAddress(`/${'x'.repeat(107)}`));
  t.is(socketAddress(`@${'x'.repeat(107)}`).length, 2 + 108);
});
