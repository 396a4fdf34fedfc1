import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import fc from 'fast-check';
import { ruleFor } from '#drivers/ports/access.ts';
import {
  attachedAttributes,
  attachedHid,
  attachedI2c,
  attachedInput,
  attachedSerial,
} from '#drivers/ports/attached.ts';
import { chooseOne, describeAttached, describeMatch, matchesUsb } from '#drivers/ports/choose.ts';
import { usagesOf } from '#drivers/ports/hid-descriptor.ts';
import { findHolders } from '#drivers/ports/holders.ts';
import { listAttached } from '#drivers/ports/list.ts';
import { findSerial } from '#drivers/ports/serial.ts';
import { KernelTree } from '../support/kernel-tree.ts';

const test = anyTest as TestFn<KernelTree>;
const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);

test.beforeEach(async (t) => {
  t.context = await KernelTree.make();
});
test.afterEach.always((t) => t.context.remove());

const ftdi = {
  port: '1-1.2',
  vendorId: '0403',
  productId: '6001',
  serial: 'A10K1234',
  manufacturer: 'FTDI',
  product: 'FT232R USB UART',
};
const clone = { port: '1-1.3', vendorId: '1a86', productId: '7523', product: 'USB Serial' };
const scanner = {
  port: '1-1.4',
  vendorId: '0c2e',
  productId: '0b61',
  serial: '17164B0917',
  manufacturer: 'Metrologic',
  product: 'Scanner',
};
/** Usage page 0x8C (bar code scanner), usage 2, an application with two nested collections; then one of page 1 (keyboard). */
const scannerDescriptor = Uint8Array.of(
  ...[0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x12, 0xa1, 0x02, 0x85, 0x02, 0x81, 0x02, 0xc0, 0xc0],
  ...[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x75, 0x08, 0x95, 0x08, 0x81, 0x00, 0xc0],
);

test('a serial bridge is known by its USB device, its port and its stable name', async (t) => {
  const tree = t.context;
  await tree.serial('ttyUSB0', ftdi, 'usb-FTDI_FT232R_USB_UART_A10K1234-if00-port0');
  await tree.serial('ttyACM10', { ...ftdi, port: '1-1.1', productId: '6015', serial: 'B2' });
  await tree.serial('ttyACM9', clone);
  await tree.file('sys/class/tty/tty0/dev', '4:0');
  const platform = 'sys/devices/platform/serial8250';
  for (const [name, type] of [
    ['ttyS0', '4'],
    ['ttyS1', '0'],
  ] as const) {
    await tree.file(`${platform}/tty/${name}/type`, type);
    await tree.link(`${platform}/tty/${name}/device`, platform);
    await tree.link(`sys/class/tty/${name}`, `${platform}/tty/${name}`);
  }
  const found = await attachedSerial(tree.root);
  t.deepEqual(
    found.map(({ node }) => node.slice(tree.root.dev.length + 1)),
    ['ttyACM9', 'ttyACM10', 'ttyS0', 'ttyUSB0'],
    'in the order people count, without consoles and ports that have no chip',
  );
  t.deepEqual(found.at(-1), {
    kind: 'serial',
    node: join(tree.root.dev, 'ttyUSB0'),
    vendorId: '0403',
    productId: '6001',
    topology: '1-1.2:1.0',
    identity: {
      vendor: 'FTDI',
      model: 'FT232R USB UART',
      serial: 'A10K1234',
      address: join(tree.root.dev, 'serial/by-id/usb-FTDI_FT232R_USB_UART_A10K1234-if00-port0'),
    },
  });
  t.deepEqual(found[0]?.identity, { model: 'USB Serial', address: '1-1.3:1.0' });
  t.deepEqual(found[2]?.identity, { address: join(tree.root.dev, 'ttyS0') });
});

