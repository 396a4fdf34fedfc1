import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { chooseBoard, mustBeFree } from '../../scripts/firmware/board.ts';
import { KernelTree } from '../support/kernel-tree.ts';
import { type BoardSetup, OptibootBoard } from '../support/optiboot-board.ts';
import { findTool, needs } from '../tools.ts';

const script = new URL('../../scripts/flash-firmware', import.meta.url).pathname;
const hex = new URL('../../boards/firmware/load-cell-bridge/load-cell-bridge.hex', import.meta.url).pathname;
const onAny = anyTest as TestFn;
const test = needs(onAny, 'socat', 'avrdude');

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function flash(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  const child = spawn(script, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, out, err })));
}

async function plugIn(t: ExecutionContext, setup: BoardSetup): Promise<OptibootBoard> {
  const board = await OptibootBoard.plugIn(setup);
  t.teardown(() => board.unplug());
  return board;
}

function temporary(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'flash-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The program's bytes, by a reading of Intel HEX that is not the script's. */
function programBytes(): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const line of readFileSync(hex, 'latin1').split('\n')) {
    if (line.slice(7, 9) !== '00') continue;
    const address = Number.parseInt(line.slice(3, 7), 16);
    Buffer.from(line.slice(9, -3), 'hex').forEach((byte, index) => {
      bytes.set(address + index, byte);
    });
  }
  return bytes;
}

test('a blank board is written by avrdude byte for byte, verified, and given a serial number', async (t) => {
  const board = await plugIn(t, {});
  const { code, out, err } = await flash(['--port', board.port, '--bootloader', 'optiboot']);
  t.is(code, 0, err);
  t.regex(out, /On it runs nothing/);
  t.regex(out, /Written and verified/);
  t.regex(board.serial ?? '', /^[A-Z2-9]{8}$/);
  t.regex(out, new RegExp(`serial number is now ${board.serial}`));
  for (const [address, byte] of programBytes()) {
    if (board.flash[address] !== byte) t.fail(`byte ${address} differs`);
  }
});

test('an older bridge is renewed and keeps its serial number', async (t) => {
  const board = await plugIn(t, { program: { bridge: '0.9.12' }, serial: 'CW000042' });
  const { code, out, err } = await flash(['--port', board.port]);
  t.is(code, 0, err);
  t.regex(out, /On it runs the load-cell bridge 0\.9\.12, serial number CW000042/);
  t.true(board.pagesWritten > 50);
  t.is(board.serial, 'CW000042');
  t.is(board.serialsSet, 0);
});

test('a board that is up to date is left alone, but given the serial number it lacks', async (t) => {
  const board = await plugIn(t, { program: { bridge: '1.0.0' } });
  const first = await flash(['--port', board.port, '--serial', 'SHELF001']);
  t.is(first.code, 0, first.err);
  t.regex(first.out, /runs already/);
  const second = await flash(['--port', board.port]);
  t.is(second.code, 0, second.err);
  t.is(board.pagesWritten, 0);
  t.is(board.serial, 'SHELF001');
  t.is(board.serialsSet, 1);
});

test('a wrong chip is refused by its name, and nothing is written', async (t) => {
  const board = await plugIn(t, { signature: [0x1e, 0x94, 0x06], program: { firmata: 'StandardFirmata' } });
  const { code, out, err } = await flash(['--port', board.port]);
  t.is(code, 5, err);
  t.regex(out, /another Firmata program, StandardFirmata 2\.5/);
  t.regex(err, /0x1E9406 \(ATmega168\).*nothing was written/);
  t.is(board.pagesWritten, 0);
});

test('a page that does not keep what was written is a failure', async (t) => {
  const board = await plugIn(t, { wornAt: 5000 });
  const { code, err } = await flash(['--port', board.port, '--bootloader', 'optiboot']);
  t.is(code, 1);
  t.regex(err, /half a program/);
  t.is(board.serialsSet, 0);
});

test('a dry run shows every command and touches nothing', async (t) => {
  const board = await plugIn(t, { program: { bridge: '0.9.0' } });
  const { code, out, err } = await flash(['--port', board.port, '--dry-run', '--serial', 'SHELF001']);
  t.is(code, 0, err);
  t.regex(out, /avrdude -q -p atmega328p -c arduino -b 115200 -P \S+ -U signature:r:/);
  t.regex(
    out,
    /avrdude -q -p atmega328p -c arduino -b 115200 -P \S+ -D -U flash:w:\S*load-cell-bridge\.hex:i/,
  );
  t.regex(out, /serial number SHELF001/);
  t.notRegex(out, / -F/);
  t.is(board.pagesWritten + board.serialsSet, 0);
});

test('a port in use is refused with the name of who has it', async (t) => {
  const board = await plugIn(t, {});
  const holder = spawn('sleep', ['30'], { stdio: [openSync(board.port, 'r'), 'ignore', 'ignore'] });
  t.teardown(() => holder.kill());
  const { code, err } = await flash(['--port', board.port, '--dry-run']);
  t.is(code, 4);
  t.regex(err, new RegExp(`process ${holder.pid} \\(sleep\\)`));
});

