import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest from 'ava';
import { root } from '../../scripts/checks/tree.ts';
import { needs } from '../tools.ts';

const test = needs(anyTest, 'systemd-analyze');
const folder = join(root, 'systemd');
const units = readdirSync(folder).filter((name) => /\.(?:service|path|timer|mount)$/.test(name));
const services = units.filter((name) => name.endsWith('.service'));

/** The most that `systemd-analyze security` may find, in tenths; 20 where none is named. Why stands in the unit. */
const exposures: Readonly<Record<string, number>> = {
  // Replaces units and releases, changes owners, and works on data as the gateway's user.
  'cartwright-update.service': 28,
  'cartwright-update-boot.service': 28,
  // A browser and a screen: no list of calls, devices by logind.
  'cartwright-kiosk.service': 40,
};

/** Where things lie on a device (docs/operator/install.md). */
const places = [
  /^\/opt\/cartwright(?:$|\/(?:current|good)(?:$|\/))/,
  /^\/etc\/cartwright(?:$|\/(?:cartwright\.yaml|console\.conf|authority\.conf|kiosk\.conf|credentials\/device\.pem)?$)/,
  /^\/var\/(?:lib|cache)\/cartwright(?:-console|-updater|-authority)?(?:$|\/(?:updates\/request\.json|authority\.json)?$)/,
  /^\/run\/cartwright(?:-kiosk)?(?:$|\/power\.json$)/,
  /^\/etc\/systemd\/system$/,
  /^\/etc\/mosquitto\/cartwright$/,
  /^\/(?:bin\/sh|usr\/bin\/cage)$/,
  /^\/(?:var|run|run\/user|tmp|dev\/shm|sys\/devices|dev\/tty[01])$/,
];

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

/** What stands behind `=`, without comments. */
const settings = (name: string) =>
  read(name)
    .split('\n')
    .filter((line) => /^[A-Za-z]+=/.test(line));

/** A root with the machine's own units, ours, and something to execute wherever ours do. */
function unitRoot(change: (name: string, text: string) => string = (_, text) => text): string {
  const scratch = mkdtempSync(join(tmpdir(), 'cartwright-units-'));
  const target = join(scratch, 'etc/systemd/system');
  mkdirSync(target, { recursive: true });
  cpSync('/usr/lib/systemd/system', join(scratch, 'usr/lib/systemd/system'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const name of units) writeFileSync(join(target, name), change(name, read(name)));
  for (const program of [
    'opt/cartwright/good/node_modules/.bin/node',
    'opt/cartwright/current/node_modules/.bin/node',
    'bin/sh',
    'usr/bin/cage',
  ]) {
    mkdirSync(join(scratch, program, '..'), { recursive: true });
    writeFileSync(join(scratch, program), '');
    chmodSync(join(scratch, program), 0o755);
  }
  return scratch;
}

/** All that systemd has to say about the units, which is nothing where they are right. */
function verify(scratch: string): string {
  const run = spawnSync('systemd-analyze', [`--root=${scratch}`, '--man=no', 'verify', ...units], {
    encoding: 'utf8',
  });
  rmSync(scratch, { recursive: true });
  return `${run.stdout}${run.stderr}${run.status === 0 ? '' : `exit ${run.status}`}`;
}

test('systemd takes every unit without a word', (t) => {
  t.true(units.length >= 13);
  t.is(verify(unitRoot()), '');
});

test('a setting that systemd does not know would be found', (t) => {
  const wrong = (name: string, text: string) =>
    name === 'cartwright.service' ? text.replace('WatchdogSec=', 'WatchdogSeconds=') : text;
  t.regex(verify(unitRoot(wrong)), /WatchdogSeconds/);
});

for (const name of services) {
  const limit = exposures[name] ?? 20;
  test(`the exposure of ${name} is at most ${limit / 10}`, (t) => {
    const run = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', `--threshold=${limit}`, '--no-pager', join(folder, name)],
      { encoding: 'utf8' },
    );
    t.is(run.status, 0, run.stdout.split('\n').at(-2));
    t.regex(run.stdout, /Overall exposure level/);
  });
}

for (const name of units) {
  anyTest(`${name} names no place but those of a device`, (t) => {
    const named = settings(name)
      .filter((line) => !/^(?:Documentation|Description|Options)=/.test(line))
      .flatMap((line) => line.slice(line.indexOf('=') + 1).split(/[\s'":=,]+/))
      .map((word) => word.replace(/^[-!]/, ''))
      .filter((word) => word.startsWith('/') && word !== '/');
    for (const path of named)
      t.true(
        places.some((place) => place.test(path)),
        `${name}: ${path}`,
      );
    t.true(settings(name).length > 0);
  });
}

anyTest('the gateway and safe mode are given the same folders and secrets', (t) => {
  const shared = (name: string) =>
    settings(name).filter((line) =>
      /^(?:User|Group|UMask|StateDirectory|CacheDirectory|RuntimeDirectory|LoadCredential|Environment)/.test(
        line,
      ),
    );
  t.true(shared('cartwright.service').length > 10);
  t.deepEqual(shared('cartwright-safe.service'), shared('cartwright.service'));
});

anyTest('the gateway may open named kinds of devices alone', (t) => {
  const lines = settings('cartwright.service');
  t.true(lines.includes('DevicePolicy=closed'));
  const allowed = lines.filter((line) => line.startsWith('DeviceAllow='));
  t.true(allowed.length > 0);
  for (const line of allowed) t.regex(line, /^DeviceAllow=char-(?!usb_device|mem|misc)[A-Za-z0-9_]+ rw?$/);
});

anyTest('what records or reads a trial runs from the release that is known to be good', (t) => {
  for (const name of ['safe', 'update', 'update-boot', 'clock', 'power']) {
    const start = settings(`cartwright-${name}.service`).filter((line) => line.startsWith('ExecStart='));
    t.is(start.length, 1);
    t.false(start[0]?.includes('/opt/cartwright/current/'));
  }
});
