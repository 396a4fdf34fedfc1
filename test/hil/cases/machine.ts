import { strangerIds } from '../rig/virtual.ts';
import { limitMs, type Plan } from './context.ts';

/** What the machine itself brings. */
export function machineCases({ inMachine: test }: Plan): void {
  test.serial('a camera is there: it is enumerated and delivers frames', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const devices = await rig.sh('v4l2-ctl --list-devices');
    t.regex(devices, /vivid/);
    const picture = await rig.sh(
      'v4l2-ctl -d /dev/video0 --set-fmt-video=width=320,height=180,pixelformat=GREY --stream-mmap --stream-count=2 --stream-to=/tmp/frames >/dev/null 2>&1; stat -c %s /tmp/frames',
    );
    t.is(Number(picture), 2 * 320 * 180);
  });

  test.serial(
    'a serial adapter that is plugged in while the machine runs gets its stable name',
    async (t) => {
      t.timeout(limitMs);
      const { machine: rig } = t.context;
      await rig.machine.plugSerialAdapter('adapter', 'HIL-FTDI-1');
      const found = await rig.sh(
        'for try in $(seq 300); do ls /dev/serial/by-id/*HIL-FTDI-1* 2>/dev/null && exit 0; sleep 0.1; done; exit 1',
      );
      t.regex(found, /usb-QEMU.*HIL-FTDI-1/);
      await rig.machine.unplug('adapter');
      await rig.sh('for try in $(seq 300); do [ -e /dev/serial/by-id ] || exit 0; sleep 0.1; done; exit 1');
    },
  );

  test.serial(
    'the udev rules give the devices to the group of the gateway, and to nobody else',
    async (t) => {
      t.timeout(limitMs);
      const { machine: rig } = t.context;
      for (const { id } of rig.devices) await rig.hands.putBack(id);
      await rig.sh('udevadm settle');
      const nodes = await rig.sh(
        'stat -c "%n %G %a" /dev/hidraw* /dev/ttyACM* /dev/input/by-id/*-event-kbd -L',
      );
      const rows = nodes.trim().split('\n');
      t.is(rows.filter((row) => row.endsWith(' cartwright 660')).length, 6, nodes);
      const read = await rig.run(['cat', '/dev/hidraw0'], strangerIds);
      t.regex(read.stderr, /Permission denied/);
    },
  );
}
