import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { parse, stringify } from 'yaml';
import { type AttachedRow, type DeviceRow, inspectDevices } from '#cli/device-inspection.ts';
import { attachedLines, deviceLines } from '#cli/device-table.ts';
import { hiddenGateways, isGatewayProcess } from '#cli/gateway-process.ts';
import { runCli } from '#test/support/cli.ts';
import { makeGatewayFolder, startGateway } from '#test/support/gateway.ts';
import { KernelTree } from '#test/support/kernel-tree.ts';
import { PtyPair } from '#test/support/pty-pair.ts';
import { needs } from '#test/tools.ts';

const test = anyTest;
const nowhere = 'mqtt://127.0.0.1:9';

/** A configuration of the virtual demo cart with more devices, which nothing on its plates needs. */
async function configWith(t: ExecutionContext, devices: readonly object[]) {
  const folder = await makeGatewayFolder({ brokerUrl: nowhere, scenario: 'put-back' });
  t.teardown(() => folder.remove());
  const path = join(folder.path, 'board.yaml');
  const board = parse(await readFile(path, 'utf8')) as { devices: object[] };
  await writeFile(path, stringify({ ...board, devices: [...board.devices, ...devices] }));
  return folder;
}

async function tree(t: ExecutionContext): Promise<KernelTree> {
  const made = await KernelTree.make();
  t.teardown(() => made.remove());
  return made;
}

const bridge = { port: '1-1.2', vendorId: '1a86', productId: '7523', product: 'USB Serial' };
const wand = { port: '1-1.3', vendorId: '0403', productId: '6001', serial: 'A1', product: 'FT232R' };
const serial = (match: object) => ({ driver: 'serial-scanner', options: { match } });

test('each entry is found, missing with its reason, or in use by the gateway; what is attached says whose it is', async (t) => {
  const kernel = await tree(t);
  const { dev, proc } = kernel.root;
  for (const [i, port] of ['1-2', '1-1.2'].entries()) {
    await kernel.serial(`ttyUSB${i}`, { ...bridge, port });
    await kernel.file(`dev/ttyUSB${i}`);
  }
  await kernel.serial('ttyUSB2', wand);
  await kernel.file('dev/ttyUSB2');
  await kernel.file('sys/devices/virtual/thermal/hwmon0/name', 'cpu_thermal');
  await kernel.file('sys/devices/virtual/thermal/hwmon0/temp1_input', '48000');
  await kernel.link('sys/class/hwmon/hwmon0', 'sys/devices/virtual/thermal/hwmon0');
  const gateway = join(kernel.folder, 'opt');
  await kernel.file('opt/package.json', '{ "name": "cartwright" }');
  await kernel.process(
    812,
    'MainThread',
    ['/usr/bin/node', join(gateway, 'src/main.ts'), 'cartwright.yaml'],
    [await realpath(join(dev, 'ttyUSB2'))],
  );
  t.true(await isGatewayProcess(812, proc));
  const folder = await configWith(t, [
    { id: 'wand', ...serial({ serial: 'A1' }) },
    { id: 'twin', ...serial({ vendorId: '1a86' }) },
    { id: 'gone', ...serial({ serial: 'A2' }) },
    { id: 'warmth', driver: 'hwmon-temperature', options: { name: 'cpu_thermal' } },
  ]);
  const { devices, attached } = await inspectDevices(folder.configPath, kernel.root);
  const of = (id: string) => devices.find((row) => row.id === id);
  t.like(of('world'), { state: 'found', kind: 'bus' });
  t.like(of('wand'), {
    state: 'in use',
    kind: 'scanner',
    message: `${join(dev, 'ttyUSB2')} is held by the running gateway, process 812`,
  });
  t.like(of('warmth'), { state: 'found', kind: 'temperature' });
  t.like(of('twin'), { state: 'missing' });
  t.regex(of('twin')?.message ?? '', /^CW-DRV-014 2 attached devices match/);
  t.regex(of('gone')?.message ?? '', /^CW-DRV-004 .*serial A2 is not attached; attached instead: /);
  t.deepEqual(
    attached.map(({ kind, node, usedBy }) => [kind, node.slice(kernel.folder.length + 1), usedBy]),
    [
      ['serial', 'dev/ttyUSB0', []],
      ['serial', 'dev/ttyUSB1', []],
      ['serial', 'dev/ttyUSB2', ['wand']],
      ['hwmon', 'sys/class/hwmon/hwmon0', ['warmth']],
    ],
  );
  t.like(attached[2]?.holder, { pid: 812 });
});

