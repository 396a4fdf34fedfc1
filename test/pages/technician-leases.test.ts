import test from 'ava';
import type { Answer } from '#pages/technician/client/broker.ts';
import { type HeldSession, Leases } from '#pages/technician/client/leases.ts';

const minuteMs = 60_000;
const device = 'cart-0001';
const refused = (code: string): Answer => ({ status: 'refused', code, message: code });

/** Leases in virtual time; the device answers as `device.answer` says, to what is in `asked`. */
function makeLeases(kept: readonly HeldSession[] = []) {
  const world = {
    nowMs: 5_000,
    isConnected: true,
    asked: [] as { command: string; args: object }[],
    kept: [] as readonly HeldSession[],
    lost: [] as string[],
    answer: (command: string): Answer => {
      const expiresUs = (world.nowMs + 600_000) * 1_000;
      const data = { session: 's1', expiresUs };
      return { status: 'done', data: command === 'calibration.resume' ? { session: data } : data };
    },
  };
  const leases = new Leases(
    {
      connected: () => world.isConnected,
      ask: async (_device, command, args) => {
        world.asked.push({ command, args });
        return world.answer(command);
      },
      nowMs: () => world.nowMs,
      changed: (held) => {
        world.kept = held;
      },
      lost: (which) => void world.lost.push(which),
    },
    kept,
  );
  /** Lets time pass, with a tick every second. */
  const pass = async (ms: number) => {
    for (const endMs = world.nowMs + ms; world.nowMs < endMs; ) {
      world.nowMs += 1_000;
      leases.tick();
      await Promise.resolve().then(() => {});
    }
  };
  return { leases, world, pass };
}

test('A session is renewed at once, and then every third of its ten minutes', async (t) => {
  const { leases, world, pass } = makeLeases();
  leases.hold(device, 's1', 1);
  t.deepEqual(world.kept, [{ device, session: 's1' }]);
  await pass(1_000);
  t.deepEqual(world.asked, [{ command: 'calibration.renew', args: { session: 's1' } }]);
  t.is(leases.leftS(device), 600);
  t.is(leases.leftS(device, (world.nowMs + 100_000) * 1_000), 500);
  await pass(10 * minuteMs);
  t.is(world.asked.length, 4);
  t.deepEqual(leases.waiting(), []);
});

test('A page that nobody uses for half an hour asks, renews nothing more, and goes on when somebody answers', async (t) => {
  const { leases, world, pass } = makeLeases();
  leases.hold(device, 's1');
  await pass(29 * minuteMs);
  leases.stepped(device);
  await pass(30 * minuteMs - 1_000);
  t.deepEqual(leases.waiting(), []);
  await pass(1_000);
  t.deepEqual(leases.waiting(), [device]);
  const before = world.asked.length;
  leases.back();
  leases.hold(device, 's1', 1);
  await pass(5 * minuteMs);
  t.is(world.asked.length, before);
  t.is((await leases.goOn(device))?.status, 'done');
  t.deepEqual(world.asked.at(-1), { command: 'calibration.resume', args: { session: 's1' } });
  t.deepEqual(leases.waiting(), []);
  t.is(leases.leftS(device, world.nowMs * 1_000), 600);
  await pass(10 * minuteMs);
  t.is(world.asked.length, before + 4);
});

test('Without an answer the forgotten session comes to its end, and is let go when the device says so', async (t) => {
  const { leases, world, pass } = makeLeases();
  leases.hold(device, 's1');
  await pass(45 * minuteMs);
  t.is(leases.leftS(device), 0);
  world.answer = () => refused('CW-CAL-172');
  await leases.goOn(device);
  t.false(leases.holds(device));
  t.deepEqual([world.kept, world.lost], [[], [device]]);
  t.is(await leases.goOn(device), undefined);
});

test('A connection that was lost for longer than the lease is told in time, and renewed when it is back', async (t) => {
  const { leases, world, pass } = makeLeases();
  leases.hold(device, 's1');
  await pass(1_000);
  world.isConnected = false;
  await pass(8 * minuteMs);
  t.deepEqual(leases.waiting(), []);
  await pass(minuteMs + 30_000);
  t.deepEqual(leases.waiting(), [device]);
  world.isConnected = true;
  await pass(2_000);
  t.deepEqual(leases.waiting(), []);
  t.is(world.asked.length, 2);
});

test('A device that does not answer is asked again, and so is one that refuses for a reason that may pass', async (t) => {
  const { leases, world, pass } = makeLeases();
  leases.hold(device, 's1');
  for (const code of ['no-answer', 'CW-IDN-002']) {
    world.answer = () => refused(code);
    const before = world.asked.length;
    await pass(60_000);
    t.true(world.asked.length - before >= 4, code);
    t.true(leases.holds(device));
  }
  t.deepEqual(world.lost, []);
});

test('After a reload what was held is renewed, whatever tab is open; another session takes its place', async (t) => {
  const { leases, world, pass } = makeLeases([{ device, session: 's0' }]);
  await pass(1_000);
  t.deepEqual(world.asked, [{ command: 'calibration.renew', args: { session: 's0' } }]);
  leases.hold(device, 's1');
  await pass(1_000);
  t.deepEqual(world.asked.at(-1)?.args, { session: 's1' });
  leases.end(device);
  await pass(10 * minuteMs);
  t.is(world.asked.length, 2);
  t.deepEqual(world.kept, []);
});
