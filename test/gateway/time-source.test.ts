import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { isSynchronized, TimeSource } from '#gateway/time-source.ts';

test('A clock is believed to be synchronized only once the system has said so', async (t) => {
  let synchronized = false;
  let asked = 0;
  const time = new TimeSource(new VirtualClock(0, Date.UTC(2026, 5, 1)), async () => {
    asked += 1;
    return synchronized;
  });
  t.is(time.quality, 'holdover');
  synchronized = true;
  t.is(time.quality, 'holdover', 'nothing is asked in between');
  await time.refresh();
  t.is(time.quality, 'synced');
  synchronized = false;
  await time.refresh();
  t.is(time.quality, 'holdover');
  t.is(asked, 2);
});

test('A clock before this software was written is not set, whatever the system says', async (t) => {
  const time = new TimeSource(new VirtualClock(0, Date.UTC(1970, 0, 2)), async () => true);
  await time.refresh();
  t.is(time.quality, 'unset');
});

test.serial(
  'The system is asked with timedatectl; where that fails or hangs, nothing is claimed',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'cartwright-time-'));
    const path = process.env.PATH;
    t.teardown(async () => {
      process.env.PATH = path;
      await rm(folder, { recursive: true });
    });
    process.env.PATH = folder;
    const says = async (script: string) => {
      await writeFile(join(folder, 'timedatectl'), `#!/bin/sh\n${script}\n`);
      await chmod(join(folder, 'timedatectl'), 0o755);
      return await isSynchronized();
    };
    t.false(await isSynchronized(), 'it is not installed');
    t.true(await says('[ "$*" = "show -p NTPSynchronized --value" ] && echo yes'));
    t.false(await says('echo no'));
    t.false(await says('echo yes; exit 1'));
    t.false(await says('exec /bin/sleep 30'));
  },
);
