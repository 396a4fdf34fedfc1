import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import anyTest from 'ava';
import { root } from '../../scripts/checks/tree.ts';
import { needs } from '../tools.ts';

const test = needs(anyTest, 'sync');
const script = join(root, 'systemd/image/usr/lib/cartwright/slot-deadline');

/** A machine that runs slot b, whose judge is in a state; answers what its deadline left. */
function deadline(entry: string, judge: string) {
  const folder = mkdtempSync(join(tmpdir(), 'cartwright-deadline-'));
  const entries = join(folder, 'efi/loader/entries');
  for (const path of [entries, join(folder, 'data/slots'), join(folder, 'bin')])
    mkdirSync(path, { recursive: true });
  for (const name of ['cartwright-a.conf', entry]) writeFileSync(join(entries, name), '');
  writeFileSync(join(folder, 'cmdline'), 'root=x ro cartwright.slot=b cartwright.data=y\n');
  const said = join(folder, 'said');
  const systemctl = join(folder, 'bin/systemctl');
  writeFileSync(systemctl, `#!/bin/sh\n[ "$1" = show ] && echo ${judge} || echo "$@" >>${said}\n`);
  chmodSync(systemctl, 0o755);
  const { status, stderr } = spawnSync('sh', [script], {
    encoding: 'utf8',
    env: {
      PATH: [join(folder, 'bin'), process.env.PATH].join(delimiter),
      ...{ CARTWRIGHT_BOOT: join(folder, 'efi'), CARTWRIGHT_DATA: join(folder, 'data') },
      CARTWRIGHT_WORDS: join(folder, 'cmdline'),
    },
  });
  const why = join(folder, 'data/slots/given-up');
  const left = {
    ...{ status, stderr, entries: readdirSync(entries).sort() },
    told: existsSync(why) ? readFileSync(why, 'utf8').trim() : undefined,
    ordered: existsSync(said) ? readFileSync(said, 'utf8').trim() : undefined,
  };
  rmSync(folder, { recursive: true });
  return left;
}

test('a root on trial that nobody judged is given up, and the machine started anew', (t) => {
  for (const judge of ['inactive', 'failed', '']) {
    for (const [entry, after] of [
      ['cartwright-b+2-1.conf', 'cartwright-b+0-3.conf'],
      ['cartwright-b+3.conf', 'cartwright-b+0-3.conf'],
    ] as const) {
      const { entries, told, ordered, stderr } = deadline(entry, judge);
      t.deepEqual(entries, ['cartwright-a.conf', after], stderr);
      t.regex(told ?? '', /nobody judged it/);
      t.is(ordered, 'reboot');
    }
  }
});

test('a root that is being judged, or was found to be good, is left alone by the deadline', (t) => {
  for (const [entry, judge] of [
    ['cartwright-b+2-1.conf', 'activating'],
    ['cartwright-b.conf', 'active'],
    ['cartwright-b.conf', 'inactive'],
  ] as const) {
    const left = deadline(entry, judge);
    t.is(left.status, 0, left.stderr);
    t.deepEqual(left.entries, ['cartwright-a.conf', entry].sort());
    t.is(left.told, undefined);
    t.is(left.ordered, undefined);
  }
});

test('a root that was judged good and is counted all the same loses its count', (t) => {
  const { entries, ordered } = deadline('cartwright-b+1-2.conf', 'active');
  t.deepEqual(entries, ['cartwright-a.conf', 'cartwright-b.conf']);
  t.is(ordered, undefined);
});