test('what the script asks of avrdude never overrides the chip, and its failure is told in its words', async (t) => {
  const folder = temporary(t);
  const log = join(folder, 'calls');
  writeFileSync(
    join(folder, 'avrdude'),
    `#!/bin/sh\necho "$*" >>"${log}"\ncase "$*" in *:r:*) f=\${*##*signature:r:}; echo 0x1e,0x95,0xf >"\${f%:h}" ;; *) echo 'verification error, first mismatch at byte 0x0000'; exit 1 ;; esac\n`,
  );
  chmodSync(join(folder, 'avrdude'), 0o755);
  const board = await plugIn(t, {});
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { code, err } = await flash(['--port', board.port, '--bootloader', 'urboot'], env);
  t.is(code, 1);
  t.regex(err, /first mismatch at byte 0x0000/);
  const calls = readFileSync(log, 'utf8').trim().split('\n');
  t.is(calls.length, 2);
  t.true(calls.every((call) => call.includes('-p atmega328p -c urclock -b 115200') && !/-F\b/.test(call)));
});

test('a board whose bootloader is gone is given up in bounded time, and each step is told', async (t) => {
  t.timeout(90_000);
  const folder = temporary(t);
  const pid = join(folder, 'pid');
  // As avrdude does for a minute, and where the port hangs for ever.
  writeFileSync(join(folder, 'avrdude'), `#!/bin/sh\necho $$ >"${pid}"\nexec sleep 300\n`);
  chmodSync(join(folder, 'avrdude'), 0o755);
  const board = await plugIn(t, { deafBootloader: true });
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { code, out, err } = await flash(['--port', board.port, '--bootloader', 'old'], env);
  t.is(code, 3);
  t.regex(out, /Asking what runs on it .*\n.*nothing.*\nAsking for the bootloader old at 57600 Bd .*12 s/);
  t.regex(err, /No bootloader answers on .*tried: old.*reset button/);
  t.throws(() => process.kill(Number(readFileSync(pid, 'utf8')), 0), { code: 'ESRCH' });
});

test('what can not be flashed is refused before the board is touched', async (t) => {
  const folder = temporary(t);
  const damagedHex = join(folder, 'damaged.hex');
  writeFileSync(damagedHex, readFileSync(hex, 'latin1').replace(':10001000', ':10001001'));
  const cut = join(folder, 'cut.hex');
  writeFileSync(cut, readFileSync(hex, 'latin1').split('\n').slice(0, 40).join('\n'));
  const other = join(folder, 'other.hex');
  writeFileSync(other, ':0100000000FF\n:00000001FF\n');
  const refused: readonly [string[], number, RegExp][] = [
    [['--hex', damagedHex], 2, /line 2 has a wrong checksum/],
    [['--hex', cut], 2, /end is missing/],
    [['--hex', other], 2, /not the load-cell bridge's firmware/],
    [['--hex', join(folder, 'none.hex')], 2, /can't be read/],
    [['--serial', 'short'], 2, /eight/],
    [['--bootloader', 'usb'], 2, /optiboot/],
    [['--what'], 2, /--help/],
    [['--port', '/dev/ttyNONE9'], 3, /does not exist/],
  ];
  for (const [args, code, words] of refused) {
    const outcome = await flash(args);
    t.is(outcome.code, code, args.join(' '));
    t.regex(outcome.err, words);
  }
});

test('without avrdude the script says how to get it', async (t) => {
  const folder = temporary(t);
  for (const name of ['dirname', 'readlink', 'uname'])
    symlinkSync(findTool(name) ?? name, join(folder, name));
  const board = await plugIn(t, {});
  const { code, err } = await flash(['--port', board.port], { ...process.env, PATH: folder });
  t.is(code, 69);
  t.regex(err, /apt-get install avrdude/);
});

const uno = { port: '1-1.1', vendorId: '2341', productId: '0043', serial: '75830333', product: 'Uno R3' };
const copy = { port: '1-1.2', vendorId: '1a86', productId: '7523', product: 'USB Serial' };
const scanner = { port: '1-1.3', vendorId: '0c2e', productId: '0901', product: 'Scanner' };

async function machine(t: ExecutionContext): Promise<KernelTree> {
  const tree = await KernelTree.make();
  t.teardown(() => tree.remove());
  return tree;
}

onAny('the only board is found by its stable name; what is no board is not taken for one', async (t) => {
  const tree = await machine(t);
  await tree.serial('ttyACM1', scanner);
  await tree.file('dev/ttyACM0');
  await tree.serial('ttyACM0', uno, 'usb-Arduino_Uno_75830333-if00');
  const { port, named, description } = await chooseBoard(undefined, tree.root);
  t.is(port, join(tree.root.dev, 'serial/by-id/usb-Arduino_Uno_75830333-if00'));
  t.false(named);
  t.regex(description, /Uno R3, USB 1-1\.1/);
});

onAny('of several boards none is chosen; all are listed as they can be named', async (t) => {
  const tree = await machine(t);
  await t.throwsAsync(chooseBoard(undefined, tree.root), { message: /No board was found/ });
  await tree.serial('ttyACM0', uno);
  await tree.serial('ttyUSB0', copy);
  const error = await t.throwsAsync(chooseBoard(undefined, tree.root));
  t.regex(
    error?.message ?? '',
    /Several.*\n {2}--port \S+ttyACM0 \(Uno R3.*\n {2}--port \S+ttyUSB0 \(USB Serial/,
  );
});

onAny('a port that another program reads is refused, with what to do about it', async (t) => {
  const tree = await machine(t);
  await tree.file('dev/ttyUSB0');
  await tree.serial('ttyUSB0', copy);
  const port = join(tree.root.dev, 'ttyUSB0');
  await mustBeFree(port, tree.root);
  await tree.process(812, 'ModemManager', ['/usr/sbin/ModemManager'], [port]);
  await t.throwsAsync(mustBeFree(port, tree.root), {
    message: /process 812 \(ModemManager\).*systemctl stop ModemManager/,
  });
});
