import { mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type TestFn } from 'ava';
import { systemClock, VirtualClock } from '#base/clock.ts';
import { systemAttachments } from '#drivers/ports/attachments.ts';
import { KernelTree } from '../support/kernel-tree.ts';

const test = anyTest as TestFn<{ tree: KernelTree; stops: (() => void)[] }>;
test.beforeEach(async (t) => {
  t.context = { tree: await KernelTree.make(), stops: [] };
});
test.afterEach.always(async ({ context: { tree, stops } }) => {
  for (const stop of stops) stop();
  await tree.remove();
});

/** Counts what is told; `next` waits for one more. */
function listen({ tree, stops }: { tree: KernelTree; stops: (() => void)[] }) {
  let told = 0;
  stops.push(systemAttachments(systemClock, tree.root).watch(() => (told += 1)));
  return {
    told: () => told,
    next: async (before: number) => {
      const deadline = performance.now() + 10_000;
      while (told <= before && performance.now() < deadline) await sleep(10);
      return told > before;
    },
  };
}

test('a node that appears or goes is told, in folders that come and go too', async (t) => {
  const { dev } = t.context.tree.root;
  const { told, next } = listen(t.context);
  const expectTold = async (what: string, change: () => Promise<unknown>) => {
    const before = told();
    await change();
    t.true(await next(before), what);
    // What the same change brings late is not the next one's.
    await sleep(250);
  };
  await expectTold('a node', () => writeFile(join(dev, 'ttyUSB0'), ''));
  await expectTold('a folder with links', async () => {
    await mkdir(join(dev, 'serial/by-id'), { recursive: true });
    await symlink('../../ttyUSB0', join(dev, 'serial/by-id/usb-one'));
  });
  await expectTold('a link in it', () => symlink('../../ttyUSB0', join(dev, 'serial/by-id/usb-two')));
  await expectTold('that folder gone', () => rm(join(dev, 'serial'), { recursive: true }));
  await expectTold('the folder again', async () => {
    await mkdir(join(dev, 'serial/by-id'), { recursive: true });
  });
  await expectTold('a link in the new one', () => symlink('x', join(dev, 'serial/by-id/usb-three')));
  await expectTold('the folder of input devices', () => mkdir(join(dev, 'input')));
  await expectTold('an input device', () => writeFile(join(dev, 'input/event4'), ''));
  await expectTold('a node gone', () => rm(join(dev, 'ttyUSB0')));
});

test('writes to a node and changes of its times are no news', async (t) => {
  const node = join(t.context.tree.root.dev, 'ttyUSB0');
  await writeFile(node, '');
  const { told } = listen(t.context);
  for (let i = 0; i < 20; i++) await writeFile(node, 'bytes', { flag: 'r+' });
  await utimes(node, 1, 1);
  await sleep(300);
  t.is(told(), 0);
});

test('many nodes at once are told together, and nothing after the end', async (t) => {
  const { dev } = t.context.tree.root;
  const clock = new VirtualClock();
  let told = 0;
  const stop = systemAttachments(clock, t.context.tree.root).watch(() => (told += 1));
  for (let i = 0; i < 20; i++) await writeFile(join(dev, `hidraw${i}`), '');
  await sleep(100);
  t.is(told, 0, 'they have not settled yet');
  clock.advance(100_000);
  t.is(told, 1);
  await writeFile(join(dev, 'late'), '');
  await sleep(100);
  stop();
  stop();
  clock.advance(10_000_000);
  await writeFile(join(dev, 'later'), '');
  await sleep(50);
  clock.advance(10_000_000);
  t.is(told, 1);
});

test('changes that never settle are told all the same', async (t) => {
  const { dev } = t.context.tree.root;
  const clock = new VirtualClock();
  let told = 0;
  t.context.stops.push(systemAttachments(clock, t.context.tree.root).watch(() => (told += 1)));
  for (let i = 0; i < 12; i++) {
    await writeFile(join(dev, `hidraw${i}`), '');
    await sleep(30);
    clock.advance(60_000);
  }
  t.true(told >= 1);
});

test('where there are no such folders nothing is told and nothing fails', async (t) => {
  await rm(t.context.tree.root.dev, { recursive: true });
  const { told } = listen(t.context);
  await sleep(50);
  t.is(told(), 0);
});