test('a HID device is listed by what it is used as, an input device by its name', async (t) => {
  await t.context.hid(1, scanner, scannerDescriptor, 'Metrologic Scanner');
  const found = await attachedHid(t.context.root);
  t.deepEqual(
    found.map(({ usagePage }) => usagePage),
    [0x8c, 0x01],
  );
  t.deepEqual(found[0], {
    kind: 'hid',
    node: join(t.context.root.dev, 'hidraw1'),
    vendorId: '0c2e',
    productId: '0b61',
    topology: '1-1.4:1.0',
    usagePage: 0x8c,
    identity: { vendor: 'Metrologic', model: 'Scanner', serial: '17164B0917', address: '1-1.4:1.0' },
  });
  const [input] = await attachedInput(t.context.root);
  t.like(input, { vendorId: '0c2e', topology: '1-1.4:1.0', node: join(t.context.root.dev, 'input/event1') });
  t.like(input?.identity, { model: 'Metrologic Scanner', serial: '17164B0917' });
});

test('a Bluetooth HID device has ids and a serial number, but no USB port', async (t) => {
  const hid = 'sys/devices/virtual/misc/uhid/0005:04B4:0001.0002';
  await t.context.file(
    `${hid}/uevent`,
    'HID_ID=0005:000004B4:00000001\nHID_NAME=Wand\nHID_PHYS=aa:bb\nHID_UNIQ=11:22',
  );
  await t.context.file(`${hid}/report_descriptor`, scannerDescriptor.subarray(0, 16));
  await t.context.link(`${hid}/hidraw/hidraw2/device`, hid);
  await t.context.link('sys/class/hidraw/hidraw2', `${hid}/hidraw/hidraw2`);
  const [one] = await attachedHid(t.context.root);
  t.like(one, { vendorId: '04b4', productId: '0001', topology: undefined, usagePage: 0x8c });
  t.deepEqual(one?.identity, { model: 'Wand', serial: '11:22', address: 'aa:bb' });
});

test('adapters and attributes are known by names that stay', async (t) => {
  const tree = t.context;
  await tree.file('sys/devices/platform/soc/fe804000.i2c/i2c-1/name', 'bcm2835 (i2c@7e804000)');
  await tree.link('sys/bus/i2c/devices/i2c-1', 'sys/devices/platform/soc/fe804000.i2c/i2c-1');
  const chip = 'sys/devices/platform/soc/fe804000.i2c/i2c-1/1-0048';
  await tree.file(`${chip}/name`, 'lm75');
  await tree.link('sys/bus/i2c/devices/1-0048', chip);
  await tree.file(`${chip}/hwmon/hwmon3/name`, 'lm75');
  await tree.link(`${chip}/hwmon/hwmon3/device`, chip);
  await tree.link('sys/class/hwmon/hwmon3', `${chip}/hwmon/hwmon3`);
  await tree.file('sys/devices/platform/weight@0/iio:device0/name', 'hx711');
  await tree.link('sys/bus/iio/devices/iio:device0', 'sys/devices/platform/weight@0/iio:device0');
  await tree.file('sys/bus/iio/devices/trigger0/name', 'no device');
  await tree.file('sys/devices/LNXSYSTM:00/PNP0C0A:00/power_supply/BAT0/capacity', '93');
  await tree.link('sys/class/power_supply/BAT0', 'sys/devices/LNXSYSTM:00/PNP0C0A:00/power_supply/BAT0');
  t.deepEqual(await attachedI2c(tree.root), [
    {
      kind: 'i2c',
      node: join(tree.root.dev, 'i2c-1'),
      identity: { model: 'bcm2835 (i2c@7e804000)', address: 'i2c-1' },
    },
  ]);
  const facts = async (kind: 'iio' | 'hwmon' | 'power_supply') =>
    (await attachedAttributes(kind, tree.root)).map(({ identity }) => [identity.model, identity.address]);
  t.deepEqual(await facts('iio'), [['hx711', 'weight@0']]);
  t.deepEqual(await facts('hwmon'), [['lm75', '1-0048']]);
  t.deepEqual(await facts('power_supply'), [['BAT0', 'PNP0C0A:00']]);
});