test('only a program of this software that runs a gateway is one', async (t) => {
  const kernel = await tree(t);
  await kernel.file('opt/package.json', '{ "name": "cartwright" }');
  await kernel.file('other/package.json', '{ "name": "shop" }');
  const root = (name: string) => join(kernel.folder, name);
  const commands: readonly [boolean, readonly string[]][] = [
    [true, ['node', join(root('opt'), 'src/main.ts')]],
    [true, ['/usr/bin/node', '--flag', join(root('opt'), 'src/cli/main.ts'), 'run', '-c', 'x.yaml']],
    [true, ['node', join(root('opt'), 'src/cli/main.ts'), 'demo']],
    [true, ['node', '--max-old-space-size=192', join(root('opt'), 'src/gateway/vision-child.ts')]],
    [false, ['node', join(root('opt'), 'src/cli/main.ts'), 'devices']],
    [false, ['node', join(root('opt'), 'src/cli/main.ts')]],
    [false, ['node', join(root('other'), 'src/main.ts')]],
    [false, ['cat', join(root('opt'), 'src/main.ts')]],
    [false, ['node']],
    [false, []],
  ];
  for (const [i, [expected, command]] of commands.entries()) {
    await kernel.process(100 + i, 'it', command, []);
    t.is(await isGatewayProcess(100 + i, kernel.root.proc), expected, command.join(' '));
  }
  await kernel.process(300, 'rpicam-vid', ['rpicam-vid', '-o', '-'], []);
  t.false(await isGatewayProcess(300, kernel.root.proc));
  await kernel.file('proc/300/stat', '300 (rpicam (1) vid) S 103 300 300 0');
  t.true(await isGatewayProcess(300, kernel.root.proc), 'a program that the vision process started');
  t.false(await isGatewayProcess(99, kernel.root.proc), 'a process that is gone');
  t.false(await isGatewayProcess(process.pid), 'this process');
});

test('what a gateway of another user may hold is left alone, and said so', async (t) => {
  const kernel = await tree(t);
  await kernel.serial('ttyUSB2', wand);
  await kernel.file('dev/ttyUSB2');
  await kernel.file('sys/devices/virtual/thermal/hwmon0/name', 'cpu_thermal');
  await kernel.file('sys/devices/virtual/thermal/hwmon0/temp1_input', '48000');
  await kernel.link('sys/class/hwmon/hwmon0', 'sys/devices/virtual/thermal/hwmon0');
  await kernel.file('opt/package.json', '{ "name": "cartwright" }');
  await kernel.process(812, 'MainThread', ['node', join(kernel.folder, 'opt/src/main.ts')], []);
  t.deepEqual(await hiddenGateways(kernel.root.proc), []);
  await rm(join(kernel.root.proc, '812/fd'), { recursive: true });
  t.deepEqual(await hiddenGateways(kernel.root.proc), [812]);
  const folder = await configWith(t, [
    { id: 'wand', ...serial({ serial: 'A1' }) },
    { id: 'warmth', driver: 'hwmon-temperature', options: { name: 'cpu_thermal' } },
  ]);
  const { devices } = await inspectDevices(folder.configPath, kernel.root);
  const of = (id: string) => devices.find((row) => row.id === id);
  t.like(of('wand'), { state: 'in use' });
  t.regex(of('wand')?.message ?? '', /gateway of another user runs, process 812; only root sees/);
  t.like(of('warmth'), { state: 'found' });
});

