import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { silentLogger } from '#base/log.ts';
import { ChildLine } from '#vision/process/child-line.ts';
import { setupOf } from './support/setup.ts';

test.serial(
  'The vision process finds its programs and libraries, and hears of no secret of the gateway',
  async (t) => {
    const before = { ...process.env };
    const secrets = {
      CARTWRIGHT_MQTT__PASSWORD: 'swordfish',
      CARTWRIGHT_LOG__LEVEL: 'debug',
      AWS_SECRET_ACCESS_KEY: 'swordfish',
      INVOCATION_ID: '7',
    };
    const needed = {
      LD_LIBRARY_PATH: '/usr/lib/camera',
      XDG_RUNTIME_DIR: '/run/user/9',
      TZ: 'Europe/Zurich',
    };
    Object.assign(process.env, secrets, needed);
    t.teardown(() => {
      for (const name of Object.keys({ ...secrets, ...needed })) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
    });
    let said = 0;
    const line = new ChildLine(join(import.meta.dirname, 'support/child.ts'), silentLogger, {
      message: () => said++,
      nonsense: () => {},
      ended: () => {},
    });
    t.teardown(() => line.kill());
    line.send({ kind: 'begin', setup: setupOf({ model: 'well' }), lenses: [] });
    for (let tries = 0; said === 0; tries++) {
      if (tries > 3_000) throw new Error('it said nothing');
      await sleep(10);
    }
    const lines = (await readFile(`/proc/${line.pid}/environ`, 'utf8')).split('\0').filter(Boolean);
    const given = Object.fromEntries(
      lines.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
    );
    for (const name of Object.keys(secrets)) t.false(name in given, name);
    t.false(lines.join().includes('swordfish'));
    t.like(given, { ...needed, PATH: before.PATH, MALLOC_ARENA_MAX: before.MALLOC_ARENA_MAX ?? '1' });
  },
);
