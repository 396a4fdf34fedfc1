import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { root as project } from '../../scripts/checks/tree.ts';

const releaseS = 1_795_000_000;

/** Runs a helper of the units with programs that only write down how they were called. */
function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'cartwright-helper-'));
  const at = (name: string) => join(folder, name);
  mkdirSync(at('bin'));
  for (const name of ['systemctl', 'date'])
    writeFileSync(
      at(`bin/${name}`),
      `#!/bin/sh\n[ "$1" = +%s ] && echo "$NOW" && exit\necho "${name} $*" >> "${at('calls')}"\n`,
      { mode: 0o755 },
    );
  writeFileSync(at('release.json'), '{}');
  utimesSync(at('release.json'), releaseS, releaseS);
  const run = (helper: string, nowS = 0) => {
    rmSync(at('calls'), { force: true });
    const { status, stdout, stderr } = spawnSync('/bin/sh', [join(project, 'systemd', helper)], {
      encoding: 'utf8',
      env: {
        PATH: `${at('bin')}${delimiter}${process.env.PATH}`,
        NOW: String(nowS),
        CARTWRIGHT_CLOCK_FLOOR: at('clock-floor'),
        CARTWRIGHT_RELEASE: at('release.json'),
        CARTWRIGHT_POWER_WISH: at('power.json'),
      },
    });
    const calls = existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim() : '';
    return { status, said: stdout + stderr, calls };
  };
  return { at, run, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What `set-clock` sets, in s, where it sets anything. */
function clockAfter(floor: string | undefined, nowS: number): number | undefined {
  const { at, run, remove } = stage();
  if (floor !== undefined) writeFileSync(at('clock-floor'), floor);
  const { status, calls } = run('set-clock', nowS);
  remove();
  if (status !== 0) return Number.NaN;
  return calls === '' ? undefined : Number(/^date -u -s @(\d+)$/.exec(calls)?.[1]);
}

const day = 86_400;

test('a clock that wakes up in 1970 is set to the last instant that the gateway kept', (t) => {
  t.is(clockAfter(`${(releaseS + 90 * day) * 1000}\n`, 12), releaseS + 90 * day);
});

test('where nothing was kept yet, the clock begins no earlier than the release was made', (t) => {
  t.is(clockAfter(undefined, 12), releaseS);
  t.is(clockAfter('', 12), releaseS);
});

test('a clock that is right, or ahead, is left alone', (t) => {
  t.is(clockAfter(`${(releaseS + 5) * 1000}\n`, releaseS + 5), undefined);
  t.is(clockAfter(`${(releaseS + 5) * 1000}\n`, releaseS + day), undefined);
});

test('an instant more than twenty years after the release is not believed', (t) => {
  t.is(clockAfter(`${(releaseS + 21 * 366 * day) * 1000}\n`, 12), releaseS);
});

test('whatever else stands in the kept file, the clock only ever goes to the release', (t) => {
  const notNumber = fc
    .string({ maxLength: 40 })
    .filter((text) => !/^[1-9]\d{3,15}(?:\n|$)/.test(text.slice(0, 16)));
  t.notThrows(() =>
    fc.assert(
      fc.property(notNumber, (text) => clockAfter(text, 12) === releaseS),
      { seed: 9, numRuns: 25 },
    ),
  );
});

test('a link or a folder in the place of the kept instant is not followed', (t) => {
  const { at, run, remove } = stage();
  writeFileSync(at('elsewhere'), `${(releaseS + day) * 1000}\n`);
  symlinkSync(at('elsewhere'), at('clock-floor'));
  t.is(run('set-clock', 12).calls, `date -u -s @${releaseS}`);
  rmSync(at('clock-floor'));
  mkdirSync(at('clock-floor'));
  t.is(run('set-clock', 12).calls, `date -u -s @${releaseS}`);
  remove();
});

for (const action of ['reboot', 'poweroff']) {
  test(`a wish to ${action} is removed, then carried out`, (t) => {
    const { at, run, remove } = stage();
    writeFileSync(at('power.json'), JSON.stringify({ action, why: 'battery \\033[31mlow', atMs: 1 }));
    const { status, calls, said } = run('end-machine');
    t.is(status, 0);
    t.is(calls, `systemctl --no-block ${action}`);
    t.false(existsSync(at('power.json')));
    t.false(said.includes('\u001b'));
    remove();
  });
}

for (const [why, text] of [
  ['another word', '{"action":"halt","why":"x","atMs":1}'],
  ['a word that only begins so', '{"action":"rebootx","why":"x","atMs":1}'],
  ['no JSON', 'reboot'],
  ['a wish without an end', '{"action":"reboot","why":"x'],
  ['nothing', ''],
  ['a wish of a megabyte', `{"action":"reboot","why":"${'x'.repeat(1_048_576)}"}`],
] as const) {
  test(`${why} ends no machine, and is removed without being repeated in the journal`, (t) => {
    const { at, run, remove } = stage();
    writeFileSync(at('power.json'), text);
    const { status, calls, said } = run('end-machine');
    t.is(status, 1);
    t.is(calls, '');
    t.true(text === '' || !said.includes(text.slice(0, 200)));
    t.false(existsSync(at('power.json')));
    remove();
  });
}

test('a link in the place of a wish is removed, and what it leads to stays', (t) => {
  const { at, run, remove } = stage();
  writeFileSync(at('secret'), '{"action":"reboot","why":"secret","atMs":1}');
  symlinkSync(at('secret'), at('power.json'));
  const { status, calls, said } = run('end-machine');
  t.is(status, 1);
  t.is(calls, '');
  t.false(said.includes('secret","'));
  t.true(existsSync(at('secret')));
  remove();
});

test('the end of the gateway is noted as systemd saw it, but lack of memory by the count of its control group', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cartwright-helper-'));
  const noted = (words: string, events?: string) => {
    const [SERVICE_RESULT, EXIT_CODE, EXIT_STATUS] = words.split(' ');
    rmSync(join(folder, 'memory.events'), { force: true });
    if (events !== undefined) writeFileSync(join(folder, 'memory.events'), events);
    spawnSync('/bin/sh', [join(project, 'systemd/note-end')], {
      env: {
        ...{ PATH: process.env.PATH, SERVICE_RESULT, EXIT_CODE, EXIT_STATUS },
        ...{ STATE_DIRECTORY: folder, CARTWRIGHT_CONTROL_GROUP: folder },
      },
    });
    return readFileSync(join(folder, 'last-end'), 'utf8').trim();
  };
  t.is(noted('success exited 0'), 'success exited 0');
  t.is(noted('signal killed KILL'), 'signal killed KILL');
  t.is(noted('signal killed KILL', 'max 12\noom 0\noom_kill 0\n'), 'signal killed KILL');
  t.is(noted('signal killed KILL', 'max 12\noom 1\noom_kill 1\n'), 'oom-kill killed KILL');
  // The vision process was ended so before; this is another matter.
  t.is(noted('watchdog killed ABRT', 'oom_kill 1\n'), 'watchdog killed ABRT');
  t.is(noted('exit-code exited 78', 'oom_kill 1\n'), 'exit-code exited 78');
  rmSync(folder, { recursive: true });
});