const found: DeviceRow = {
  id: 'handle-scanner',
  driver: 'hid-pos-scanner',
  kind: 'scanner',
  state: 'found',
  identity: { vendor: 'Honeywell', model: 'Voyager 1400g', serial: '17164B0917' },
  nodes: ['/dev/hidraw0'],
};
const rule =
  'SUBSYSTEM=="tty", ATTRS{idVendor}=="1a86", ATTRS{idProduct}=="7523", GROUP="cartwright", MODE="0660", TAG+="uaccess"';
const message = `CW-DRV-012 no permission to open the serial port /dev/ttyUSB0: install systemd/60-cartwright.rules in /etc/udev/rules.d (it lacks this device? then with the rule ${rule}), run \`udevadm trigger\``;

test('entries are lines for a terminal of 100 columns, a rule is a line to copy', (t) => {
  const lines = deviceLines([
    found,
    {
      ...found,
      id: 'imu',
      driver: 'mpu6050',
      state: 'in use',
      message: '/dev/i2c-1 is held by the running gateway, process 812',
    },
    { ...found, id: 'scale', driver: 'mt-sics', state: 'forbidden', message, rule },
    { ...found, id: 'modem', state: 'held', message: 'CW-DRV-003 held by process 900 (ModemManager)' },
    { ...found, id: 'wand', state: 'missing', message: 'CW-DRV-004 short' },
  ]);
  t.is(lines[0], 'ok         handle-scanner  hid-pos-scanner  Honeywell Voyager 1400g 17164B0917');
  t.is(
    lines[1],
    'in use     imu             mpu6050          /dev/i2c-1 is held by the running gateway, process 812',
  );
  t.is(lines[2], 'FORBIDDEN  scale           mt-sics');
  t.true(lines.includes(`           rule: ${rule}`));
  t.is(lines.filter((line) => line.includes('SUBSYSTEM')).length, 1);
  t.deepEqual(lines.slice(-4), [
    'HELD       modem           hid-pos-scanner',
    '           CW-DRV-003 held by process 900 (ModemManager)',
    'MISSING    wand            hid-pos-scanner',
    '           CW-DRV-004 short',
  ]);
  for (const line of lines) t.true(line.length <= 98 || line.includes('rule:'), line);
});

test('what is attached is told with whose it is; what belongs to the machine is counted', (t) => {
  const usb: AttachedRow = {
    kind: 'serial',
    node: '/dev/ttyUSB0',
    vendorId: '1a86',
    productId: '7523',
    topology: '1-1.2:1.0',
    identity: { model: 'USB Serial', address: '1-1.2:1.0' },
    usedBy: ['bridge'],
  };
  const rows: AttachedRow[] = [
    usb,
    {
      ...usb,
      node: '/dev/ttyUSB1',
      usedBy: [],
      holder: { pid: 900, name: 'ModemManager' },
      missingRule: rule,
    },
    {
      ...usb,
      node: '/dev/ttyACM0',
      identity: { serial: 'S2', address: '/dev/serial/by-id/usb-Arduino_Uno_S2-if00' },
    },
    {
      kind: 'hid',
      node: '/dev/hidraw0',
      vendorId: '0c2e',
      productId: '0b8f',
      identity: { vendor: 'Honeywell', model: 'Voyager', serial: 'S1' },
      usagePages: [0x8c, 1],
      usedBy: ['wand', 'spare'],
    },
    { kind: 'hwmon', node: '/sys/class/hwmon/hwmon0', identity: { model: 'acpitz' }, usedBy: [] },
    { kind: 'i2c', node: '/dev/i2c-1', identity: { model: 'bcm2835', address: 'i2c-1' }, usedBy: [] },
  ];
  t.deepEqual(attachedLines(rows, false), [
    'serial  /dev/ttyUSB0  bridge: 1a86:7523, USB Serial, at 1-1.2:1.0',
    'serial  /dev/ttyUSB1  unused: 1a86:7523, USB Serial, at 1-1.2:1.0, held by process 900',
    '                      (ModemManager), NO PERMISSION',
    `         rule: ${rule}`,
    'serial  /dev/ttyACM0  bridge: 1a86:7523, serial S2, at 1-1.2:1.0,',
    '                      /dev/serial/by-id/usb-Arduino_Uno_S2-if00',
    'hid     /dev/hidraw0  wand, spare: 0c2e:0b8f, Honeywell Voyager, serial S1, usage 0x8c 0x1',
    'i2c     /dev/i2c-1    unused: bcm2835, i2c-1',
    "and 1 of the machine's own, shown with --all",
  ]);
  t.true(attachedLines(rows, true).some((line) => line.includes('acpitz')));
  t.deepEqual(attachedLines([], false), ['nothing that a driver could open']);
});