test('nothing is attached to a machine without any of the folders', async (t) => {
  for (const kind of [
    'serial',
    'hid',
    'input',
    'i2c',
    'iio',
    'hwmon',
    'power_supply',
    'gpio',
    'video',
  ] as const) {
    t.deepEqual(await listAttached(kind, t.context.root), [], kind);
  }
});

test('a device is bound by what was asked for, on whichever port it is', async (t) => {
  await t.context.serial('ttyUSB0', ftdi);
  await t.context.serial('ttyUSB1', { ...clone, port: '1-1.3' });
  await t.context.serial('ttyUSB2', { ...clone, port: '1-2' });
  for (const name of ['ttyUSB0', 'ttyUSB1', 'ttyUSB2']) await t.context.file(`dev/${name}`);
  const find = async (match: Parameters<typeof findSerial>[0]) =>
    (await findSerial(match, t.context.root)).node.slice(t.context.root.dev.length + 1);
  t.is(await find({ serial: 'A10K1234' }), 'ttyUSB0');
  t.is(await find({ vendorId: '0403' }), 'ttyUSB0');
  t.is(await find({ topology: '1-2' }), 'ttyUSB2');
  t.is(await find({ topology: '1-1.3:1.0' }), 'ttyUSB1');
  t.is(await find({ path: join(t.context.root.dev, 'ttyUSB2'), vendorId: '1A86' }), 'ttyUSB2');
  await t.throwsAsync(find({ vendorId: '1a86' }), {
    code: 'CW-DRV-014',
    message:
      /^2 attached devices match the serial port 1a86:\*: 1a86:7523 USB Serial, at 1-1\.3:1\.0 .*, 1a86:7523 USB Serial, at 1-2:1\.0 .*by topology/,
  });
  await t.throwsAsync(find({ serial: 'A10K9999' }), {
    code: 'CW-DRV-004',
    message:
      /serial port serial A10K9999 is not attached; attached instead: 0403:6001 FTDI FT232R USB UART, serial A10K1234, at 1-1\.2:1\.0/,
  });
  await t.throwsAsync(find({ topology: '1-1' }), { code: 'CW-DRV-004' }, 'a hub is not what is behind it');
  await t.throwsAsync(find({ path: join(t.context.root.dev, 'ttyUSB0'), serial: 'other' }), {
    code: 'CW-DRV-004',
  });
  await t.context.unplug(ftdi, 'ttyUSB0');
  await t.context.serial('ttyUSB7', { ...ftdi, port: '1-1.1.3' });
  t.is(await find({ serial: 'A10K1234' }), 'ttyUSB7');
});

test('what was asked for and what is there are said as a profile writes them', (t) => {
  t.is(describeMatch('serial port', {}), 'the serial port');
  t.is(
    describeMatch('input device', { name: 'Wand', productId: '0001' }),
    'the input device name Wand, *:0001',
  );
  const bare = { kind: 'serial', node: '/dev/ttyS0', identity: {} } as const;
  t.is(describeAttached(bare), '/dev/ttyS0');
  const many = Array.from({ length: 11 }, (_, i) => ({ ...bare, node: `/dev/ttyS${i}` }));
  t.throws(() => chooseOne('it', many, () => false), { message: /\/dev\/ttyS7, and 3 more;/ });
  const twice = [bare, bare];
  t.is(
    chooseOne('it', twice, () => true),
    bare,
    'one node that is listed twice is one device',
  );
  t.false(matchesUsb(bare, { serial: 'x' }));
});

