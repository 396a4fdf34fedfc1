import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import test from 'ava';
import { ruleFor, rulesFile } from '#drivers/ports/access.ts';
import { ownFiles, readOwn } from '../../scripts/checks/tree.ts';
import { applyRules, parseRules, type UdevDevice } from '../support/udev-rules.ts';
import { findTool } from '../tools.ts';

const run = promisify(execFile);
const text = readFileSync(new URL(`../../${rulesFile}`, import.meta.url), 'utf8');
const rules = parseRules(text);
const serial = (idVendor: string, idProduct: string, number?: string): UdevDevice => ({
  subsystem: 'tty',
  kernel: 'ttyUSB0',
  attributes: { idVendor, idProduct, ...(number === undefined ? {} : { serial: number }) },
});
const hid = (attributes: Record<string, string>, program?: string): UdevDevice => ({
  subsystem: 'hidraw',
  kernel: 'hidraw0',
  attributes,
  ...(program === undefined ? {} : { program }),
});

/** What drivers and the firmware's flasher know by id: every `vendorId: '…'` and board table in their sources. */
function knownIds() {
  const known: { readonly vendor: string; readonly products: readonly string[]; readonly path: string }[] =
    [];
  const wanted = /^drivers\/(?!virtual|ports)|^scripts\/firmware\//;
  for (const path of ownFiles().filter((one) => wanted.test(one) && one.endsWith('.ts'))) {
    const source = readOwn(path).text;
    for (const row of source.matchAll(
      /vendorId: '([0-9a-f]{4})'(?:,\s*productIds?: (\[[^\]]*\]|'[0-9a-f]{4}'))?/g,
    )) {
      const products = [...(row[2] ?? '').matchAll(/[0-9a-f]{4}/g)].map(([id]) => id);
      known.push({ vendor: row[1] ?? '', products, path });
    }
    for (const row of source.matchAll(/^ {2}\['([0-9a-f]{4})', '/gm)) {
      known.push({ vendor: row[1] ?? '', products: [], path });
    }
  }
  return known;
}

/** The product that stands for a vendor whose table names none. */
const commonProducts: Readonly<Record<string, string>> = {
  '0403': '6001',
  '1a86': '7523',
  '10c4': 'ea60',
  '067b': '2303',
};

test('every device that a driver or the flasher knows by its ids may be opened, and is kept from ModemManager', (t) => {
  const known = knownIds();
  t.true(known.length >= 10, 'the tables are where this test looks for them');
  for (const { vendor, products, path } of known) {
    for (const product of products.length > 0 ? products : [commonProducts[vendor] ?? '0001']) {
      const devices = path.includes('hid-')
        ? [hid({ idVendor: vendor, idProduct: product })]
        : [serial(vendor, product)];
      for (const device of devices) {
        const outcome = applyRules(rules, device);
        t.is(outcome.group, 'cartwright', `${path}: ${vendor}:${product} ${device.subsystem}`);
        t.is(outcome.mode, '0660');
        if (device.subsystem === 'tty') t.is(outcome.environment.get('ID_MM_DEVICE_IGNORE'), '1');
      }
    }
  }
});

test('the USB device of a serial bridge is marked for ModemManager, but its node is left alone', (t) => {
  const usb = { subsystem: 'usb', kernel: '1-1.2', attributes: { idVendor: '0403', idProduct: '6001' } };
  const { environment, group } = applyRules(rules, usb);
  t.is(environment.get('ID_MM_DEVICE_IGNORE'), '1');
  t.is(group, undefined);
});

test('a serial line gets a stable name where it has a serial number, others none', (t) => {
  t.deepEqual(applyRules(rules, serial('2341', '0043', '75834353')).links, [
    'cartwright/serial-2341-0043-75834353-if00',
  ]);
  t.deepEqual(applyRules(rules, serial('1a86', '7523')).links, []);
});

test('a modem, a phone and an unknown serial adapter are left as they are', (t) => {
  for (const [vendor, product] of [
    ['12d1', '1506'],
    ['18d1', '4ee7'],
    ['0403', '0001'],
  ] as const) {
    const { group, environment } = applyRules(rules, serial(vendor, product));
    t.deepEqual([group, environment.size], [undefined, 0], `${vendor}:${product}`);
  }
});

test('a HID scanner or scale of any maker is known by its usage page, whichever way its descriptor writes it', (t) => {
  const unknown = { idVendor: '1234', idProduct: '5678' };
  for (const descriptor of [
    ' 05 8c 09 02 a1 01 09 12',
    ' 05 8d 09 20 a1 01 85 03',
    ' 06 8c 00 09 02 a1 01',
    ' 05 01 09 06 a1 01 c0 05 8c 09 02 a1 01 c0',
  ]) {
    const { group, tags } = applyRules(rules, hid(unknown, descriptor));
    t.deepEqual([group, tags.has('uaccess')], ['cartwright', true], descriptor);
  }
  for (const descriptor of [' 05 01 09 06 a1 01 05 07 19 e0', ' 06 00 ff 09 01 a1 01 25 8c', '']) {
    t.is(applyRules(rules, hid(unknown, descriptor)).group, undefined, descriptor);
  }
});

test('the program that looks into a report descriptor prints what the rule expects', async (t) => {
  const program =
    rules.flatMap(({ tokens }) => tokens.filter(({ key }) => key === 'PROGRAM'))[0]?.value ?? '';
  const [command = '', ...args] = program.split(' ');
  t.is(args.pop(), '$sys$devpath/../../report_descriptor');
  const started = run(command, args);
  started.child.stdin?.end(Uint8Array.of(0x05, 0x8c, 0x09, 0x02, 0xa1, 0x01, ...new Uint8Array(100)));
  const { stdout } = await started;
  t.is(stdout.trimEnd().split('\n').length, 1, 'udev takes the first line');
  const device = hid({ idVendor: '1234', idProduct: '5678' }, stdout.replace(/\n$/, ''));
  t.is(applyRules(rules, device).group, 'cartwright');
});

test('scanners that type may be read by the gateway alone, and other keyboards not at all', (t) => {
  const keyboard = (idVendor: string): UdevDevice => ({
    subsystem: 'input',
    kernel: 'event3',
    attributes: { idVendor, idProduct: '0001', serial: 'S1' },
  });
  const scanner = applyRules(rules, keyboard('0c2e'));
  t.deepEqual([scanner.group, scanner.tags.has('uaccess')], ['cartwright', false]);
  t.deepEqual(scanner.links, ['cartwright/input-0c2e-0001-S1']);
  t.is(applyRules(rules, keyboard('046d')).group, undefined);
  t.false(ruleFor({ kind: 'input', vendorId: '046d', productId: 'c31c' }).includes('uaccess'));
});

test('buses, lines and converters of the board belong to the gateway', (t) => {
  for (const [subsystem, kernel] of [
    ['i2c-dev', 'i2c-1'],
    ['gpio', 'gpiochip4'],
    ['iio', 'iio:device0'],
  ] as const) {
    const { group, mode } = applyRules(rules, { subsystem, kernel });
    t.deepEqual([group, mode], ['cartwright', '0660'], kernel);
  }
  t.is(applyRules(rules, { subsystem: 'gpio', kernel: 'gpio17' }).group, undefined);
  t.is(applyRules(rules, { subsystem: 'block', kernel: 'sda' }).group, undefined);
});

test('USB cameras belong to the gateway, those of the mainboard stay where they are', (t) => {
  const attributes = { idVendor: '046d', idProduct: '082d' };
  const { group, mode } = applyRules(rules, { subsystem: 'video4linux', kernel: 'video2', attributes });
  t.deepEqual([group, mode], ['cartwright', '0660']);
  t.is(applyRules(rules, { subsystem: 'video4linux', kernel: 'video0' }).group, undefined);
});

test('a rule that the gateway prints for a device of its own is one that udev would take', (t) => {
  for (const kind of ['serial', 'hid', 'input', 'i2c', 'gpio', 'iio', 'video'] as const) {
    const [rule] = parseRules(ruleFor({ kind, vendorId: '1234', productId: 'abcd' }));
    t.true((rule?.tokens.length ?? 0) >= 3, kind);
  }
});

test('what udev would drop is found with its line', (t) => {
  const bad = (rule: string) => () => parseRules(`# comment\n${rule}`);
  t.throws(bad('SUBSYSTEM="tty"'), { message: /line 2: SUBSYSTEM can't be used with =/ });
  t.throws(bad('GROUP=="x"'), { message: /GROUP can't/ });
  t.throws(bad('SUBSYSTEM=="tty" GROUP="x"'), { message: /column 1/ });
  t.throws(bad('COLOUR=="red"'), { message: /COLOUR/ });
  t.throws(bad('GOTO="nowhere"'), { message: /no label nowhere/ });
});

/** `udevadm verify` came with systemd 254; before, the rules are checked as above, and by udev in test/hil's machine. */
const udevadm = findTool('udevadm');
if (udevadm !== undefined && spawnSync(udevadm, ['verify', '--help']).status === 0) {
  test('the rules pass the check of udev itself', async (t) => {
    await run(udevadm, ['verify', '--resolve-names=never', rulesFile], {
      cwd: new URL('../..', import.meta.url).pathname,
    });
    t.pass();
  });
}
