import { setTimeout as sleep } from 'node:timers/promises';
import { inGuest } from '../machine/machine.ts';
import { gatewayIds } from '../rig/virtual.ts';
import { limitMs, type Plan } from './context.ts';
import { boardOf, openInTime, refusalOf } from './opened.ts';

/** Names that udev gives, and devices that have a name and nothing else. */
export function nameCases({ inMachine: test }: Plan): void {
  test.serial('the links of the udev rules lead to the devices that they name', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    for (const { id } of rig.devices) await rig.hands.putBack(id);
    const links = {
      'hid-05e0-1300-S-0001-HID': 'hidraw',
      'hid-0922-8003-S-0004-HID': 'hidraw',
      'input-05e0-1200-S-0002-KBD': 'event',
      'serial-05f9-4204-S-0003-CDC-if00': 'ttyACM',
      'serial-0eb8-f000-S-0005-CDC-if00': 'ttyACM',
    };
    for (const [link, kind] of Object.entries(links)) {
      await rig.sh(until(`[ -e /dev/cartwright/${link} ]`));
      const node = (await rig.sh(`readlink -e /dev/cartwright/${link}`)).trim();
      t.regex(node, new RegExp(`^/dev/(?:input/)?${kind}\\d+$`));
      const serial = link.match(/S-\d{4}-[A-Z]{3}/)?.[0] ?? '';
      const info = await rig.sh(`udevadm info --attribute-walk ${node}`);
      t.true(info.includes(`ATTRS{serial}=="${serial}"`), `${link} leads to ${node}`);
    }
    const [first = ''] = Object.keys(links);
    await rig.hands.pull('hid-scanner');
    await rig.sh(until(`[ ! -L /dev/cartwright/${first} ]`));
    await rig.hands.putBack('hid-scanner');
    await rig.sh(until(`[ -e /dev/cartwright/${first} ]`));
    t.pass();
  });

  test.serial('a scanner that types without a USB cable is found by its name and grabbed', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const far = (name: string, ...args: readonly unknown[]) =>
      rig.machine.guest.call(inGuest('buses'), name, ...args);
    const name = 'BT-7 Wedge Scanner';
    const board = await boardOf(rig, 'radio', [
      {
        id: 'radio',
        driver: 'evdev-keyboard',
        options: { match: { name }, duplicateWindowMs: 0, idleMs: 5000 },
      },
    ]);
    const withoutIt = await refusalOf(rig, board, 'radio');
    t.is(withoutIt.refused, 'CW-DRV-004');
    t.regex(withoutIt.message, /name BT-7 Wedge Scanner is not attached/);

    await far('makeKeyboard', name);
    await rig.sh('udevadm settle');
    const withoutRule = await refusalOf(rig, board, 'radio', gatewayIds);
    t.is(withoutRule.refused, 'CW-DRV-012');
    await far('pullKeyboard');

    // A device that the rules don't list needs one of its own.
    const rule = `SUBSYSTEM=="input", KERNEL=="event*", ATTRS{name}=="${name}", GROUP="cartwright", MODE="0660"`;
    await rig.sh(`echo '${rule}' >/etc/udev/rules.d/61-radio.rules; udevadm control --reload`);
    await far('makeKeyboard', name);
    await rig.sh('udevadm settle');
    const device = await openInTime(rig, board, 'radio');
    const { opened } = await device.line('identity', (line) => 'opened' in line);
    t.is((opened as { model?: string }).model, name);
    t.is((await refusalOf(rig, board, 'radio')).refused, 'CW-DRV-003', 'it is grabbed');

    const grabbed = await rig.sh(`grep -A 5 'Name="${name}"' /proc/bus/input/devices`);
    const node = /event\d+/.exec(grabbed)?.[0];
    const other = await rig.start(['dd', `if=/dev/input/${node}`, 'of=/tmp/radio', 'bs=24', 'status=none']);
    await sleep(100 * rig.patience);
    await far('typeOnKeyboard', ']E04006381333931\n');
    const scan = await device.line('scan', ({ kind }) => kind === 'scan');
    t.like(scan, { data: '4006381333931', symbology: ']E0' });
    await other.signal('SIGTERM');
    await other.finished;
    t.is((await rig.sh('stat -c %s /tmp/radio')).trim(), '0', 'nobody else gets its keys');

    await far('pullKeyboard');
    const lost = await device.line('fault', (line) => line.fault === 'disconnected');
    t.is(lost.code, 'CW-DRV-005');
    t.is(await device.end(), '');
    await rig.sh('rm /etc/udev/rules.d/61-radio.rules; udevadm control --reload');
  });
}

/** A script that ends when the condition holds, and fails where it does not within a minute. */
function until(condition: string): string {
  return `for try in $(seq 600); do ${condition} && exit 0; sleep 0.1; done; exit 1`;
}