needs(test, 'socat')(
  'devices beside a running gateway leaves its devices alone and exits with 0',
  async (t) => {
    t.timeout(60_000);
    const kernel = await tree(t);
    const [far, near] = [join(kernel.folder, 'far'), join(kernel.folder, 'near')];
    const pair = await PtyPair.make(far, near);
    t.teardown(() => pair.pull());
    const folder = await configWith(t, [{ id: 'wand', ...serial({ path: near }) }]);
    const list = async () => {
      const { code, stdout, stderr } = await runCli(['devices', folder.configPath, '--json']);
      t.is(stderr, '');
      const { devices } = JSON.parse(stdout) as { devices: DeviceRow[] };
      return { code, row: devices.find(({ id }) => id === 'wand') };
    };
    const before = await list();
    t.like(before, { code: 0, row: { state: 'found', nodes: [near] } });
    const daemon = await startGateway(folder);
    t.teardown(() => daemon.kill());
    const beside = await list();
    t.like(beside, { code: 0, row: { state: 'in use' } });
    t.regex(beside.row?.message ?? '', new RegExp(`held by the running gateway, process ${daemon.pid}$`));
    t.is(await daemon.stop(), 0);
    await pair.pull();
    t.like(await list(), { code: 1, row: { state: 'missing' } });
  },
);

test('what is attached but held or forbidden is said to be so, not to be missing', async (t) => {
  t.timeout(60_000);
  const kernel = await tree(t);
  await kernel.file('taken');
  const node = join(kernel.folder, 'taken');
  const holder = spawn('sleep', ['60'], { stdio: [openSync(node, 'r'), 'ignore', 'ignore'] });
  t.teardown(() => holder.kill());
  const folder = await configWith(t, [
    { id: 'taken', ...serial({ path: node }) },
    // The kernel lets nobody write there, not even root.
    { id: 'closed', ...serial({ path: '/sys/kernel/uevent_seqnum' }) },
    { id: 'gone', ...serial({ path: '/dev/ttyNONE9' }) },
  ]);
  const { code, stdout } = await runCli(['devices', folder.configPath, '--json']);
  t.is(code, 1);
  const { devices } = JSON.parse(stdout) as { devices: DeviceRow[] };
  const of = (id: string) => devices.find((row) => row.id === id);
  t.like(of('taken'), { state: 'held', nodes: [node] });
  t.regex(of('taken')?.message ?? '', new RegExp(`^CW-DRV-003 .*process ${holder.pid} \\(sleep\\)`));
  t.like(of('closed'), { state: 'forbidden' });
  t.regex(of('closed')?.message ?? '', /^CW-DRV-012 /);
  t.regex(of('closed')?.rule ?? '', /GROUP="cartwright"/);
  t.like(of('gone'), { state: 'missing' });
});

test('what a device or a process calls itself can not steer the terminal', (t) => {
  const name = 'Scale\u001b]0;x\u0007\u009b2J';
  const rows: AttachedRow[] = [
    {
      kind: 'serial',
      node: '/dev/ttyUSB0',
      vendorId: '0403',
      productId: '6001',
      identity: { model: name },
      holder: { pid: 812, name },
      usedBy: [],
    },
  ];
  const entries: DeviceRow[] = [
    { id: 'scale', driver: 'cas', kind: 'scale', state: 'found', identity: { model: name }, nodes: [] },
    { id: 'other', driver: 'cas', kind: 'scale', state: 'missing', identity: {}, nodes: [], message: name },
  ];
  const text = [...attachedLines(rows, true), ...deviceLines(entries)].join('');
  t.notRegex(text, /\p{Cc}/u);
  t.is(text.split('Scale').length, 5);
});