test('holders are named, Node programs by their script, and links are followed', async (t) => {
  const tree = t.context;
  await tree.file('dev/ttyUSB0');
  await tree.file('dev/hidraw0');
  await tree.link('dev/serial/by-id/usb-it', 'dev/ttyUSB0');
  const node = await realpath(join(tree.root.dev, 'ttyUSB0'));
  await tree.process(812, 'ModemManager', ['/usr/sbin/ModemManager'], ['/dev/null', node, node]);
  await tree.process(
    900,
    'MainThread',
    ['/opt/node/bin/node', '--x', '/opt/cartwright/src/main.ts', 'a'],
    [node],
  );
  await tree.process(901, 'node', ['node'], [node]);
  await tree.process(902, 'cat', ['cat'], ['/dev/null']);
  await tree.file('proc/self/comm', 'no process');
  const stable = join(tree.root.dev, 'serial/by-id/usb-it');
  const found = await findHolders([stable, join(tree.root.dev, 'hidraw0')], tree.root);
  t.deepEqual(
    [...found],
    [
      [
        stable,
        [
          { pid: 812, name: 'ModemManager' },
          { pid: 900, name: 'node main.ts' },
          { pid: 901, name: 'node' },
        ],
      ],
    ],
  );
  t.is((await findHolders([], tree.root)).size, 0);
});

test('a list says who holds what', async (t) => {
  await t.context.serial('ttyUSB0', ftdi);
  await t.context.file('dev/ttyUSB0');
  const node = await realpath(join(t.context.root.dev, 'ttyUSB0'));
  await t.context.process(812, 'ModemManager', ['ModemManager'], [node]);
  const [one] = await listAttached('serial', t.context.root);
  t.deepEqual(one?.holder, { pid: 812, name: 'ModemManager' });
  t.is(one?.missingRule, undefined);
});

test('the rule that is missing names the device where it can be named', (t) => {
  t.is(
    ruleFor({ kind: 'serial', vendorId: '1a86', productId: '7523' }),
    'SUBSYSTEM=="tty", ATTRS{idVendor}=="1a86", ATTRS{idProduct}=="7523", GROUP="cartwright", MODE="0660", TAG+="uaccess"',
  );
  t.is(
    ruleFor({ kind: 'serial' }),
    'SUBSYSTEM=="tty", KERNEL=="ttyAMA*|ttyS*", GROUP="cartwright", MODE="0660", TAG+="uaccess"',
    "a machine's UART, and not its consoles",
  );
  t.is(ruleFor({ kind: 'i2c' }), 'SUBSYSTEM=="i2c-dev", GROUP:="cartwright", MODE:="0660"');
});

test('usages are read from report descriptors as the standard has them', (t) => {
  t.deepEqual(usagesOf(scannerDescriptor), [
    { usagePage: 0x8c, usage: 2 },
    { usagePage: 1, usage: 6 },
  ]);
  t.deepEqual(
    usagesOf(Uint8Array.of(0x06, 0x00, 0xff, 0x0b, 0x20, 0x00, 0x8d, 0x00, 0xa1, 0x01, 0xc0)),
    [{ usagePage: 0x8d, usage: 0x20 }],
    'a usage of four bytes brings its page',
  );
  t.deepEqual(usagesOf(Uint8Array.of(0xfe, 2, 0, 9, 9, 0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01)), [
    { usagePage: 0x8c, usage: 2 },
  ]);
  t.deepEqual(
    usagesOf(Uint8Array.of(0x05, 0x8c, 0x09, 0x02, 0xa1, 0x00, 0xc0)),
    [],
    'a physical collection is no use',
  );
  t.deepEqual(usagesOf(scannerDescriptor.subarray(0, 5)), []);
});

test('any bytes for a descriptor are read to an end', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const usages = usagesOf(bytes);
      return (
        usages.length <= bytes.length &&
        usages.every(
          ({ usagePage, usage }) => usagePage >= 0 && usagePage <= 0xffff && usage >= 0 && usage <= 0xffff,
        )
      );
    }),
    { seed: 7, numRuns: runs },
  );
  t.pass();
});
